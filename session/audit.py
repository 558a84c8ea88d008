"""The session's audit events: spooled before the thing happens, sent to egress review behind it."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from typing import Any

from onggi.clock import Clock
from onggi.errors import Invalid, OnggiError, Unavailable
from onggi.events import new_event
from onggi.plan import SessionPlan
from onggi.reasons import Reason
from session.services import Service
from web.spool import Spool

_log = logging.getLogger("onggi.session.audit")
_GATHER_SECONDS = 0.25  # cells that run at once are sent after they ran, not between their messages
_BATCH = 100
_RETRY_SECONDS = (0.2, 1.0, 5.0, 15.0)


class AuditTrail:
    """Writes events of this session down and sends them.

    Refusals come in floods when somebody tries, so they are counted and reported together.
    """

    def __init__(self, plan: SessionPlan, clock: Clock, spool: Spool, review: Service) -> None:
        self._plan = plan
        self._clock = clock
        self._spool = spool
        self._review = review
        self._wake = asyncio.Event()
        self._refused: Counter[tuple[str, str]] = Counter()

    def record(self, action: str, subject: str, **details: Any) -> None:
        """Write an event down.

        Raises:
            Unavailable: AUDIT_UNREACHABLE if too many wait; then what it is about must not happen.
        """
        details = {"session": self._plan.session_id, **details}
        event = new_event(
            self._clock, "session", self._plan.member, action, subject, self._plan.project, **details
        )
        self._spool.append(event.to_json())
        self._wake.set()

    def named(self) -> dict[str, str]:
        """Whose session this is, for what outlives it."""
        plan = self._plan
        return {"session": plan.session_id, "member": plan.member, "project": plan.project}

    def refused(self, what: str, reason: Reason) -> None:
        """Count a refusal for the next report."""
        self._refused[what, reason.value] += 1

    def report_refusals(self) -> None:
        """Write the counted refusals down as one event."""
        if not self._refused:
            return
        counts, self._refused = self._refused, Counter()
        items = [
            {"what": what, "reason": reason, "count": count}
            for (what, reason), count in counts.most_common(50)
        ]
        self.record("session.refuse", self._plan.session_id, refusals=items, total=counts.total())

    async def send_forever(self) -> None:
        """Send what waits, oldest first, until cancelled; what review rejects is logged and left out."""
        failures = 0
        while True:
            if self._spool.first() is None:
                self._wake.clear()
                await self._wake.wait()
            await asyncio.sleep(_GATHER_SECONDS)
            await asyncio.to_thread(self._spool.flush)
            try:
                await self._send(self._spool.oldest(_BATCH))
            except Unavailable:
                await asyncio.sleep(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1
            except OnggiError as error:
                _log.warning("events not taken: %s", error)
                await asyncio.sleep(_RETRY_SECONDS[-1])
            else:
                failures = 0

    async def _send(self, events: list[dict[str, Any]]) -> None:
        """Send events together; one by one if review rejects one of them.

        Raises:
            OnggiError: whatever says nothing against an event; nothing is left out then.
        """
        if len(events) > 1:
            with suppress(Invalid):
                await self._review.post("/internal/events/batch", {"events": events})
                self._spool.sent(len(events))
                return
        for event in events:
            try:
                await self._review.post("/internal/events", event)
            except Invalid as error:
                _log.error("review rejects event %s: %s", event["id"], error)
            self._spool.sent()

    async def drain(self, seconds: float) -> None:
        """Give the sender up to `seconds` to get rid of what waits."""
        deadline = asyncio.get_running_loop().time() + seconds
        while self._spool.first() is not None and asyncio.get_running_loop().time() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
