"""The frame of every action: permission, write, audit event, in that order and in one transaction.

Guarantees: a write to the registry takes effect only after its event is durable in the audit log; if the
log does not take it, nothing is changed. A write without an event cannot be expressed. If a process dies
between the two, the next writer of the same source appends `event.voided` for the event whose write never
came. Does not guarantee: anything about changes made to the database file by other means.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from hub.registry.store import Reading, Registry, Writing
from onggi.clock import Clock
from onggi.decision import Decision, Deny, require
from onggi.domain import active
from onggi.errors import OnggiError, Unavailable
from onggi.events import Event, new_event
from onggi.permissions import Permission, Role, permitted
from onggi.reasons import Reason

_MARK = "write"
_WINDOW = 20


class AuditLog(Protocol):
    """Where events go. `web.clients.AuditClient` is one."""

    def append(self, event: Event) -> int:
        """Make an event durable; its index."""
        ...

    def last(self, source: str, limit: int = 50) -> list[dict[str, Any]]:
        """The newest events of a source, newest first."""
        ...


@dataclass(frozen=True, slots=True)
class Context:
    """What an action works with.

    Attributes:
        source: which process writes, for the events: `desk` or `hub`.
    """

    registry: Registry
    audit: AuditLog
    clock: Clock
    source: str


class Change:
    """One writing transaction under way: the store, the moment, and the event that will describe it."""

    def __init__(self, context: Context, store: Writing, actor: str) -> None:
        self.store = store
        self.now = context.clock.now()
        self.event: Event | None = None
        self._context = context
        self._actor = actor

    def record(self, action: str, subject: str, project: str | None = None, **details: Any) -> None:
        """Say what this change is.

        Raises:
            RuntimeError: if it was said before; one change is one event.
        """
        if self.event is not None:
            raise RuntimeError("one change has one audit event")
        context = self._context
        details[_MARK] = "registry"
        self.event = new_event(
            context.clock, context.source, self._actor, action, subject, project, **details
        )


@contextmanager
def change(
    context: Context, actor: str, permission: Permission, project: str | None = None
) -> Iterator[Change]:
    """A change by a person who holds `permission` (in `project`, if one is given).

    Raises:
        Refused: if the person does not.
        Unavailable: `AUDIT_UNREACHABLE` or `DATABASE_LOCKED`; nothing was changed then.
    """
    with _open(context, actor) as change_:
        require(may(change_.store, actor, permission, change_.now, project))
        yield change_


@contextmanager
def service_change(context: Context) -> Iterator[Change]:
    """A change that the service itself makes (a session that ended, the first administrator).

    Raises:
        Unavailable: `AUDIT_UNREACHABLE` or `DATABASE_LOCKED`; nothing was changed then.
    """
    with _open(context, f"service:{context.source}") as change_:
        yield change_


@contextmanager
def _open(context: Context, actor: str) -> Iterator[Change]:
    with context.registry.writing() as store:
        void_uncommitted(context, store)
        change_ = Change(context, store, actor)
        yield change_
        if change_.event is None:
            raise RuntimeError("a change without its audit event")
        store.add_audit_ref(change_.event.id)
        context.audit.append(change_.event)


def void_uncommitted(context: Context, store: Writing) -> None:
    """Append `event.voided` for logged writes of our source that never took effect.

    Must be called with the write lock in hand: then no write of any process is between log and commit.

    Raises:
        Unavailable: `AUDIT_UNREACHABLE`.
    """
    try:
        events = context.audit.last(context.source, _WINDOW)
    except OnggiError:
        raise Unavailable(Reason.AUDIT_UNREACHABLE) from None
    voided = {event["subject"] for event in events if event["action"] == "event.voided"}
    for event in events:
        ours = event.get("details", {}).get(_MARK) == "registry"
        if ours and event["id"] not in voided and not store.has_audit_ref(event["id"]):
            actor = f"service:{context.source}"
            context.audit.append(new_event(context.clock, context.source, actor, "event.voided", event["id"]))


def heal(context: Context) -> None:
    """At the start of a process: void what it logged but did not live to commit.

    Raises:
        Unavailable: `AUDIT_UNREACHABLE` or `DATABASE_LOCKED`.
    """
    with context.registry.writing() as store:
        void_uncommitted(context, store)


def note(
    context: Context, actor: str, action: str, subject: str, project: str | None = None, **details: Any
) -> None:
    """Log an event that changes nothing in the registry (a refusal).

    Raises:
        Unavailable: `AUDIT_UNREACHABLE`.
    """
    context.audit.append(new_event(context.clock, context.source, actor, action, subject, project, **details))


def roles_of(store: Reading, person: str, now: datetime, project: str | None = None) -> frozenset[Role]:
    """A person's global roles and, if a project is given, the role of an active membership in it."""
    known = store.person(person)
    if known is None:
        return frozenset()
    member = store.membership(project, person) if project is not None else None
    if member is None or not active(member.starts, member.ends, now):
        return known.roles
    return known.roles | {member.role}


def may(
    store: Reading, person: str, permission: Permission, now: datetime, project: str | None = None
) -> Decision:
    """Whether a person holds a permission now; people who are not in the registry hold none."""
    if store.person(person) is None:
        return Deny(Reason.UNKNOWN_PERSON, {"person": person})
    return permitted(roles_of(store, person, now, project), permission)
