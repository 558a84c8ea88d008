"""A small institute for the hub room's tests: people, two projects, a clock that stands still, a log in
memory.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from hub.actions.context import Context
from hub.actions.sessions import open_session
from hub.registry.memory import MemoryRegistry
from hub.registry.store import Registry
from onggi.domain import DatasetVersion, Grant, Membership, Person, Project, Quota
from onggi.errors import Unavailable
from onggi.events import Event
from onggi.permissions import Role
from onggi.plan import ComputeLimits, SessionPlan
from onggi.reasons import Reason

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
DAY = timedelta(days=1)
GIB = 1024**3
LIMITS = ComputeLimits(memory_bytes=GIB, cpus=1)
FOLDER = Path("/srv/projects")


@dataclass
class StillClock:
    moment: datetime = NOW

    def now(self) -> datetime:
        return self.moment


@dataclass
class MemoryAudit:
    """Takes events as egress review does; `broken` says what it does instead."""

    events: list[Event] = field(default_factory=list)
    broken: Callable[[Event], None] | None = None

    def append(self, event: Event) -> int:
        event.canonical()
        if self.broken is not None:
            self.broken(event)
        self.events.append(event)
        return len(self.events) - 1

    def last(self, source: str, limit: int = 50) -> list[dict[str, Any]]:
        mine = [one.to_json() for one in reversed(self.events) if one.source == source]
        return mine[:limit]

    def actions(self) -> list[str]:
        return [one.action for one in self.events]


def unreachable(_event: Event) -> None:
    raise Unavailable(Reason.AUDIT_UNREACHABLE)


@dataclass
class World:
    registry: Registry
    audit: MemoryAudit
    clock: StillClock

    @property
    def context(self) -> Context:
        return Context(self.registry, self.audit, self.clock, "desk")

    def later(self, span: timedelta) -> None:
        self.clock.moment += span

    def open(self, member: str, project: str, limits: ComputeLimits = LIMITS) -> SessionPlan:
        return open_session(self.context, member, project, "ko", limits, FOLDER)


def a_project(slug: str, ends: datetime | None = None) -> Project:
    return Project(slug, {"ko": "과제", "en": "Project"}, NOW - DAY, ends)


def make_world(registry: Registry | None = None) -> World:
    """researcher1 is in `liver`, researcher2 in `claims`; reviewer1 and auditor see all, custodian little."""
    world = World(registry or MemoryRegistry(), MemoryAudit(), StillClock())
    roles = {
        "admin": Role.ADMIN,
        "auditor": Role.AUDITOR,
        "custodian": Role.CUSTODIAN,
        "reviewer1": Role.REVIEWER,
        "researcher1": None,
        "researcher2": None,
        "lead1": None,
        "nobody": None,
    }
    with world.registry.writing() as store:
        for name, role in roles.items():
            store.save_person(Person(name, frozenset() if role is None else frozenset({role})))
        for slug in ("liver", "claims"):
            store.save_project(a_project(slug))
            store.save_quota(Quota(slug, sessions=2, cpus=4, memory_bytes=8 * GIB, storage_bytes=5 * GIB))
        store.save_membership(Membership("liver", "researcher1", Role.RESEARCHER, NOW - DAY, None))
        store.save_membership(Membership("liver", "lead1", Role.LEAD, NOW - DAY, None))
        store.save_membership(Membership("claims", "researcher2", Role.RESEARCHER, NOW - DAY, None))
        titles = {"ko": "코호트", "en": "Cohort"}
        store.save_dataset(DatasetVersion("nafld", "1", titles, "/data/nafld/1", "0" * 64))
        store.save_grant(Grant("liver", "nafld", "1", None))
    return world
