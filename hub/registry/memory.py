"""The registry in memory: the twin that unit tests and in-process composition use."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TypeVar

from hub.registry.values import SessionRecord
from onggi.domain import DatasetVersion, Grant, Membership, Person, Project, Quota
from onggi.errors import Conflict
from onggi.reasons import Reason

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class _Tables:
    people: dict[str, Person] = field(default_factory=dict)
    projects: dict[str, Project] = field(default_factory=dict)
    memberships: dict[tuple[str, str], Membership] = field(default_factory=dict)
    datasets: dict[tuple[str, str], DatasetVersion] = field(default_factory=dict)
    grants: dict[tuple[str, str, str], Grant] = field(default_factory=dict)
    quotas: dict[str, Quota] = field(default_factory=dict)
    sessions: dict[str, SessionRecord] = field(default_factory=dict)
    audit_refs: set[str] = field(default_factory=set)

    def copy(self) -> _Tables:
        return _Tables(
            dict(self.people),
            dict(self.projects),
            dict(self.memberships),
            dict(self.datasets),
            dict(self.grants),
            dict(self.quotas),
            dict(self.sessions),
            set(self.audit_refs),
        )


class MemoryTransaction:
    """Reads and writes one copy of the tables."""

    def __init__(self, tables: _Tables) -> None:
        self._tables = tables

    def person(self, name: str) -> Person | None:
        """See `Reading`."""
        return self._tables.people.get(name)

    def people(self) -> tuple[Person, ...]:
        """See `Reading`."""
        return _sorted(self._tables.people)

    def project(self, slug: str) -> Project | None:
        """See `Reading`."""
        return self._tables.projects.get(slug)

    def projects(self) -> tuple[Project, ...]:
        """See `Reading`."""
        return _sorted(self._tables.projects)

    def membership(self, project: str, person: str) -> Membership | None:
        """See `Reading`."""
        return self._tables.memberships.get((project, person))

    def memberships(self, project: str | None = None, person: str | None = None) -> tuple[Membership, ...]:
        """See `Reading`."""
        found = _sorted(self._tables.memberships)
        return tuple(m for m in found if project in {None, m.project} and person in {None, m.person})

    def dataset(self, name: str, version: str) -> DatasetVersion | None:
        """See `Reading`."""
        return self._tables.datasets.get((name, version))

    def datasets(self) -> tuple[DatasetVersion, ...]:
        """See `Reading`."""
        return _sorted(self._tables.datasets)

    def grant(self, project: str, dataset: str, version: str) -> Grant | None:
        """See `Reading`."""
        return self._tables.grants.get((project, dataset, version))

    def grants(self, project: str | None = None) -> tuple[Grant, ...]:
        """See `Reading`."""
        return tuple(g for g in _sorted(self._tables.grants) if project in {None, g.project})

    def quota(self, project: str) -> Quota:
        """See `Reading`."""
        return self._tables.quotas.get(project, Quota(project))

    def session(self, session_id: str) -> SessionRecord | None:
        """See `Reading`."""
        return self._tables.sessions.get(session_id)

    def session_by_key(self, key_sha256: str) -> SessionRecord | None:
        """See `Reading`."""
        return next((s for s in self._tables.sessions.values() if s.key_sha256 == key_sha256), None)

    def open_sessions(
        self, project: str | None = None, member: str | None = None
    ) -> tuple[SessionRecord, ...]:
        """See `Reading`."""
        found = (s for s in self._tables.sessions.values() if s.ended is None)
        mine = (s for s in found if project in {None, s.project} and member in {None, s.member})
        return tuple(sorted(mine, key=lambda s: (s.started, s.session_id)))

    def has_audit_ref(self, event_id: str) -> bool:
        """See `Reading`."""
        return event_id in self._tables.audit_refs

    def save_person(self, person: Person) -> None:
        """See `Writing`."""
        self._tables.people[person.name] = person

    def save_project(self, project: Project) -> None:
        """See `Writing`."""
        self._tables.projects[project.slug] = replace(project, titles=dict(project.titles))

    def save_membership(self, membership: Membership) -> None:
        """See `Writing`."""
        _must_hold(self._tables.projects, membership.project)
        _must_hold(self._tables.people, membership.person)
        self._tables.memberships[membership.project, membership.person] = membership

    def save_dataset(self, dataset: DatasetVersion) -> None:
        """See `Writing`."""
        self._tables.datasets[dataset.name, dataset.version] = replace(dataset, titles=dict(dataset.titles))

    def save_grant(self, grant: Grant) -> None:
        """See `Writing`."""
        _must_hold(self._tables.projects, grant.project)
        _must_hold(self._tables.datasets, (grant.dataset, grant.version))
        self._tables.grants[grant.project, grant.dataset, grant.version] = grant

    def save_quota(self, quota: Quota) -> None:
        """See `Writing`."""
        _must_hold(self._tables.projects, quota.project)
        self._tables.quotas[quota.project] = quota

    def save_session(self, session: SessionRecord) -> None:
        """See `Writing`."""
        _must_hold(self._tables.projects, session.project)
        _must_hold(self._tables.people, session.member)
        same_key = self.session_by_key(session.key_sha256)
        if same_key is not None and same_key.session_id != session.session_id:
            raise Conflict(Reason.STATE_CONFLICT, state="registry")
        self._tables.sessions[session.session_id] = session

    def add_audit_ref(self, event_id: str) -> None:
        """See `Writing`."""
        if event_id in self._tables.audit_refs:
            raise Conflict(Reason.STATE_CONFLICT, state="registry")
        self._tables.audit_refs.add(event_id)


class MemoryRegistry:
    """A registry that lives as long as its process."""

    def __init__(self) -> None:
        self._tables = _Tables()
        self._writer = threading.Lock()

    @contextmanager
    def reading(self) -> Iterator[MemoryTransaction]:
        """See `Registry`."""
        yield MemoryTransaction(self._tables.copy())

    @contextmanager
    def writing(self) -> Iterator[MemoryTransaction]:
        """See `Registry`."""
        with self._writer:
            tables = self._tables.copy()
            yield MemoryTransaction(tables)
            self._tables = tables


def _sorted(table: Mapping[_Key, _Value]) -> tuple[_Value, ...]:
    return tuple(table[key] for key in sorted(table))  # type: ignore[type-var] # our keys are strings and tuples of them


def _must_hold(table: Mapping[_Key, _Value], key: _Key) -> None:
    if key not in table:
        raise Conflict(Reason.STATE_CONFLICT, state="registry")
