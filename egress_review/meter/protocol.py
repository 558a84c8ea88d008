"""What the display meter remembers, behind a Protocol; a memory twin and an SQL adapter pass one suite.

Guarantees, of every implementation:
- inside a unit a member's day is locked, so leases asked for at once never pass the limit together;
- a write and its audit event become durable together or not at all (each write takes its event, save leases
  and showings: those are figures about events of the session's own).
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from egress_review.meter.domain import DayUse, Lease, Lift, PolicyVersion, Showing
from onggi.events import Event

__all__ = ["MeterStore", "MeterUnit", "SessionShown"]


@dataclass(frozen=True, slots=True)
class SessionShown:
    """A session that has shown something: how often, how much, since when until when (RFC 3339)."""

    session: str
    project: str
    member: str
    showings: int
    shown_bytes: int
    first: str
    last: str


class MeterUnit(Protocol):
    """One transaction. Leaving the block commits; an exception undoes everything, events included."""

    def day(self, project: str, member: str, day: str) -> DayUse:
        """A member's day, locked until the unit ends; nothing lent if there is none yet."""
        ...

    def save_day(self, use: DayUse) -> None:
        """Keep what has been lent; the day was asked for in this unit."""
        ...

    def lease(self, lease_id: str) -> Lease | None:
        """The lease of that id."""
        ...

    def add_lease(self, lease: Lease) -> None:
        """Keep a new lease.

        Raises:
            Conflict: if there is one of that id.
        """
        ...

    def settle(self, lease_id: str) -> None:
        """Note that the rest of a lease came back."""
        ...

    def lifted(self, project: str, member: str, day: str) -> int:
        """Bytes that administrators added to a member's day."""
        ...

    def add_lift(self, lift: Lift, event: Event) -> None:
        """Keep an administrator's word."""
        ...

    def policy(self, project: str) -> PolicyVersion | None:
        """The newest version of a project's policy; None if it was never given one."""
        ...

    def add_policy(self, version: PolicyVersion, event: Event) -> None:
        """Keep a new version.

        Raises:
            Conflict: if that number exists.
        """
        ...

    def add_showing(self, showing: Showing) -> bool:
        """Keep what was shown; False if it is known already."""
        ...

    def drop_leases(self, before: str) -> None:
        """Let go of leases of days before `before`; what they lent stays counted."""
        ...

    def forget_contents(self, showing_ids: tuple[str, ...], event: Event) -> None:
        """Note that contents are no longer kept."""
        ...

    def append(self, event: Event) -> int:
        """Make an event durable in the audit log; its leaf index."""
        ...


class MeterStore(Protocol):
    """Reading is outside of a unit; frozen values come out."""

    def unit(self) -> AbstractContextManager[MeterUnit]:
        """Begin a transaction that writes.

        Raises:
            Unavailable: `DATABASE_LOCKED`, `DISK_FULL`; nothing was changed.
        """
        ...

    def policy(self, project: str) -> PolicyVersion | None:
        """The newest version of a project's policy; None if it was never given one."""
        ...

    def policies(self, project: str) -> tuple[PolicyVersion, ...]:
        """All versions of a project's policy, newest first."""
        ...

    def days(self, since: str, project: str | None = None) -> tuple[DayUse, ...]:
        """The days of members from `since` on, newest first; of one project or of all."""
        ...

    def shown_days(self, since: str) -> tuple[DayUse, ...]:
        """What members were shown on each day from `since` on, by the records of their sessions."""
        ...

    def lifts(self, since: str, project: str | None = None) -> tuple[Lift, ...]:
        """Administrators' words about days from `since` on, newest first."""
        ...

    def sessions(self, project: str, limit: int) -> tuple[SessionShown, ...]:
        """The sessions of a project that have shown something, newest first."""
        ...

    def showings(self, session: str, limit: int, before: str | None = None) -> tuple[Showing, ...]:
        """What a session has shown, newest first.

        Args:
            before: id of a showing; only older ones then.
        """
        ...

    def showing(self, showing_id: str) -> Showing:
        """One showing.

        Raises:
            NotFound: if there is none.
        """
        ...

    def kept_before(self, project: str, day: str) -> tuple[Showing, ...]:
        """Showings of days before `day` whose contents are still kept."""
        ...

    def shown_projects(self) -> tuple[str, ...]:
        """The projects of which contents are kept."""
        ...
