"""The memory twin of the display meter's store: for tests and for thinking."""

from __future__ import annotations

import copy
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from egress_review.meter.domain import Amounts, DayUse, Lease, Lift, PolicyVersion, Showing
from egress_review.meter.protocol import SessionShown
from onggi.clock import to_text
from onggi.errors import Conflict, NotFound
from onggi.events import Event
from onggi.reasons import Reason

__all__ = ["MemoryMeterStore", "MemoryMeterUnit"]

Key = tuple[str, str, str]


@dataclass(slots=True)
class Tables:
    """What a database would hold."""

    days: dict[Key, DayUse] = field(default_factory=dict)
    leases: dict[str, Lease] = field(default_factory=dict)
    lifts: list[Lift] = field(default_factory=list)
    policies: dict[tuple[str, int], PolicyVersion] = field(default_factory=dict)
    showings: dict[str, Showing] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)

    def versions(self, project: str) -> tuple[PolicyVersion, ...]:
        """All versions of a project's policy, newest first."""
        found = [one for one in self.policies.values() if one.project == project]
        return tuple(sorted(found, key=lambda one: one.number, reverse=True))


class MemoryMeterUnit:
    """One transaction over a copy of the tables."""

    def __init__(self, tables: Tables) -> None:
        self._tables = tables

    def day(self, project: str, member: str, day: str) -> DayUse:
        """A member's day."""
        return self._tables.days.setdefault((project, member, day), DayUse(project, member, day))

    def save_day(self, use: DayUse) -> None:
        """Keep what has been lent."""
        self._tables.days[use.project, use.member, use.day] = use

    def lease(self, lease_id: str) -> Lease | None:
        """The lease of that id."""
        return self._tables.leases.get(lease_id)

    def add_lease(self, lease: Lease) -> None:
        """Keep a new lease."""
        if lease.id in self._tables.leases:
            raise Conflict(Reason.ALREADY_EXISTS, what="lease", name=lease.id)
        self._tables.leases[lease.id] = lease

    def settle(self, lease_id: str) -> None:
        """Note that the rest of a lease came back."""
        self._tables.leases[lease_id] = replace(self._tables.leases[lease_id], settled=True)

    def lifted(self, project: str, member: str, day: str) -> int:
        """Bytes that administrators added."""
        key = (project, member, day)
        return sum(one.extra_bytes for one in self._tables.lifts if (one.project, one.member, one.day) == key)

    def add_lift(self, lift: Lift, event: Event) -> None:
        """Keep an administrator's word."""
        self._tables.lifts.append(lift)
        self.append(event)

    def policy(self, project: str) -> PolicyVersion | None:
        """The newest version of a project's policy."""
        return next(iter(self._tables.versions(project)), None)

    def add_policy(self, version: PolicyVersion, event: Event) -> None:
        """Keep a new version."""
        if (version.project, version.number) in self._tables.policies:
            raise Conflict(Reason.ALREADY_EXISTS, what="policy", name=version.label)
        self._tables.policies[version.project, version.number] = version
        self.append(event)

    def add_showing(self, showing: Showing) -> bool:
        """Keep what was shown."""
        return self._tables.showings.setdefault(showing.id, showing) is showing

    def drop_leases(self, before: str) -> None:
        """Let go of old leases."""
        self._tables.leases = {key: one for key, one in self._tables.leases.items() if one.day >= before}

    def forget_contents(self, showing_ids: tuple[str, ...], event: Event) -> None:
        """Note that contents are no longer kept."""
        for one in showing_ids:
            self._tables.showings[one] = replace(self._tables.showings[one], kept=False)
        self.append(event)

    def append(self, event: Event) -> int:
        """Write an event down."""
        self._tables.events.append(event)
        return len(self._tables.events) - 1


class MemoryMeterStore:
    """The meter's store without a disk; units run one at a time."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._tables = Tables()

    @property
    def events(self) -> tuple[Event, ...]:
        """Every event, oldest first."""
        return tuple(self._tables.events)

    @contextmanager
    def unit(self) -> Iterator[MemoryMeterUnit]:
        """A transaction: all or nothing."""
        with self._lock:
            draft = Tables(**{name: copy.copy(getattr(self._tables, name)) for name in Tables.__slots__})
            yield MemoryMeterUnit(draft)
            self._tables = draft

    def policy(self, project: str) -> PolicyVersion | None:
        """The newest version of a project's policy."""
        return next(iter(self._tables.versions(project)), None)

    def policies(self, project: str) -> tuple[PolicyVersion, ...]:
        """All versions, newest first."""
        return self._tables.versions(project)

    def days(self, since: str, project: str | None = None) -> tuple[DayUse, ...]:
        """The days of members, newest first."""
        found = [one for one in self._tables.days.values() if one.day >= since and _of(one.project, project)]
        found.sort(key=lambda one: (one.project, one.member))
        return tuple(sorted(found, key=lambda one: one.day, reverse=True))

    def shown_days(self, since: str) -> tuple[DayUse, ...]:
        """What members were shown on each day."""
        totals: dict[Key, int] = {}
        for one in self._tables.showings.values():
            if one.day >= since:
                key = (one.project, one.member, one.day)
                totals[key] = totals.get(key, 0) + one.shown_bytes
        return tuple(DayUse(*key, Amounts(output=total)) for key, total in sorted(totals.items()))

    def lifts(self, since: str, project: str | None = None) -> tuple[Lift, ...]:
        """Administrators' words, newest first."""
        found = [one for one in self._tables.lifts if one.day >= since and _of(one.project, project)]
        return tuple(sorted(found, key=lambda one: one.at, reverse=True))

    def sessions(self, project: str, limit: int) -> tuple[SessionShown, ...]:
        """The sessions of a project that have shown something, newest first."""
        groups: dict[str, list[Showing]] = {}
        for one in self._tables.showings.values():
            if one.project == project:
                groups.setdefault(one.session, []).append(one)
        found = [_summary(group) for group in groups.values()]
        found.sort(key=lambda one: one.session)
        return tuple(sorted(found, key=lambda one: one.last, reverse=True)[:limit])

    def showings(self, session: str, limit: int, before: str | None = None) -> tuple[Showing, ...]:
        """What a session has shown, newest first."""
        found = [one for one in self._tables.showings.values() if one.session == session]
        if before is not None:
            mark = self._tables.showings.get(before)
            found = [one for one in found if mark is not None and (one.at, one.id) < (mark.at, mark.id)]
        return tuple(sorted(found, key=lambda one: (one.at, one.id), reverse=True)[:limit])

    def showing(self, showing_id: str) -> Showing:
        """One showing."""
        if showing_id not in self._tables.showings:
            raise NotFound(Reason.NOT_FOUND, what="showing")
        return self._tables.showings[showing_id]

    def kept_before(self, project: str, day: str) -> tuple[Showing, ...]:
        """Showings whose contents are kept from days before `day`."""
        found = [one for one in self._tables.showings.values() if one.kept and one.project == project]
        return tuple(sorted((one for one in found if one.day < day), key=lambda one: (one.at, one.id)))

    def shown_projects(self) -> tuple[str, ...]:
        """The projects of which contents are kept."""
        return tuple(sorted({one.project for one in self._tables.showings.values() if one.kept}))


def _of(project: str, wanted: str | None) -> bool:
    return wanted is None or project == wanted


def _summary(group: list[Showing]) -> SessionShown:
    moments = sorted(to_text(one.at) for one in group)
    total = sum(one.shown_bytes for one in group)
    any_one = group[0]
    return SessionShown(
        any_one.session, any_one.project, any_one.member, len(group), total, moments[0], moments[-1]
    )
