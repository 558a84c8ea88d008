"""The words of the registry as frozen values: projects, members, grants, quotas.

Whether something is active is a question about a moment, so it is asked with one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from onggi.decision import Allow, Decision, Deny
from onggi.permissions import Role
from onggi.reasons import Reason


@dataclass(frozen=True, slots=True)
class Person:
    """Someone who may sign in, with global roles."""

    name: str
    roles: frozenset[Role]


@dataclass(frozen=True, slots=True)
class Project:
    """An approved piece of research. `ends` is the first moment at which it is over; None is open-ended."""

    slug: str
    titles: Mapping[str, str]
    starts: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class Membership:
    """A person in a project, with a project role and dates."""

    project: str
    person: str
    role: Role
    starts: datetime
    ends: datetime | None


@dataclass(frozen=True, slots=True)
class DatasetVersion:
    """A catalogued, read-only data-set version and the folder that holds it."""

    name: str
    version: str
    titles: Mapping[str, str]
    path: str
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class Grant:
    """A project's right to one data-set version until a moment."""

    project: str
    dataset: str
    version: str
    until: datetime | None


@dataclass(frozen=True, slots=True)
class Quota:
    """What a project may hold at once. Bytes and whole cores; `sessions` counts open ones."""

    project: str
    sessions: int = 4
    cpus: int = 4
    memory_bytes: int = 16 * 1024**3
    storage_bytes: int = 10 * 1024**3


def active(starts: datetime | None, ends: datetime | None, now: datetime) -> bool:
    """Whether `now` lies in [starts, ends)."""
    return (starts is None or starts <= now) and (ends is None or now < ends)


def may_open_session(project: Project, membership: Membership | None, now: datetime) -> Decision:
    """Whether a membership lets its person work in the project at this moment."""
    if membership is None:
        return Deny(Reason.NOT_A_MEMBER, {"project": project.slug})
    checks = (
        (project.starts > now, Reason.PROJECT_NOT_STARTED),
        (project.ends is not None and project.ends <= now, Reason.PROJECT_ENDED),
        (membership.starts > now, Reason.MEMBERSHIP_NOT_STARTED),
        (membership.ends is not None and membership.ends <= now, Reason.MEMBERSHIP_ENDED),
    )
    for broken, reason in checks:
        if broken:
            return Deny(reason, {"project": project.slug})
    return Allow()
