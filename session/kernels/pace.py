"""How fast a session works on what its kernel sends in vain.

A kernel can send without end, and hears of nothing that is thrown away. So that this takes little from other
sessions on the machine, work that shows nothing is followed by rest: whatever is sent, of which kind, signed
or not. What shows something is never held up, and short work never: honest cells meet this only when they
have shown all that they may.
"""

from __future__ import annotations

__all__ = ["Pace"]

_FREE_SECONDS = 0.002
_REST = 3.0
"""Rest for each second of work that showed nothing: it takes a quarter of a processor at most."""
_LONGEST_SECONDS = 0.25


class Pace:
    """The work on one channel that has shown nothing since it last did, or since the last rest."""

    __slots__ = ("_vain",)

    def __init__(self) -> None:
        self._vain = 0.0

    def rest(self, worked: float, *, shown: bool) -> float:
        """Seconds to rest for now, after `worked` seconds of work."""
        self._vain = 0.0 if shown else self._vain + worked
        if self._vain <= _FREE_SECONDS:
            return 0.0
        vain, self._vain = self._vain, 0.0
        return min(_REST * vain, _LONGEST_SECONDS)
