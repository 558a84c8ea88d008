"""Opening and closing sessions: who may, within which quota, with which data, until when."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from hub.actions.context import Context, change, may, note, service_change
from hub.registry.store import Reading
from hub.registry.values import SessionRecord
from onggi.clock import text_or_none
from onggi.decision import Allow, Decision, Deny, require
from onggi.domain import Grant, Membership, Project, active, may_open_session
from onggi.errors import NotFound, Refused
from onggi.ids import new_id, new_secret
from onggi.permissions import Permission
from onggi.plan import ComputeLimits, DatasetMount, SessionPlan
from onggi.reasons import Reason
from onggi.words import spoken

STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class Standing:
    """What a session key stands for at this moment."""

    session: SessionRecord
    membership: Membership
    until: datetime | None
    grants: tuple[Grant, ...]


def standing_in(store: Reading, person: str, project: str, now: datetime) -> Decision:
    """Whether a person may have a session in a project now.

    An unknown project is answered as a foreign one.
    """
    if not project:
        return Deny(Reason.SESSION_NEEDS_PROJECT)
    if store.person(person) is None:
        return Deny(Reason.UNKNOWN_PERSON, {"person": person})
    known = store.project(project)
    if known is None:
        return Deny(Reason.NOT_A_MEMBER, {"project": project})
    decision = may_open_session(known, store.membership(project, person), now)
    if isinstance(decision, Deny):
        return decision
    return may(store, person, Permission.SESSION_OPEN, now, project)


def quota_left(store: Reading, project: str, limits: ComputeLimits) -> Decision:
    """Whether one more session with `limits` fits the project's quota."""
    quota, held = store.quota(project), store.open_sessions(project=project)
    for resource, used, more, limit in (
        ("sessions", len(held), 1, quota.sessions),
        ("cpus", sum(one.cpus for one in held), limits.cpus, quota.cpus),
        ("memory_bytes", sum(one.memory_bytes for one in held), limits.memory_bytes, quota.memory_bytes),
    ):
        if used + more > limit:
            params = {"project": project, "resource": resource, "used": str(used), "limit": str(limit)}
            return Deny(Reason.QUOTA_EXCEEDED, params)
    return Allow()


def active_grants(store: Reading, project: str, now: datetime) -> tuple[Grant, ...]:
    """The project's rights that have not ended."""
    return tuple(grant for grant in store.grants(project) if active(None, grant.until, now))


def open_session(
    context: Context,
    member: str,
    project: str,
    language: str,
    limits: ComputeLimits,
    projects_folder: Path,
) -> SessionPlan:
    """Promise a member a session and lease what it needs; the plan carries the only copy of its key.

    The last free place of a quota is given once, however many ask at the same time: the check and the lease
    are one writing transaction.

    Raises:
        Refused: not a member, ended, or the quota is used up.
        Unavailable: see `change`.
    """
    try:
        return _open(context, member, project, language, limits, projects_folder)
    except Refused as refusal:
        note(context, member, "session.refuse", member, project or None, reason=refusal.reason.value)
        raise


def _open(
    context: Context, member: str, project: str, language: str, limits: ComputeLimits, projects_folder: Path
) -> SessionPlan:
    with context.registry.reading() as store:
        require(standing_in(store, member, project, context.clock.now()))
    close_sessions(context, member, project, "lost")
    with change(context, member, Permission.SESSION_OPEN, project) as change_:
        store = change_.store
        require(standing_in(store, member, project, change_.now))
        require(quota_left(store, project, limits))
        limits = replace(limits, disk_bytes=store.quota(project).storage_bytes)
        mounts = _mounts(store, project, change_.now)
        plan = SessionPlan(
            session_id=new_id("s"),
            member=member,
            project=project,
            language=spoken(language),
            until=text_or_none(_until(store, member, project)),
            session_key=new_secret(),
            project_folder=str(projects_folder / project),
            datasets=mounts,
            limits=limits,
        )
        store.save_session(_record(plan, change_.now))
        change_.record(
            "session.open",
            plan.session_id,
            project,
            cpus=limits.cpus,
            memory_bytes=limits.memory_bytes,
            datasets=[f"{one.name}/{one.version}" for one in mounts],
        )
    return plan


def close_sessions(context: Context, member: str, project: str, reason: str = STOPPED) -> int:
    """Release what a member's sessions in a project hold; how many there were.

    Raises:
        Unavailable: see `change`.
    """
    with context.registry.reading() as store:
        held = store.open_sessions(project=project, member=member)
    for session in held:
        close_session(context, session.session_id, reason)
    return len(held)


def close_session(context: Context, session_id: str, reason: str) -> None:
    """Release what a session holds; nothing happens if it has ended already.

    Raises:
        Unavailable: see `change`.
    """
    try:
        with service_change(context) as change_:
            session = change_.store.session(session_id)
            if session is None or session.ended is not None:
                raise NotFound(Reason.NOT_FOUND)
            change_.store.save_session(replace(session, ended=change_.now, end_reason=reason))
            change_.record("session.close", session_id, session.project, member=session.member, reason=reason)
    except NotFound:
        return


def key_hash(session_key: str) -> str:
    """What the registry keeps of a session key."""
    return hashlib.sha256(session_key.encode()).hexdigest()


def standing_of_key(store: Reading, session_key: str, now: datetime) -> Standing:
    """What a session key stands for.

    Raises:
        Refused: `SIGN_IN_REQUIRED` for a key that is none, `SESSION_ENDED`, or the reason for which the
        right ended.
    """
    session = store.session_by_key(key_hash(session_key))
    if session is None:
        raise Refused(Reason.SIGN_IN_REQUIRED)
    if session.ended is not None:
        raise Refused(Reason.SESSION_ENDED)
    require(reason_to_end(store, session, now))
    membership = store.membership(session.project, session.member)
    if membership is None:
        raise Refused(Reason.NOT_A_MEMBER, project=session.project)
    granted = active_grants(store, session.project, now)
    mounted = tuple(grant for grant in granted if (grant.dataset, grant.version) in session.datasets)
    return Standing(session, membership, _until(store, session.member, session.project), mounted)


def reason_to_end(store: Reading, session: SessionRecord, now: datetime) -> Decision:
    """Whether an open session may go on: its member's standing, and the right to all data mounted into it."""
    decision = standing_in(store, session.member, session.project, now)
    if isinstance(decision, Deny):
        return decision
    for name, version in session.datasets:
        grant = store.grant(session.project, name, version)
        if grant is None or not active(None, grant.until, now):
            return Deny(Reason.GRANT_ENDED, {"dataset": name})
    return Allow()


def may_stop(store: Reading, actor: str, member: str, now: datetime) -> Decision:
    """Whether a person may stop a member's session: one's own always, another's with `session:stop`."""
    return Allow() if actor == member else may(store, actor, Permission.SESSION_STOP, now)


def _until(store: Reading, member: str, project: str) -> datetime | None:
    ends: list[Project | Membership | None] = [store.project(project), store.membership(project, member)]
    known = [one.ends for one in ends if one is not None and one.ends is not None]
    return min(known, default=None)


def _mounts(store: Reading, project: str, now: datetime) -> tuple[DatasetMount, ...]:
    granted = (
        (grant, store.dataset(grant.dataset, grant.version)) for grant in active_grants(store, project, now)
    )
    return tuple(DatasetMount(one.name, one.version, one.path) for _, one in granted if one is not None)


def _record(plan: SessionPlan, now: datetime) -> SessionRecord:
    return SessionRecord(
        session_id=plan.session_id,
        member=plan.member,
        project=plan.project,
        language=plan.language,
        key_sha256=key_hash(plan.session_key),
        cpus=plan.limits.cpus,
        memory_bytes=plan.limits.memory_bytes,
        datasets=tuple((one.name, one.version) for one in plan.datasets),
        started=now,
    )
