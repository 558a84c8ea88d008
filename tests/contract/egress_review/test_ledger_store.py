"""One contract for every ledger: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import sqlalchemy as sa

from egress_review.audit.sql import SqlEventLog
from egress_review.checks.differencing.job import PublishedNumber
from egress_review.domain import Release
from egress_review.ledger import tables
from egress_review.ledger.domain import Blind, Entry
from egress_review.room import Room
from egress_review.store.engine import open_engine, reading, writing
from egress_review.store.memory import MemoryReviewStore
from egress_review.store.migrate import upgrade
from egress_review.store.protocol import ReviewStore
from egress_review.store.sql import SqlReviewStore
from onggi.errors import Conflict, NotFound
from tests.support import postgres, review


@pytest.fixture(scope="session")
def ledger_postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with postgres.running(tmp_path_factory.mktemp("pg")) as url:
        yield url


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ReviewStore]:
    if request.param == "memory":
        yield MemoryReviewStore()
        return
    sqlite = f"sqlite:///{tmp_path / 'review.sqlite'}"
    engine = open_engine(
        sqlite if request.param == "sqlite" else request.getfixturevalue("ledger_postgres"), busy_ms=10_000
    )
    upgrade(engine)
    yield SqlReviewStore(engine, SqlEventLog())
    if request.param == "postgresql":
        with engine.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
    engine.dispose()


@pytest.fixture
def room(store: ReviewStore, tmp_path: Path) -> Room:
    return review.room_of(tmp_path, store)[0]


def an_entry(release: str, output: int = 1, **values: object) -> Entry:
    number = PublishedNumber({"성별": "F", "age": "70+"}, "persons", "count", "43", 43)
    entry = Entry(
        release=release,
        output=output,
        request="r-1",
        version=1,
        project=review.PROJECT,
        datasets=(("nafld", "1"), ("claims", "2")),
        claim_sha256="c" * 64,
        output_sha256="0" * 64,
        sets="5" * 64,
        blind=None,
        rounded_to=5,
        numbers=(number, replace(number, key={}, value="2.5")),
    )
    return replace(entry, **values)  # type: ignore[arg-type]


def a_release(room: Room) -> Release:
    """A release of its own, for entries that must name one."""
    request = review.in_review(room)
    release = Release(
        f"rel-{request.id}", request.id, 1, review.PROJECT, (), room.clock.now(), room.clock.now()
    )
    with room.store.unit() as unit:
        return unit.add_release(release, room.event("x", "release.create", release.id, None))


def add(room: Room, entry: Entry) -> Entry:
    with room.store.unit() as unit:
        return unit.ledger.add(entry, room.event("x", "ledger.add", entry.release, None))


def test_an_entry_comes_back_as_it_was_written(room: Room) -> None:
    made = add(room, an_entry(a_release(room).id))
    assert room.store.ledger.entry(made.position) == made
    assert list(room.store.ledger.entries()) == [made]
    assert room.store.ledger.entry(made.position).sha256() == made.sha256()


def test_the_position_is_the_place_of_its_event_in_the_log(room: Room) -> None:
    release = a_release(room)
    made = add(room, an_entry(release.id))
    assert made.position == (release.leaf or 0) + 1


def test_sets_are_found_by_any_data_set_of_the_entry(room: Room) -> None:
    release = a_release(room).id
    made = add(room, an_entry(release))
    other = add(room, an_entry(release, 2, datasets=(("nafld", "9"),), sets="6" * 64))
    add(room, an_entry(release, 3, datasets=(), sets=None, blind=Blind.NO_CLAIM))
    ledger = room.store.ledger
    assert [one.position for one in ledger.sets_of({"nafld"})] == [made.position, other.position]
    assert [one.sets for one in ledger.sets_of({"claims", "unknown"})] == [made.sets]
    assert ledger.sets_of({"unknown"}) == ledger.sets_of(set()) == ()
    with room.store.unit() as unit:
        assert unit.ledger.newest({"nafld"}) == other.position
        assert unit.ledger.newest({"claims"}) == made.position
        assert unit.ledger.newest(set()) == -1


def test_an_output_enters_once(room: Room) -> None:
    release = a_release(room).id
    add(room, an_entry(release))
    with pytest.raises(Conflict):
        add(room, an_entry(release, sets="6" * 64))
    assert len(list(room.store.ledger.entries())) == 1


def test_what_is_not_committed_is_not_in_the_ledger(room: Room) -> None:
    release = a_release(room).id
    with suppress(ZeroDivisionError), room.store.unit() as unit:
        unit.ledger.add(an_entry(release), room.event("x", "ledger.add", release, None))
        raise ZeroDivisionError
    assert list(room.store.ledger.entries()) == []
    assert room.store.last_events("review", 1)[0].action != "ledger.add"


def test_an_unknown_position_is_not_found(room: Room) -> None:
    with pytest.raises(NotFound):
        room.store.ledger.entry(7)


def test_after_its_event_a_unit_sees_what_others_added(room: Room) -> None:
    """Two releases at once: whoever writes second sees the first and can give way."""
    first, second = a_release(room).id, a_release(room).id
    barrier, seen = threading.Barrier(2), []

    def write(release: str) -> None:
        barrier.wait()
        with room.store.unit() as unit:
            unit.append(room.event("x", "release.create", release, None))
            seen.append(unit.ledger.newest({"nafld"}))
            unit.ledger.add(an_entry(release), room.event("x", "ledger.add", release, None))

    threads = [threading.Thread(target=write, args=(one,)) for one in (first, second)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(20)
    assert seen[0] == -1
    assert seen[1] >= 0


def test_many_entries_come_page_by_page(room: Room) -> None:
    release = a_release(room).id
    made = [add(room, an_entry(release, number)) for number in range(1, 120)]
    assert list(room.store.ledger.entries()) == made


@pytest.mark.parametrize("table", [tables.entries, tables.datasets])
def test_rows_are_neither_changed_nor_removed(room: Room, table: sa.Table) -> None:
    if not isinstance(room.store, SqlReviewStore):
        pytest.skip("memory has no rows")
    add(room, an_entry(a_release(room).id))
    engine = room.store._engine
    with reading(engine) as connection:
        before = connection.execute(sa.select(table)).all()
    for statement in (sa.delete(table), sa.update(table).values(position=99)):
        # SQLite calls a trigger's refusal a broken constraint.
        with pytest.raises((sa.exc.DatabaseError, Conflict)), writing(engine) as connection:
            connection.execute(statement)
    with reading(engine) as connection:
        assert connection.execute(sa.select(table)).all() == before
        assert before
