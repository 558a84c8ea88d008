"""One contract for every store of the display meter: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from egress_review.audit.sql import SqlEventLog
from egress_review.meter import leasing, policies, recording
from egress_review.meter.domain import Amounts, Lift, Piece, PolicyVersion
from egress_review.meter.leasing import MAX_LEASE_BYTES
from egress_review.meter.memory import MemoryMeterStore
from egress_review.meter.protocol import MeterStore
from egress_review.meter.room import MeterRoom
from egress_review.meter.sql import SqlMeterStore
from egress_review.store.engine import open_engine, reading
from egress_review.store.migrate import upgrade
from onggi.errors import Conflict, Invalid, NotFound, Refused
from tests.support import meter, postgres
from tests.support.meter import CALLER, MIB, OTHER, SECOND, SMALL, new_id, output


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with postgres.running(tmp_path_factory.mktemp("pg")) as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[MeterStore]:
    if request.param == "memory":
        yield MemoryMeterStore()
        return
    url = f"sqlite:///{tmp_path / 'review.sqlite'}"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres_url")
    engine = open_engine(url, busy_ms=10_000)
    upgrade(engine)
    yield SqlMeterStore(engine, SqlEventLog())
    if request.param == "postgresql":
        with engine.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture
def room(store: MeterStore, tmp_path: Path) -> MeterRoom:
    return meter.meter_of(tmp_path, store)[0]


def events_of(store: MeterStore) -> list[str]:
    """The actions that the audit log holds, oldest first."""
    if isinstance(store, MemoryMeterStore):
        return [one.action for one in store.events]
    assert isinstance(store, SqlMeterStore)
    with reading(store._engine) as connection:
        return [one.action for one in reversed(SqlEventLog().last(connection, "review", 100))]


def lent_to(room: MeterRoom, member: str = CALLER.member) -> int:
    return next((one.lent.output for one in room.store.days(room.today()) if one.member == member), 0)


def test_a_day_is_lent_until_it_is_used_up(room: MeterRoom) -> None:
    policies.set_policy(room, "admin", CALLER.project, SMALL, "a small day")
    assert [leasing.lend(room, CALLER, new_id(), output(400)).lease.lent.output for _ in range(4)] == [
        400,
        400,
        200,
        0,
    ]
    assert lent_to(room) == 1000
    assert events_of(room.store)[1:] == ["display.day_soft", "display.day_used_up"]


def test_two_sessions_of_a_member_share_the_day_and_another_member_has_their_own(room: MeterRoom) -> None:
    policies.set_policy(room, "admin", CALLER.project, SMALL, "a small day")
    leasing.lend(room, CALLER, new_id(), output(900))
    assert leasing.lend(room, SECOND, new_id(), output(900)).lease.lent.output == 100
    assert leasing.lend(room, OTHER, new_id(), output(900)).lease.lent.output == 900


def test_asking_twice_under_one_id_lends_once(room: MeterRoom) -> None:
    lease_id = new_id()
    first = leasing.lend(room, CALLER, lease_id, output(500))
    assert leasing.lend(room, CALLER, lease_id, output(500)).lease == first.lease
    assert lent_to(room) == 500
    with pytest.raises(Refused):
        leasing.lend(room, SECOND, lease_id, output(500))


def test_the_rest_comes_back_once_and_never_more_than_was_lent(room: MeterRoom) -> None:
    lease = leasing.lend(room, CALLER, new_id(), Amounts(500, 300)).lease
    with pytest.raises(Invalid):
        leasing.give_back(room, lease.id, output(501), CALLER.session_id)
    with pytest.raises(NotFound):
        leasing.give_back(room, lease.id, output(1), SECOND.session_id)
    leasing.give_back(room, lease.id, Amounts(200, 100), CALLER.session_id)
    leasing.give_back(room, lease.id, Amounts(200, 100), CALLER.session_id)
    (day,) = room.store.days(room.today())
    assert day.lent == Amounts(300, 200)


def test_the_broker_gives_back_for_a_session_that_died(room: MeterRoom) -> None:
    lease = leasing.lend(room, CALLER, new_id(), Amounts(500, 300)).lease
    with pytest.raises(Invalid):
        leasing.give_back(room, lease.id, Amounts(0, 301))
    leasing.give_back(room, lease.id, Amounts(400, 300))
    leasing.give_back(room, lease.id, Amounts(500, 300), CALLER.session_id)
    (day,) = room.store.days(room.today())
    assert day.lent == Amounts(100, 0)


def test_a_new_day_begins_at_midnight_of_the_zone(store: MeterStore, tmp_path: Path) -> None:
    room, clock = meter.meter_of(tmp_path, store)
    policies.set_policy(room, "admin", CALLER.project, SMALL, "a small day")
    clock.at = meter.NOON.replace(hour=14, minute=59)  # 23:59 in Seoul
    late = leasing.lend(room, CALLER, new_id(), output(1000))
    assert late.standing.ends == meter.NOON.replace(hour=15, minute=0)
    assert leasing.lend(room, CALLER, new_id(), output(1)).lease.lent.output == 0
    clock.advance(minutes=1)
    assert leasing.lend(room, CALLER, new_id(), output(700)).lease.lent.output == 700
    leasing.give_back(room, late.lease.id, output(900), CALLER.session_id)
    assert lent_to(room) == 700  # what is left of yesterday is no credit for today
    assert [one.day for one in room.store.days("2026-11-01")] == ["2026-11-22", "2026-11-21"]


def test_one_lease_is_bounded(room: MeterRoom) -> None:
    lent = leasing.lend(room, CALLER, new_id(), Amounts(10**12, 10**12)).lease.lent
    assert lent == Amounts(MAX_LEASE_BYTES, MAX_LEASE_BYTES)


def test_a_lift_adds_to_one_members_one_day(room: MeterRoom) -> None:
    policies.set_policy(room, "admin", CALLER.project, SMALL, "a small day")
    leasing.lend(room, CALLER, new_id(), output(1000))
    leasing.lift(room, "admin", CALLER.project, CALLER.member, 250, "figures for the report")
    assert leasing.lend(room, CALLER, new_id(), output(1000)).lease.lent.output == 250
    assert leasing.lend(room, OTHER, new_id(), output(2000)).lease.lent.output == 1000
    (kept,) = room.store.lifts(room.today(), CALLER.project)
    assert (kept.by, kept.reason, kept.extra_bytes) == ("admin", "figures for the report", 250)
    assert room.store.lifts(room.today(), "claims") == ()
    assert events_of(room.store).count("display.lift") == 1


@pytest.mark.parametrize("reason", ["", "  ", "x" * 501, "a\u202eb"])
def test_a_lift_wants_a_reason_that_can_be_read(room: MeterRoom, reason: str) -> None:
    with pytest.raises(Invalid):
        leasing.lift(room, "admin", CALLER.project, CALLER.member, 250, reason)
    assert events_of(room.store) == []


def test_what_breaks_midway_leaves_neither_lift_nor_event(room: MeterRoom) -> None:
    made = Lift(new_id(), CALLER.project, CALLER.member, room.today(), 1, "r", "admin", room.clock.now())
    event = room.event("admin", "display.lift", CALLER.member, CALLER.project)
    with pytest.raises(ZeroDivisionError), room.store.unit() as unit:  # noqa: PT012 - it breaks in the middle
        unit.add_lift(made, event)
        raise ZeroDivisionError
    assert room.store.lifts(room.today()) == ()
    assert events_of(room.store) == []


def test_policies_are_numbered_and_all_stay(room: MeterRoom) -> None:
    assert policies.newest(room, CALLER.project).label == "standard-1@0"
    policies.set_policy(room, "admin", CALLER.project, SMALL, "first")
    policies.set_policy(room, "admin", CALLER.project, SMALL.replace("1000", "900"), "second", expected=1)
    assert policies.newest(room, CALLER.project).label == "small-1@2"
    assert policies.newest(room, "claims").number == 0
    assert [one.reason for one in room.store.policies(CALLER.project)] == ["second", "first"]
    with pytest.raises(Conflict):
        policies.set_policy(room, "admin", CALLER.project, SMALL, "over an old one", expected=1)
    assert events_of(room.store) == ["display.policy_set"] * 2


def test_of_two_documents_given_at_once_each_gets_its_number(room: MeterRoom) -> None:
    at_once([lambda: policies.set_policy(room, "admin", CALLER.project, SMALL, "r")] * 6)
    numbers = [one.number for one in room.store.policies(CALLER.project)]
    assert numbers == list(range(len(numbers), 0, -1))  # a loser of the race may have to ask again
    assert len(events_of(room.store)) == len(numbers) >= 1
    again = PolicyVersion(CALLER.project, 1, "small-1", SMALL, "admin", "r", room.clock.now())
    with pytest.raises(Conflict), room.store.unit() as unit:
        unit.add_policy(again, room.event("admin", "display.policy_set", CALLER.project, None))


def at_once(acts: list[Callable[[], object]]) -> None:
    barrier = threading.Barrier(len(acts))

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            act()
        except Conflict:
            return

    threads = [threading.Thread(target=run, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_sessions_that_ask_at_once_never_get_more_than_the_day(room: MeterRoom) -> None:
    """The first row of a day is the hard case: nothing is there yet that could be locked."""
    policies.set_policy(room, "admin", CALLER.project, SMALL, "a small day")
    got: list[int] = []

    def ask(session: str) -> None:
        for _ in range(3):
            caller = replace(CALLER, session_id=session)
            got.append(leasing.lend(room, caller, new_id(), output(97)).lease.lent.output)

    at_once([lambda number=number: ask(f"s-{number:016x}") for number in range(6)])  # type: ignore[misc]
    assert sum(got) == lent_to(room) == 1000


def test_what_was_shown_comes_back_as_it_was_kept(room: MeterRoom) -> None:
    pieces = (Piece("text/plain", "한글 \U0001f9ea\n"), Piece("image/png", "aGk="))
    showing = meter.a_showing(room, *pieces)
    assert recording.keep(room, showing, "", pieces)
    assert recording.keep(room, showing, "", pieces)  # sent again, because the answer was lost
    kept = room.store.showing(showing.id)
    assert kept == replace(showing, kept=True, day="2026-11-21")
    assert room.store.showings(CALLER.session_id, 10) == (kept,)
    (day,) = room.store.shown_days("2026-11-21")
    assert (day.project, day.member, day.lent.output) == (CALLER.project, CALLER.member, kept.shown_bytes)
    assert room.store.shown_days("2026-11-22") == ()
    (one,) = room.store.sessions(CALLER.project, 10)
    assert (one.session, one.showings, one.shown_bytes) == (CALLER.session_id, 1, kept.shown_bytes)
    with pytest.raises(NotFound):
        room.store.showing(new_id())


def test_a_record_is_read_in_pages(room: MeterRoom) -> None:
    made = [meter.a_showing(room) for _ in range(5)]
    made[2] = replace(made[2], at=made[1].at)  # of one millisecond
    for one in made:
        recording.keep(room, one, "", ())
    whole = [one.id for one in room.store.showings(CALLER.session_id, 10)]
    pages, before = [], None
    while page := room.store.showings(CALLER.session_id, 2, before):
        pages += [one.id for one in page]
        before = page[-1].id
    assert pages == whole
    assert len(whole) == 5
    assert room.store.showings(CALLER.session_id, 2, new_id()) == ()


def test_contents_go_when_their_window_ends_and_the_figures_stay(store: MeterStore, tmp_path: Path) -> None:
    room, clock = meter.meter_of(tmp_path, store)
    policies.set_policy(room, "admin", CALLER.project, SMALL + "record_days: 3\n", "a short window")
    piece = Piece("text/plain", "x")
    first = meter.a_showing(room, piece)
    recording.keep(room, first, "", (piece,))
    leasing.lend(room, CALLER, "a" * 32, output(1))
    for days, left in ((3, 1), (1, 0)):
        clock.at += timedelta(days=days)
        recording.forget_old(room)
        assert len(list((tmp_path / "shown").rglob("*.json"))) == left
        assert room.store.showing(first.id).kept == bool(left)
    assert recording.look(room, "auditor1", first.id)[1] is None
    assert events_of(store)[-1] == "display.forget"
    with store.unit() as unit:
        assert unit.lease("a" * 32) is None
    assert recording.forget_old(room) == 0
    assert lent_to(room) == 0


def test_a_megabyte_is_a_megabyte(room: MeterRoom) -> None:
    policies.set_policy(room, "admin", "claims", SMALL, "of another project")
    assert leasing.lend(room, CALLER, new_id(), output(MIB)).lease.lent.output == MIB
