"""Keeps the session's purse filled from egress review, and its policy fresh.

Guarantees: more is asked for before the purse is empty, so that outputs of ordinary size never wait; while
egress review is silent nothing is invented: what was lent may be spent, and then outputs are withheld. A
lease is asked for under one id until it was answered, so that a lost answer costs nothing.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import quote

from egress_review.display.policy import DisplayPolicy, policy_from_json
from onggi.clock import from_text
from onggi.errors import Invalid, OnggiError, Unavailable
from onggi.reasons import Reason
from session.meter import PAGE_LEVEL_BYTES, Day, SessionMeter
from session.purse import Block
from session.services import Service

__all__ = ["LeaseKeeper", "burst_bytes"]

_KIB = 1024
_MIB = 1024 * _KIB
_LEAST_BLOCK, _MOST_BLOCK = 256 * _KIB, 8 * _MIB
_QUICK_SECONDS = 5.0
"""A purse that is low again this soon gets a block of twice the size."""
_REFRESH_SECONDS = 30.0
_EXHAUSTED_SECONDS = 10.0
_RETRY_SECONDS = (0.5, 1.0, 2.0, 5.0)
_WAIT_SECONDS = 3.0
_log = logging.getLogger("onggi.session.lease")


@dataclass(frozen=True, slots=True)
class _Ask:
    """A lease that was asked for and not answered yet."""

    id: str
    output: int
    page: int


def burst_bytes(policy: DisplayPolicy) -> int:
    """What one cell may show at once: the purse is kept above it."""
    images = policy.cell_images * policy.image_bytes
    return min(max(policy.cell_text_bytes + policy.cell_error_bytes + images, _LEAST_BLOCK), 4 * _MIB)


class LeaseKeeper:
    """Asks egress review for blocks of the member's day.

    Args:
        apply: is handed each policy that egress review names, before anything is lent under it.
    """

    def __init__(self, meter: SessionMeter, review: Service, apply: Callable[[DisplayPolicy], None]) -> None:
        self._meter = meter
        self._review = review
        self._apply = apply
        self._label = ""
        self._changed = False
        self._level = burst_bytes(DisplayPolicy())
        self._block = _LEAST_BLOCK
        self._filled = 0.0
        self._failures = 0
        self._pending: _Ask | None = None
        self._asking = asyncio.Lock()
        self._wake = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._thread = threading.get_ident()
        meter.on_low = self._poke
        meter.wait_for = self._wait_for

    async def first(self) -> None:
        """Fill the purse before the first request is served; a silent egress review holds nothing up."""
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._fill(), _WAIT_SECONDS)

    async def run_forever(self) -> None:
        """Fill when the purse is low and look for a new policy now and then, until cancelled."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._wake.wait(), self._rest())
            self._wake.clear()
            if self._changed:
                await self.renew()
            elif self._low():
                await self._fill()
            else:
                await self._refresh()
            if self._failures:
                await asyncio.sleep(_RETRY_SECONDS[min(self._failures, len(_RETRY_SECONDS)) - 1])
            elif self._low():  # the day is used up: a person may lift that
                await asyncio.sleep(_EXHAUSTED_SECONDS)

    async def renew(self) -> None:
        """Return what was lent under another policy and ask anew: a tighter day holds at once."""
        self._changed = False
        await self.give_back()
        await self._fill()

    async def give_back(self) -> None:
        """Return what was not spent; what does not get through stays lent."""
        for block in self._meter.purse.empty():
            rest = {"id": block.id, "output": block.output, "page": block.page}
            with contextlib.suppress(OnggiError, TimeoutError):
                await asyncio.wait_for(self._review.post("/internal/display/return", rest), 1.0)

    async def _fill(self, output: int = 0) -> None:
        """Ask for what brings the purse over its level, and for at least `output` bytes."""
        async with self._asking:
            asked = self._pending or self._ask(output)
            try:
                answer = await self._review.post(
                    "/internal/display/lease", {"id": asked.id, "output": asked.output, "page": asked.page}
                )
                self._take(answer)
            except OnggiError as error:
                # Not answered: ask the same again. Refused: what was asked for is not wanted any more.
                self._pending = asked if isinstance(error, Unavailable) else None
                self._failed(error)
                return
            self._pending, self._failures = None, 0

    def _ask(self, output: int) -> _Ask:
        now = self._loop.time()
        quick = now - self._filled < _QUICK_SECONDS
        self._block = min(self._block * 2, _MOST_BLOCK) if quick else max(self._block // 2, _LEAST_BLOCK)
        self._filled = now
        purse = self._meter.purse
        return _Ask(
            secrets.token_hex(16),
            max(self._level + self._block - purse.output, output, 0),
            max(2 * PAGE_LEVEL_BYTES - purse.page, 0),
        )

    def _take(self, answer: dict[str, Any]) -> None:
        """Read what was lent.

        Raises:
            Unavailable: SERVICE_ANSWER_UNREADABLE; then nothing was.
        """
        try:
            day = answer["day"]
            ends = str(answer["ends"])
            block = Block(
                str(answer["id"]), int(answer["output"]), int(answer["page"]), from_text(ends).timestamp()
            )
            lent, limit, soft = (int(day[name]) for name in ("lent", "limit", "soft"))
            told = Day(str(day["day"]), lent, limit, soft, ends, str(day["zone"]))
            self._policy(str(answer["policy"]["label"]), answer["policy"]["document"])
        except (KeyError, TypeError, ValueError, Invalid):
            raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=200) from None
        self._meter.lend(block, told)

    async def _refresh(self) -> None:
        """Ask which policy holds."""
        try:
            answer = await self._review.get(f"/internal/display/policy?known={quote(self._label, safe='')}")
            if answer.get("document") is not None:
                self._policy(str(answer["label"]), answer["document"])
        except (OnggiError, KeyError) as error:
            _log.warning("the display policy cannot be refreshed: %s", error)

    def _policy(self, label: str, document: object) -> None:
        if label == self._label:
            return
        policy = replace(policy_from_json(document), version=label)
        self._apply(policy)
        self._changed = bool(self._label)
        self._label, self._level = label, burst_bytes(policy)
        self._meter.keep_above(self._level)

    def _failed(self, error: OnggiError) -> None:
        self._failures += 1
        self._meter.unreachable = True
        _log.warning("nothing is lent: %s", error)

    def _low(self) -> bool:
        purse = self._meter.purse
        purse.expire(time.time())
        return purse.output < self._level or purse.page < PAGE_LEVEL_BYTES

    def _rest(self) -> float:
        """Seconds until there is something to ask; at midnight the purse is empty."""
        day = self._meter.day
        if self._changed or self._low() or day is None:
            return 0.0
        midnight = from_text(day.ends).timestamp() - time.time()
        return min(_REFRESH_SECONDS, max(0.0, midnight) + 0.001)

    def _poke(self) -> None:
        """The purse is low; from any thread."""
        if threading.get_ident() == self._thread:
            self._wake.set()
        else:
            self._loop.call_soon_threadsafe(self._wake.set)

    def _wait_for(self, count: int) -> bool:
        """From a thread: have at least `count` bytes lent; False on the event loop, which never waits."""
        if threading.get_ident() == self._thread or self._failures:
            return False
        asked = asyncio.run_coroutine_threadsafe(self._fill(count + self._level), self._loop)
        try:
            asked.result(_WAIT_SECONDS)
        except TimeoutError:
            asked.cancel()
            return False
        return True
