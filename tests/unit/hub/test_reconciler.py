"""What runs is brought in line with the registry."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from hub.actions import datasets, members
from hub.hub_api import Server
from hub.reconciler import GRACE, Reconciler, Step, steps
from onggi.errors import Unavailable
from onggi.reasons import Reason
from tests.support.hub_world import NOW, World, make_world

RUNS = Server("researcher1", "liver", ready=True, pending=None)


@dataclass
class FakeHub:
    """Runs what it is told to run."""

    running: list[Server] = field(default_factory=list)
    broken: bool = False

    def servers(self) -> tuple[Server, ...]:
        return tuple(self.running)

    def stop(self, member: str, project: str) -> None:
        if self.broken:
            raise Unavailable(Reason.SERVICE_UNREACHABLE, service="hub")
        self.running = [one for one in self.running if (one.member, one.project) != (member, project)]


def reconciler(world: World, hub: FakeHub) -> Reconciler:
    return Reconciler(world.context, hub, 1)  # type: ignore[arg-type]


def test_what_agrees_is_left_alone() -> None:
    world, hub = make_world(), FakeHub([RUNS])
    world.open("researcher1", "liver")
    assert reconciler(world, hub).once() == 0
    assert hub.running == [RUNS]


def test_an_ended_membership_stops_the_session_and_says_so_first() -> None:
    world, hub = make_world(), FakeHub([RUNS])
    plan = world.open("researcher1", "liver")
    members.end_member(world.context, "admin", "liver", "researcher1")
    assert reconciler(world, hub).once() == 1
    assert hub.running == []
    assert world.audit.actions() == ["session.open", "member.end", "session.expired", "session.close"]
    assert world.audit.events[-2].details["reason"] == "membership_ended"
    with world.registry.reading() as store:
        session = store.session(plan.session_id)
    assert session is not None
    assert session.end_reason == "membership_ended"


def test_an_ended_grant_stops_the_sessions_that_have_it() -> None:
    other = Server("researcher2", "claims", ready=True, pending=None)
    world, hub = make_world(), FakeHub([RUNS, other])
    world.open("researcher1", "liver")
    world.open("researcher2", "claims")
    datasets.end_grant(world.context, "admin", "liver", "nafld", "1")
    reconciler(world, hub).once()
    assert hub.running == [other]


def test_a_lease_without_a_server_is_released_after_a_while() -> None:
    world, hub = make_world(), FakeHub()
    world.open("researcher1", "liver")
    one = reconciler(world, hub)
    assert one.once() == 0
    world.later(GRACE + timedelta(seconds=1))
    assert one.once() == 1
    with world.registry.reading() as store:
        assert store.open_sessions() == ()


def test_a_server_without_a_lease_is_stopped_when_seen_twice() -> None:
    world, hub = make_world(), FakeHub([RUNS])
    one = reconciler(world, hub)
    assert one.once() == 0
    assert one.once() == 1
    assert hub.running == []


@pytest.mark.parametrize("pending", ["spawn", "stop"])
def test_a_server_on_its_way_is_let_be(pending: str) -> None:
    on_its_way = Server("researcher1", "liver", ready=False, pending=pending)
    world, hub = make_world(), FakeHub([on_its_way])
    one = reconciler(world, hub)
    assert [one.once() for _ in range(3)] == [0, 0, 0]
    assert hub.running == [on_its_way]


def test_a_hub_that_cannot_stop_it_is_asked_again_and_said_once() -> None:
    world, hub = make_world(), FakeHub([RUNS], broken=True)
    world.open("researcher1", "liver")
    members.end_member(world.context, "admin", "liver", "researcher1")
    one = reconciler(world, hub)
    for _ in range(3):
        with pytest.raises(Unavailable):
            one.once()
    hub.broken = False
    assert one.once() == 1
    assert world.audit.actions().count("session.expired") == 1


def test_the_unnamed_server_has_no_lease() -> None:
    world = make_world()
    unnamed = Server("researcher1", "", ready=True, pending=None)
    with world.registry.reading() as store:
        assert steps(store, [unnamed], NOW) == [Step(("researcher1", ""), None, "lost")]
