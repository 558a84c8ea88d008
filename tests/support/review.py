"""A review room for tests: a clock that stands still, a desk that answers from a dictionary, real stores."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from egress_review.actions import submitting, voting
from egress_review.check_runner import save_report
from egress_review.checks.differencing.runner import run_differencing
from egress_review.checks.job import CheckJob
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.report import CheckReport, Finding, FindingCode, OutputReport
from egress_review.domain import Ballot, Release, Request, Vote
from egress_review.ledger.remembering import Ledger
from egress_review.people import Caller, People, Person
from egress_review.policy import ReviewPolicy
from egress_review.room import Room
from egress_review.store.memory import MemoryReviewStore
from egress_review.store.protocol import ReviewStore
from egress_review.vault import Vault
from onggi.errors import NotFound, Unavailable
from onggi.permissions import Role
from onggi.reasons import Reason

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
PROJECT = "liver-study"
OTHER_PROJECT = "heart-study"
RESEARCHER = Caller("s-0000000000000001", "researcher1", PROJECT)
CSV = b"sex,persons\nF,120\nM,130\n"


class StillClock:
    """Tells the time it was told; each reading is a millisecond later, so that events have an order."""

    def __init__(self, at: datetime = START) -> None:
        self.at = at

    def now(self) -> datetime:
        self.at += timedelta(milliseconds=1)
        return self.at

    def advance(self, **span: float) -> None:
        self.at += timedelta(**span)


def _membership(project: str, *, active: bool = True) -> dict[str, Any]:
    return {
        "project": project,
        "role": "researcher",
        "starts": "2026-01-01T00:00:00.000Z",
        "ends": None,
        "active": active,
    }


@dataclass
class DeskInMemory:
    """Answers as the desk's `/internal` does."""

    people: dict[str, dict[str, Any]] = field(default_factory=dict)
    projects: dict[str, dict[str, Any]] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any]] = field(default_factory=dict)
    datasets: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    away: bool = False

    def introspect(self, session_key: str) -> dict[str, Any]:
        return self._found(self.sessions, session_key)

    def person(self, name: str) -> dict[str, Any]:
        return self._found(self.people, name)

    def project(self, slug: str) -> dict[str, Any]:
        return self._found(self.projects, slug)

    def dataset(self, name: str, version: str) -> dict[str, Any]:
        return self._found(self.datasets, (name, version))

    def _found(self, table: Mapping[Any, dict[str, Any]], key: Any) -> dict[str, Any]:
        if self.away:
            raise Unavailable(Reason.SERVICE_UNREACHABLE, service="desk")
        if key not in table:
            raise NotFound(Reason.NOT_FOUND)
        return table[key]


def demo_desk() -> DeskInMemory:
    desk = DeskInMemory()
    roles = {
        "reviewer1": ["reviewer"],
        "reviewer2": ["reviewer"],
        "reviewer3": ["reviewer"],
        "reviewer4": ["reviewer"],
        "auditor1": ["auditor"],
    }
    memberships = {
        "researcher1": [_membership(PROJECT)],
        "researcher2": [_membership(OTHER_PROJECT)],
        "reviewer3": [_membership(PROJECT, active=False)],
    }
    for name in ("researcher1", "researcher2", "admin", *roles):
        desk.people[name] = {
            "name": name,
            "roles": roles.get(name, []),
            "memberships": memberships.get(name, []),
        }
    for slug in (PROJECT, OTHER_PROJECT):
        desk.projects[slug] = {
            "slug": slug,
            "titles": {"ko": "간 연구", "en": "Liver study"},
            "starts": "2026-01-01T00:00:00.000Z",
            "ends": None,
            "active": True,
            "members": [],
            "grants": [{"dataset": "nafld", "version": "1", "until": None, "active": True}],
        }
    desk.datasets["nafld", "1"] = {"path": "/nowhere", "manifest": {}}
    desk.sessions["key-of-researcher1"] = {
        "session_id": RESEARCHER.session_id,
        "member": "researcher1",
        "project": PROJECT,
    }
    desk.sessions["key-of-researcher2"] = {
        "session_id": "s-0000000000000002",
        "member": "researcher2",
        "project": OTHER_PROJECT,
    }
    return desk


class PlainCertifier:
    """Certificates of this stand-in say what they were asked to say, unsigned."""

    def statement_sha256(self, release: Release, request: Request, votes: tuple[Vote, ...]) -> str:
        return "0" * 64

    def certificate(self, release: Release, request: Request, votes: tuple[Vote, ...]) -> str:
        return f"certificate of {release.id} at {release.leaf} by {len(votes)} votes"


def report_of(job: CheckJob, code: FindingCode = FindingCode.RECOMPUTED) -> CheckReport:
    outputs = [OutputReport(one.name, one.sha256, "csv", (Finding(code),)) for one in job.outputs]
    return CheckReport(tuple(outputs), "checks-1", "test")


def room_of(
    folder: Path, store: ReviewStore | None = None, **policy: Any
) -> tuple[Room, DeskInMemory, StillClock]:
    desk, clock = demo_desk(), StillClock()
    room = Room(
        store=store or MemoryReviewStore(),
        vault=Vault(folder / "store"),
        people=People(desk, max_age_s=0),
        policy=ReviewPolicy(**policy),
        clock=clock,
        certifier=PlainCertifier(),
        ledger=Ledger(Vault(folder / "ledger"), run_differencing, CheckPolicy()),
    )
    return room, desk, clock


def person(name: str, *roles: Role, projects: frozenset[str] = frozenset()) -> Person:
    return Person(name, frozenset(roles), projects, projects)


def reviewer(name: str) -> Person:
    return person(name, Role.REVIEWER)


def hand_in(room: Room, request: Request, content: Mapping[int, bytes], caller: Caller = RESEARCHER) -> None:
    for number, data in content.items():
        with room.vault.receive(len(data)) as incoming:
            incoming.write(data)
            stored = incoming.finish()
        submitting.receive(room, caller, request.id, number, stored)


def submitted(room: Room, *contents: bytes, caller: Caller = RESEARCHER) -> Request:
    contents = contents or (CSV,)
    announced = [submitting.Announced(f"table{n}.csv", len(data)) for n, data in enumerate(contents, 1)]
    request = submitting.open_request(room, caller, "purpose", "context", announced)
    hand_in(room, request, dict(enumerate(contents, 1)), caller)
    return submitting.submit(room, caller, request.id)


def checked(room: Room, request: Request, *codes: FindingCode) -> Request:
    codes = codes or (FindingCode.RECOMPUTED,) * len(request.outputs)
    reports = tuple(
        OutputReport(one.name, one.sha256 or "", "csv", (Finding(code),))
        for one, code in zip(request.outputs, codes, strict=True)
    )
    save_report(room, request, CheckReport(reports, "checks-1", "test"))
    return room.store.request(request.id)


def in_review(room: Room, *contents: bytes) -> Request:
    return checked(room, submitted(room, *contents))


def cast(
    room: Room, request: Request, name: str, ballot: Ballot = Ballot.APPROVE, reason: str = ""
) -> Request:
    return vote_as(room, request, reviewer(name), ballot, reason)


def vote_as(
    room: Room, request: Request, voter: Person, ballot: Ballot = Ballot.APPROVE, reason: str = ""
) -> Request:
    needed = reason or ("" if ballot is Ballot.APPROVE else "because")
    ballots = {one.number: (ballot, needed) for one in request.outputs}
    return voting.vote(room, voter, request.id, request.version, ballots)
