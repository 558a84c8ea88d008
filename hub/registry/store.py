"""The registry's Protocol: transactions that read, and transactions that write alone.

Guarantees, held by the contract suite over every implementation:

- a writing transaction excludes every other writer, in this process and in others, from its first statement;
- it takes effect as a whole when its block ends, or not at all when the block raises;
- a reading transaction sees one moment, and never an unfinished write.
"""

from __future__ import annotations

from contextlib import AbstractContextManager
from typing import Protocol

from hub.registry.values import SessionRecord
from onggi.domain import DatasetVersion, Grant, Membership, Person, Project, Quota


class Reading(Protocol):
    """What can be asked. Tuples come sorted by their key."""

    def person(self, name: str) -> Person | None:
        """One person."""
        ...

    def people(self) -> tuple[Person, ...]:
        """Everyone who may sign in."""
        ...

    def project(self, slug: str) -> Project | None:
        """One project."""
        ...

    def projects(self) -> tuple[Project, ...]:
        """All projects, ended ones too."""
        ...

    def membership(self, project: str, person: str) -> Membership | None:
        """A person's membership in a project, whatever its dates."""
        ...

    def memberships(self, project: str | None = None, person: str | None = None) -> tuple[Membership, ...]:
        """Memberships of a project, of a person, or all."""
        ...

    def dataset(self, name: str, version: str) -> DatasetVersion | None:
        """One data-set version."""
        ...

    def datasets(self) -> tuple[DatasetVersion, ...]:
        """The catalogue."""
        ...

    def grant(self, project: str, dataset: str, version: str) -> Grant | None:
        """A project's right to one data-set version, whatever its date."""
        ...

    def grants(self, project: str | None = None) -> tuple[Grant, ...]:
        """Grants of a project, or all."""
        ...

    def quota(self, project: str) -> Quota:
        """What the project may hold; the default quota if none was set."""
        ...

    def session(self, session_id: str) -> SessionRecord | None:
        """One session."""
        ...

    def session_by_key(self, key_sha256: str) -> SessionRecord | None:
        """The session that a key (given as its hex SHA-256) belongs to."""
        ...

    def open_sessions(
        self, project: str | None = None, member: str | None = None
    ) -> tuple[SessionRecord, ...]:
        """Sessions that have not ended, oldest first."""
        ...

    def has_audit_ref(self, event_id: str) -> bool:
        """Whether the write that this audit event describes took effect."""
        ...


class Writing(Reading, Protocol):
    """What can be changed. `save_…` inserts, or replaces what has the same key.

    Each `save_…` raises `Conflict` with `STATE_CONFLICT` if it names something that is not there.
    """

    def save_person(self, person: Person) -> None:
        """Keep a person."""
        ...

    def save_project(self, project: Project) -> None:
        """Keep a project."""
        ...

    def save_membership(self, membership: Membership) -> None:
        """Keep a membership."""
        ...

    def save_dataset(self, dataset: DatasetVersion) -> None:
        """Keep a data-set version."""
        ...

    def save_grant(self, grant: Grant) -> None:
        """Keep a grant."""
        ...

    def save_quota(self, quota: Quota) -> None:
        """Keep a quota."""
        ...

    def save_session(self, session: SessionRecord) -> None:
        """Keep a session."""
        ...

    def add_audit_ref(self, event_id: str) -> None:
        """Note which audit event describes this transaction."""
        ...


class Registry(Protocol):
    """Opens transactions.

    Both raise `Unavailable` with `DATABASE_LOCKED` or `DISK_FULL` when the database cannot serve.
    """

    def reading(self) -> AbstractContextManager[Reading]:
        """A transaction that reads one moment."""
        ...

    def writing(self) -> AbstractContextManager[Writing]:
        """A transaction that excludes all other writers; commits when its block ends without an error."""
        ...
