"""Who gets a session, with what, and when it has to end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from hub.actions import datasets, members, projects
from hub.actions.sessions import (
    close_session,
    close_sessions,
    key_hash,
    may_stop,
    reason_to_end,
    standing_of_key,
)
from onggi.clock import to_text
from onggi.decision import Allow, Deny
from onggi.domain import Membership, Quota
from onggi.errors import Refused, Unavailable
from onggi.permissions import Role
from onggi.plan import SessionPlan, plan_from_json
from onggi.reasons import Reason
from tests.support.hub_world import DAY, GIB, LIMITS, NOW, World, a_project, make_world, unreachable


def test_the_plan_is_complete() -> None:
    world = make_world()
    members.add_member(world.context, "admin", "liver", "researcher1", ends=NOW + 2 * DAY)
    projects.change_project_end(world.context, "admin", "liver", NOW + DAY)
    plan = world.open("researcher1", "liver")
    assert plan_from_json(plan.to_json()) == plan
    assert (plan.member, plan.project, plan.language) == ("researcher1", "liver", "ko")
    assert plan.project_folder == "/srv/projects/liver"
    assert plan.until == to_text(NOW + DAY)
    assert [(one.name, one.version, one.path) for one in plan.datasets] == [("nafld", "1", "/data/nafld/1")]
    assert (plan.limits.cpus, plan.limits.memory_bytes, plan.limits.disk_bytes) == (1, GIB, 5 * GIB)


def test_the_key_is_kept_as_a_hash_alone_and_is_nowhere_in_the_log() -> None:
    world = make_world()
    plan = world.open("researcher1", "liver")
    with world.registry.reading() as store:
        session = store.session(plan.session_id)
    assert session is not None
    assert session.key_sha256 == key_hash(plan.session_key)
    assert plan.session_key not in repr(session)
    assert all(plan.session_key.encode() not in event.canonical() for event in world.audit.events)
    assert world.audit.actions() == ["session.open"]


def _end_member(world: World) -> None:
    members.end_member(world.context, "admin", "liver", "researcher1")


def _end_project(world: World) -> None:
    projects.change_project_end(world.context, "admin", "liver", NOW)


def _not_yet(world: World) -> None:
    members.add_member(world.context, "admin", "liver", "researcher1", starts=NOW + DAY)


def _project_not_yet(world: World) -> None:
    with world.registry.writing() as store:
        store.save_project(replace(a_project("liver"), starts=NOW + DAY))


ENDINGS: list[tuple[Callable[[World], None], Reason]] = [
    (_end_member, Reason.MEMBERSHIP_ENDED),
    (_end_project, Reason.PROJECT_ENDED),
    (_not_yet, Reason.MEMBERSHIP_NOT_STARTED),
    (_project_not_yet, Reason.PROJECT_NOT_STARTED),
]


@pytest.mark.parametrize(("change", "reason"), ENDINGS)
def test_a_right_that_does_not_hold_now_opens_nothing(
    change: Callable[[World], None], reason: Reason
) -> None:
    world = make_world()
    change(world)
    _refused(world, "researcher1", "liver", reason)


@pytest.mark.parametrize(("change", "reason"), ENDINGS)
def test_a_right_that_ends_ends_the_key_at_once(change: Callable[[World], None], reason: Reason) -> None:
    world = make_world()
    plan = world.open("researcher1", "liver")
    change(world)
    assert _why(world, plan) is reason


@pytest.mark.parametrize(
    ("who", "project", "reason"),
    [
        ("researcher2", "liver", Reason.NOT_A_MEMBER),
        ("admin", "liver", Reason.NOT_A_MEMBER),
        ("reviewer1", "liver", Reason.NOT_A_MEMBER),
        ("researcher1", "no-such-project", Reason.NOT_A_MEMBER),
        ("researcher1", "", Reason.SESSION_NEEDS_PROJECT),
        ("stranger", "liver", Reason.UNKNOWN_PERSON),
    ],
)
def test_strangers(who: str, project: str, reason: Reason) -> None:
    _refused(make_world(), who, project, reason)


def test_the_moment_of_the_end_is_already_the_end() -> None:
    world = make_world()
    members.add_member(world.context, "admin", "liver", "researcher1", ends=NOW + DAY)
    plan = world.open("researcher1", "liver")
    world.clock.moment = NOW + DAY
    assert _why(world, plan) is Reason.MEMBERSHIP_ENDED


@pytest.mark.parametrize(
    ("quota", "resource"),
    [
        (Quota("liver", 0, 4, 8 * GIB), "sessions"),
        (Quota("liver", 4, 0, 8 * GIB), "cpus"),
        (Quota("liver", 4, 4, GIB - 1), "memory_bytes"),
    ],
)
def test_a_quota_that_is_used_up(quota: Quota, resource: str) -> None:
    world = make_world()
    projects.set_quota(world.context, "admin", quota)
    refusal = _refused(world, "researcher1", "liver", Reason.QUOTA_EXCEEDED)
    assert refusal.params["resource"] == resource


def test_a_lease_is_held_until_it_is_released() -> None:
    world = make_world()
    projects.set_quota(world.context, "admin", Quota("liver", 1, 4, 8 * GIB))
    plan = world.open("researcher1", "liver")
    _refused(world, "lead1", "liver", Reason.QUOTA_EXCEEDED)
    close_session(world.context, plan.session_id, "stopped")
    close_session(world.context, plan.session_id, "stopped")
    world.open("lead1", "liver")
    assert world.audit.actions().count("session.close") == 1


def test_opening_again_releases_what_was_lost() -> None:
    """The hub starts a server only where none runs: an open lease of the same member is a leftover."""
    world = make_world()
    first = world.open("researcher1", "liver")
    second = world.open("researcher1", "liver")
    assert _why(world, first) is Reason.SESSION_ENDED
    assert _why(world, second) is None
    with world.registry.reading() as store:
        assert len(store.open_sessions()) == 1


def test_a_project_too_large_a_session() -> None:
    world = make_world()
    _refused(world, "researcher1", "liver", Reason.QUOTA_EXCEEDED, cpus=5)


def test_only_what_is_granted_now_is_mounted() -> None:
    world = make_world()
    datasets.end_grant(world.context, "admin", "liver", "nafld", "1")
    assert world.open("researcher1", "liver").datasets == ()


def test_an_ended_grant_ends_the_sessions_that_have_it_mounted() -> None:
    world = make_world()
    with_data, without = world.open("researcher1", "liver"), world.open("researcher2", "claims")
    datasets.end_grant(world.context, "admin", "liver", "nafld", "1")
    assert _why(world, with_data) is Reason.GRANT_ENDED
    assert _why(world, without) is None


def test_a_key_stands_for_its_own_session_alone() -> None:
    world = make_world()
    plan = world.open("researcher1", "liver")
    with world.registry.reading() as store:
        standing = standing_of_key(store, plan.session_key, NOW)
        assert (standing.session.member, standing.session.project) == ("researcher1", "liver")
        assert standing.membership == Membership("liver", "researcher1", Role.RESEARCHER, NOW - DAY, None)
        assert [one.dataset for one in standing.grants] == ["nafld"]
        for wrong in ("", "x", key_hash(plan.session_key), plan.session_key + "x", plan.session_id):
            with pytest.raises(Refused) as refused:
                standing_of_key(store, wrong, NOW)
            assert refused.value.reason is Reason.SIGN_IN_REQUIRED


def test_without_the_audit_log_nothing_opens_and_nothing_closes() -> None:
    world = make_world()
    plan = world.open("researcher1", "liver")
    world.audit.broken = unreachable
    with pytest.raises(Unavailable):
        world.open("researcher2", "claims")
    with pytest.raises(Unavailable):
        close_sessions(world.context, "researcher1", "liver")
    with world.registry.reading() as store:
        assert [one.session_id for one in store.open_sessions()] == [plan.session_id]


def test_a_refusal_is_in_the_log() -> None:
    world = make_world()
    _refused(world, "researcher2", "liver", Reason.NOT_A_MEMBER)
    (event,) = world.audit.events
    assert (event.action, event.actor, event.project) == ("session.refuse", "researcher2", "liver")
    assert event.details["reason"] == "not_a_member"


@pytest.mark.parametrize(
    ("actor", "allowed"),
    [("researcher1", True), ("admin", True), ("lead1", False), ("reviewer1", False), ("stranger", False)],
)
def test_who_may_stop_a_session(actor: str, allowed: bool) -> None:
    world = make_world()
    with world.registry.reading() as store:
        decision = may_stop(store, actor, "researcher1", NOW)
    assert isinstance(decision, Allow) is allowed


def test_a_session_may_go_on_while_everything_holds() -> None:
    world = make_world()
    world.open("researcher1", "liver")
    world.later(100 * DAY)
    with world.registry.reading() as store:
        (session,) = store.open_sessions()
        assert reason_to_end(store, session, world.clock.now()) == Allow()


def _refused(world: World, who: str, project: str, reason: Reason, cpus: int = 1) -> Refused:
    with pytest.raises(Refused) as refused:
        world.open(who, project, replace(LIMITS, cpus=cpus))
    assert refused.value.reason is reason
    with world.registry.reading() as store:
        assert who not in {one.member for one in store.open_sessions()}
    return refused.value


def _why(world: World, plan: SessionPlan) -> Reason | None:
    """The reason for which the plan's key opens nothing now; None if it does."""
    with world.registry.reading() as store:
        session = store.session(plan.session_id)
        assert session is not None
        try:
            standing_of_key(store, plan.session_key, world.clock.now())
        except Refused as refused:
            decision = reason_to_end(store, session, world.clock.now())
            assert session.ended is not None or isinstance(decision, Deny)
            return refused.reason
    return None
