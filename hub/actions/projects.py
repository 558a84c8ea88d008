"""Projects and what they may hold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from hub.actions.context import Context, change
from hub.actions.lookup import the_project
from onggi.clock import text_or_none, to_text
from onggi.domain import Project, Quota
from onggi.errors import Conflict, Invalid
from onggi.ids import slug as checked_slug
from onggi.permissions import Permission
from onggi.reasons import Reason
from onggi.words import LANGUAGES

_MAX_TITLE = 200
_MAX_COUNT = 100_000
_MAX_BYTES = 2**50


def create_project(
    context: Context,
    actor: str,
    slug: str,
    titles: Mapping[str, str],
    starts: datetime | None = None,
    ends: datetime | None = None,
) -> Project:
    """Set up a project; it has no members, grants or own quota yet.

    Args:
        titles: by language, Korean and English both.
        starts: now if None.
        ends: open-ended if None.

    Raises:
        Conflict: `ALREADY_EXISTS`.
        Refused, Invalid, Unavailable: see `change`; `Invalid` names the field.
    """
    checked_slug(slug)
    _check_titles(titles)
    with change(context, actor, Permission.PROJECT_MANAGE) as change_:
        if change_.store.project(slug) is not None:
            raise Conflict(Reason.ALREADY_EXISTS, what="project", name=slug)
        project = Project(slug, dict(titles), starts or change_.now, ends)
        check_dates(project.starts, ends)
        change_.store.save_project(project)
        change_.record("project.create", slug, slug, starts=to_text(project.starts), ends=text_or_none(ends))
    return project


def change_project_end(context: Context, actor: str, slug: str, ends: datetime | None) -> Project:
    """Set a new end, or none. The reconciler stops the sessions of an ended project.

    Raises:
        NotFound: no such project.
        Refused, Invalid, Unavailable: see `change`.
    """
    with change(context, actor, Permission.PROJECT_MANAGE) as change_:
        project = replace(the_project(change_.store, slug), ends=ends)
        check_dates(project.starts, ends)
        change_.store.save_project(project)
        change_.record("project.change", slug, slug, ends=text_or_none(ends))
    return project


def set_quota(context: Context, actor: str, quota: Quota) -> Quota:
    """Set what a project may hold at once. Running sessions keep what they have.

    Raises:
        NotFound: no such project.
        Refused, Invalid, Unavailable: see `change`; `Invalid` names the field.
    """
    for field, limit in (
        ("sessions", _MAX_COUNT),
        ("cpus", _MAX_COUNT),
        ("memory_bytes", _MAX_BYTES),
        ("storage_bytes", _MAX_BYTES),
    ):
        value = getattr(quota, field)
        if not 0 <= value <= limit:
            raise Invalid(Reason.FIELD_INVALID, field=field, value=value)
    with change(context, actor, Permission.QUOTA_MANAGE) as change_:
        the_project(change_.store, quota.project)
        change_.store.save_quota(quota)
        change_.record(
            "quota.set",
            quota.project,
            quota.project,
            sessions=quota.sessions,
            cpus=quota.cpus,
            memory_bytes=quota.memory_bytes,
            storage_bytes=quota.storage_bytes,
        )
    return quota


def check_dates(starts: datetime, ends: datetime | None) -> None:
    """An end comes not before its start.

    Raises:
        Invalid: if it does.
    """
    if ends is not None and ends < starts:
        raise Invalid(Reason.FIELD_INVALID, field="ends", value=ends.date().isoformat())


def _check_titles(titles: Mapping[str, str]) -> None:
    for language in LANGUAGES:
        title = titles.get(language, "").strip()
        if not title:
            raise Invalid(Reason.FIELD_MISSING, field=f"title_{language}")
        if len(title) > _MAX_TITLE or not title.isprintable():
            raise Invalid(Reason.FIELD_INVALID, field=f"title_{language}", value=title[:40])
    for unknown in set(titles) - set(LANGUAGES):
        raise Invalid(Reason.FIELD_INVALID, field="titles", value=unknown[:40])
