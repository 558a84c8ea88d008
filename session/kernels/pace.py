"""How fast a session works on what its kernel sends in vain.

A kernel can send without end, and hears nothing of what is thrown away. So that this takes little from other
sessions on the machine, only so much of a processor works on what shows nothing: whatever it is, of which
kind, signed or not. What shows something is never held up, nor is a burst: a kernel throws away what is not
taken from it, also the word that a cell is done, and honest cells that are cut are to end at once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any

__all__ = ["Pace", "paced"]

_SHARE = 0.2
_LISTENERS_SHARE = 0.05
_BURST_SECONDS = 0.5
_LONGEST_SECONDS = 0.25


class Pace:
    """What is left for work in vain, in seconds of work: it grows by a share of the time."""

    __slots__ = ("_clock", "_left", "_looked", "_share")

    def __init__(self, share: float = _SHARE, clock: Callable[[], float] = time.monotonic) -> None:
        self._share = share
        self._clock = clock
        self._left = _BURST_SECONDS
        self._looked = clock()

    def rest(self, worked: float, *, shown: bool) -> float:
        """Seconds to rest for now, after `worked` seconds of work."""
        now = self._clock()
        self._left = min(_BURST_SECONDS, self._left + self._share * (now - self._looked))
        self._looked = now
        if shown:
            return 0.0
        self._left -= worked
        return min(max(0.0, -self._left / self._share), _LONGEST_SECONDS)


def paced(stream: Any, receive: Callable[[list[bytes]], None]) -> Callable[[list[bytes]], None]:
    """What takes a `KernelSocket`'s messages where none of them shows anything."""
    pace = Pace(_LISTENERS_SHARE)

    def take(parts: list[bytes]) -> None:
        begun = time.perf_counter()
        receive(parts)
        worked, stream.spent = time.perf_counter() - begun + stream.spent, 0.0
        if pause := pace.rest(worked, shown=False):
            stream.hold()
            asyncio.get_running_loop().call_later(pause, stream.go_on)

    return take
