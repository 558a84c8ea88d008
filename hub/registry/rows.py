"""Rows to values and back."""

from __future__ import annotations

from hub.registry import schema
from hub.registry.values import SessionRecord
from onggi.domain import DatasetVersion, Grant, Membership, Person, Project, Quota
from onggi.permissions import Role


def person(row: schema.PersonRow) -> Person:
    """The person of a row."""
    return Person(row.name, frozenset(Role(role) for role in row.roles))


def person_row(value: Person) -> schema.PersonRow:
    """The row of a person."""
    return schema.PersonRow(name=value.name, roles=sorted(role.value for role in value.roles))


def project(row: schema.ProjectRow) -> Project:
    """The project of a row."""
    return Project(row.slug, dict(row.titles), row.starts, row.ends)


def project_row(value: Project) -> schema.ProjectRow:
    """The row of a project."""
    return schema.ProjectRow(slug=value.slug, titles=dict(value.titles), starts=value.starts, ends=value.ends)


def membership(row: schema.MembershipRow) -> Membership:
    """The membership of a row."""
    return Membership(row.project, row.person, Role(row.role), row.starts, row.ends)


def membership_row(value: Membership) -> schema.MembershipRow:
    """The row of a membership."""
    return schema.MembershipRow(
        project=value.project,
        person=value.person,
        role=value.role.value,
        starts=value.starts,
        ends=value.ends,
    )


def dataset(row: schema.DatasetRow) -> DatasetVersion:
    """The data-set version of a row."""
    return DatasetVersion(row.name, row.version, dict(row.titles), row.path, row.manifest_sha256)


def dataset_row(value: DatasetVersion) -> schema.DatasetRow:
    """The row of a data-set version."""
    return schema.DatasetRow(
        name=value.name,
        version=value.version,
        titles=dict(value.titles),
        path=value.path,
        manifest_sha256=value.manifest_sha256,
    )


def grant(row: schema.GrantRow) -> Grant:
    """The grant of a row."""
    return Grant(row.project, row.dataset, row.version, row.until)


def grant_row(value: Grant) -> schema.GrantRow:
    """The row of a grant."""
    return schema.GrantRow(
        project=value.project, dataset=value.dataset, version=value.version, until=value.until
    )


def quota(row: schema.QuotaRow) -> Quota:
    """The quota of a row."""
    return Quota(row.project, row.sessions, row.cpus, row.memory_bytes, row.storage_bytes)


def quota_row(value: Quota) -> schema.QuotaRow:
    """The row of a quota."""
    return schema.QuotaRow(
        project=value.project,
        sessions=value.sessions,
        cpus=value.cpus,
        memory_bytes=value.memory_bytes,
        storage_bytes=value.storage_bytes,
    )


def session(row: schema.SessionRow) -> SessionRecord:
    """The session of a row."""
    return SessionRecord(
        session_id=row.session_id,
        member=row.member,
        project=row.project,
        language=row.language,
        key_sha256=row.key_sha256,
        cpus=row.cpus,
        memory_bytes=row.memory_bytes,
        datasets=tuple((name, version) for name, version in row.datasets),
        started=row.started,
        ended=row.ended,
        end_reason=row.end_reason,
    )


def session_row(value: SessionRecord) -> schema.SessionRow:
    """The row of a session."""
    return schema.SessionRow(
        session_id=value.session_id,
        member=value.member,
        project=value.project,
        language=value.language,
        key_sha256=value.key_sha256,
        cpus=value.cpus,
        memory_bytes=value.memory_bytes,
        datasets=[list(pair) for pair in value.datasets],
        started=value.started,
        ended=value.ended,
        end_reason=value.end_reason,
    )
