"""JSON forms of the registry's values, for the API, the services and `--json`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from hub.registry.values import SessionRecord
from onggi.clock import text_or_none, to_text
from onggi.domain import DatasetVersion, Grant, Membership, Person, Project, Quota, active


def person_json(person: Person) -> dict[str, Any]:
    """A person with global roles."""
    return {"name": person.name, "roles": sorted(role.value for role in person.roles)}


def project_json(project: Project, now: datetime) -> dict[str, Any]:
    """A project without what hangs on it."""
    return {
        "slug": project.slug,
        "titles": dict(project.titles),
        "starts": to_text(project.starts),
        "ends": text_or_none(project.ends),
        "active": active(project.starts, project.ends, now),
    }


def membership_json(one: Membership, now: datetime) -> dict[str, Any]:
    """A membership."""
    return {
        "project": one.project,
        "person": one.person,
        "role": one.role.value,
        "starts": to_text(one.starts),
        "ends": text_or_none(one.ends),
        "active": active(one.starts, one.ends, now),
    }


def grant_json(grant: Grant, now: datetime) -> dict[str, Any]:
    """A grant."""
    return {
        "project": grant.project,
        "dataset": grant.dataset,
        "version": grant.version,
        "until": text_or_none(grant.until),
        "active": active(None, grant.until, now),
    }


def dataset_json(dataset: DatasetVersion) -> dict[str, Any]:
    """A catalogue entry, without the host folder."""
    return {
        "name": dataset.name,
        "version": dataset.version,
        "titles": dict(dataset.titles),
        "manifest_sha256": dataset.manifest_sha256,
    }


def quota_json(quota: Quota) -> dict[str, Any]:
    """A quota."""
    return {
        "project": quota.project,
        "sessions": quota.sessions,
        "cpus": quota.cpus,
        "memory_bytes": quota.memory_bytes,
        "storage_bytes": quota.storage_bytes,
    }


def session_json(session: SessionRecord) -> dict[str, Any]:
    """A session and its lease."""
    return {
        "session_id": session.session_id,
        "member": session.member,
        "project": session.project,
        "cpus": session.cpus,
        "memory_bytes": session.memory_bytes,
        "datasets": [f"{name}/{version}" for name, version in session.datasets],
        "started": to_text(session.started),
    }
