"""A session's meter with something lent, and an egress review that lends over no wire."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from egress_review.display.policy import DisplayPolicy
from egress_review.meter import leasing, policies, wire
from egress_review.meter.room import MeterRoom
from egress_review.people import Caller
from onggi.errors import OnggiError
from session.meter import Day, SessionMeter
from session.purse import Block
from session.services import Service
from tests.support.meter import CALLER

MIB = 1024 * 1024
FAR = 4_000_000_000.0


def meter_with(path: Path, session_bytes: int, lent: int = 1024 * MIB) -> SessionMeter:
    """A meter whose purse holds `lent` bytes for each purpose."""
    policy = replace(DisplayPolicy(), session_bytes=session_bytes, session_soft_bytes=session_bytes)
    meter = SessionMeter(path, policy)
    day = Day("2026-11-21", lent, lent, lent, "2096-10-02T07:06:40.000Z", "Asia/Seoul")
    meter.lend(Block("b", lent, lent, FAR), day)
    return meter


@dataclass
class DirectReview(Service):
    """Egress review's own actions, called without a wire; `broken` is raised instead of an answer."""

    room: MeterRoom
    caller: Caller = CALLER
    broken: OnggiError | None = None
    lost: bool = False
    asked: list[str] = field(default_factory=list)

    async def get(self, path: str) -> dict[str, Any]:
        self._fail(path)
        version = policies.newest(self.room, self.caller.project)
        known = path.endswith(f"known={version.label.replace('@', '%40')}")
        document = None if known else policies.policy_of(version).to_json()
        return {"label": version.label, "document": document}

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        if not self.lost:
            self._fail(path)
        asked = wire.read(wire.LeaseAsked, body)
        if path.endswith("/return"):
            leasing.give_back(self.room, asked.id, asked.amounts(), self.caller.session_id)
            return {}
        answer = wire.lent_json(leasing.lend(self.room, self.caller, asked.id, asked.amounts()))
        if self.lost:
            self._fail(path)  # it did what was asked, and the answer never came
        return answer

    def _fail(self, path: str) -> None:
        self.asked.append(path)
        if self.broken is not None:
            raise self.broken
