"""No write without its event; no event without its write for long."""

from __future__ import annotations

import pytest

from hub.actions import members, people, projects
from hub.actions.context import change, heal, note
from onggi.errors import Unavailable
from onggi.events import Event
from onggi.permissions import Permission
from onggi.reasons import Reason
from tests.support.hub_world import make_world, unreachable


class Crash(BaseException):
    """The process dies here."""


def test_a_write_and_its_event() -> None:
    world = make_world()
    members.end_member(world.context, "admin", "liver", "researcher1")
    (event,) = world.audit.events
    assert (event.source, event.actor, event.action) == ("desk", "admin", "member.end")
    assert (event.project, event.subject) == ("liver", "researcher1")
    with world.registry.reading() as store:
        assert store.has_audit_ref(event.id)


def test_an_audit_log_that_does_not_answer_changes_nothing() -> None:
    world = make_world()
    world.audit.broken = unreachable
    with pytest.raises(Unavailable) as refused:
        people.add_person(world.context, "admin", "new")
    assert refused.value.reason is Reason.AUDIT_UNREACHABLE
    with world.registry.reading() as store:
        assert store.person("new") is None


def test_the_event_is_in_the_log_before_the_write_is_seen() -> None:
    world = make_world()
    seen: list[bool] = []

    def look(_event: Event) -> None:
        with world.registry.reading() as store:
            seen.append(store.person("new") is not None)

    world.audit.broken = look
    people.add_person(world.context, "admin", "new")
    assert seen == [False]


def test_a_change_that_says_nothing_is_refused() -> None:
    world = make_world()
    with (
        pytest.raises(RuntimeError),
        change(world.context, "admin", Permission.ROLE_MANAGE) as change_,
    ):
        change_.store.save_person(change_.store.people()[0])
    with pytest.raises(RuntimeError), change(world.context, "admin", Permission.ROLE_MANAGE) as change_:  # noqa: PT012
        change_.record("one", "x")
        change_.record("two", "x")
    assert world.audit.events == []


def test_a_crash_between_log_and_commit_is_voided_by_the_next_writer() -> None:
    world = make_world()

    def log_and_die(event: Event) -> None:
        world.audit.events.append(event)
        raise Crash

    world.audit.broken = log_and_die
    with pytest.raises(Crash):
        people.add_person(world.context, "admin", "new")
    world.audit.broken = None
    (lost,) = world.audit.events
    projects.change_project_end(world.context, "admin", "liver", None)
    assert world.audit.actions() == ["person.add", "event.voided", "project.change"]
    assert world.audit.events[1].subject == lost.id
    heal(world.context)
    projects.change_project_end(world.context, "admin", "liver", None)
    assert world.audit.actions().count("event.voided") == 1


def test_healing_at_the_start_voids_what_was_lost() -> None:
    world = make_world()
    people.add_person(world.context, "admin", "kept")

    def log_and_die(event: Event) -> None:
        world.audit.events.append(event)
        raise Crash

    world.audit.broken = log_and_die
    with pytest.raises(Crash):
        people.add_person(world.context, "admin", "lost")
    world.audit.broken = None
    note(world.context, "admin", "something.else", "x")
    heal(world.context)
    assert world.audit.actions() == ["person.add", "person.add", "something.else", "event.voided"]
    assert world.audit.events[-1].subject == world.audit.events[1].id


def test_healing_needs_the_log() -> None:
    world = make_world()

    def no_answer(_source: str, _limit: int = 50) -> list[dict[str, object]]:
        raise Unavailable(Reason.SERVICE_UNREACHABLE, service="review")

    world.audit.last = no_answer  # type: ignore[assignment, method-assign]
    with pytest.raises(Unavailable) as refused:
        heal(world.context)
    assert refused.value.reason is Reason.AUDIT_UNREACHABLE
