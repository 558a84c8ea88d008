"""What people and services may see of the registry: permission check, then one reading transaction."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from hub.actions import wire
from hub.actions.context import Context, may
from hub.actions.lookup import the_person, the_project
from hub.actions.sessions import standing_in
from hub.registry.store import Reading
from hub.registry.values import SessionRecord
from onggi.decision import Allow, Decision, require
from onggi.domain import DatasetVersion, Grant, Membership, Project, Quota
from onggi.permissions import Permission


@dataclass(frozen=True, slots=True)
class ProjectView:
    """A project as one of its members sees it.

    Attributes:
        standing: whether the member may have a session now, or why not.
        grants: each right with the catalogue entry that it is for, ended ones too.
        session: the member's open session, if there is one.
    """

    project: Project
    membership: Membership
    standing: Decision
    grants: tuple[tuple[Grant, DatasetVersion], ...]
    session: SessionRecord | None


@dataclass(frozen=True, slots=True)
class ProjectAdminView:
    """A project as an administrator sees it."""

    project: Project
    members: tuple[Membership, ...]
    grants: tuple[Grant, ...]
    quota: Quota
    sessions: tuple[SessionRecord, ...]


@contextmanager
def seeing(
    context: Context, actor: str, permission: Permission, project: str | None = None
) -> Iterator[tuple[Reading, datetime]]:
    """A reading transaction by a person who holds `permission`, and the moment.

    Raises:
        Refused: if the person does not.
        Unavailable: if the registry cannot serve.
    """
    now = context.clock.now()
    with context.registry.reading() as store:
        require(may(store, actor, permission, now, project))
        yield store, now


def my_projects(context: Context, person: str) -> tuple[ProjectView, ...]:
    """The projects that a person is or was a member of; none for a person who is not in the registry.

    Raises:
        Unavailable: if the registry cannot serve.
    """
    now = context.clock.now()
    with context.registry.reading() as store:
        return tuple(_member_view(store, one, now) for one in store.memberships(person=person))


def project_for_admin(context: Context, actor: str, slug: str) -> ProjectAdminView:
    """A project with all that hangs on it.

    Raises:
        NotFound: no such project.
        Refused, Unavailable: see `seeing`.
    """
    with seeing(context, actor, Permission.PROJECT_READ) as (store, _now):
        return ProjectAdminView(
            the_project(store, slug),
            store.memberships(project=slug),
            store.grants(slug),
            store.quota(slug),
            store.open_sessions(project=slug),
        )


def project_json(context: Context, actor: str, slug: str) -> dict[str, Any]:
    """A project as JSON, for people who may read all projects and for its active members.

    Raises:
        NotFound: no such project.
        Refused, Unavailable: see `seeing`.
    """
    now = context.clock.now()
    with context.registry.reading() as store:
        if not isinstance(may(store, actor, Permission.PROJECT_READ, now), Allow):
            require(may(store, actor, Permission.PROJECT_READ_OWN, now, slug))
        return full_project(store, slug, now)


def full_project(store: Reading, slug: str, now: datetime) -> dict[str, Any]:
    """A project with members, grants and quota, as JSON.

    Raises:
        NotFound: no such project.
    """
    return {
        **wire.project_json(the_project(store, slug), now),
        "members": [wire.membership_json(one, now) for one in store.memberships(project=slug)],
        "grants": [wire.grant_json(one, now) for one in store.grants(slug)],
        "quota": wire.quota_json(store.quota(slug)),
    }


def full_person(store: Reading, name: str, now: datetime) -> dict[str, Any]:
    """A person with memberships, as JSON.

    Raises:
        NotFound: no such person.
    """
    return {
        **wire.person_json(the_person(store, name)),
        "memberships": [wire.membership_json(one, now) for one in store.memberships(person=name)],
    }


def _member_view(store: Reading, membership: Membership, now: datetime) -> ProjectView:
    slug = membership.project
    catalogue = ((one, store.dataset(one.dataset, one.version)) for one in store.grants(slug))
    return ProjectView(
        the_project(store, slug),
        membership,
        standing_in(store, membership.person, slug, now),
        tuple((grant, dataset) for grant, dataset in catalogue if dataset is not None),
        next(iter(store.open_sessions(project=slug, member=membership.person)), None),
    )
