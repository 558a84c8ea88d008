"""A display meter for tests: a clock that stands still, callers, showings."""

from __future__ import annotations

import secrets
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from egress_review.meter.domain import Amounts, Kind, Piece, Showing, Verdict
from egress_review.meter.folder import ShownFolder
from egress_review.meter.memory import MemoryMeterStore
from egress_review.meter.protocol import MeterStore
from egress_review.meter.recording import digest_of
from egress_review.meter.room import MeterRoom
from egress_review.people import Caller
from tests.support.review import StillClock

MIB = 1024 * 1024
NOON = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)  # of Seoul
CALLER = Caller("s-0000000000000001", "researcher1", "liver-study")
SECOND = replace(CALLER, session_id="s-0000000000000002")
OTHER = Caller("s-0000000000000003", "researcher2", "liver-study")
SMALL = "based_on: standard\nversion: small-1\nday_soft_bytes: 600\nday_bytes: 1000\n"


def new_id() -> str:
    return secrets.token_hex(16)


def meter_of(folder: Path, store: MeterStore | None = None) -> tuple[MeterRoom, StillClock]:
    clock = StillClock(NOON)
    shown = ShownFolder(folder / "shown")
    return MeterRoom(store or MemoryMeterStore(), shown, clock, ZoneInfo("Asia/Seoul"), "standard"), clock


def output(count: int) -> Amounts:
    return Amounts(output=count)


def a_showing(
    room: MeterRoom, *pieces: Piece, caller: Caller = CALLER, kind: Kind = Kind.CELL, code_sha256: str = ""
) -> Showing:
    """What a session announces of these pieces."""
    return Showing(
        id=new_id(),
        session=caller.session_id,
        project=caller.project,
        member=caller.member,
        day="",
        at=room.clock.now(),
        kind=kind,
        subject="cell-1",
        number=1,
        code_sha256=code_sha256,
        sizes={one.mime: len(one.content) for one in pieces},
        cuts=0,
        sha256=digest_of(pieces),
        verdict=Verdict.SHOWN,
        policy="standard-1@0",
    )
