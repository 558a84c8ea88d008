"""One contract for every review store: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from egress_review.actions import releasing, submitting, voting
from egress_review.audit import tables as audit_tables
from egress_review.audit.sql import SqlEventLog
from egress_review.domain import Ballot, Download, Outcome, Request, State, Vote
from egress_review.lifecycle import outcomes
from egress_review.room import Room
from egress_review.store import tables
from egress_review.store.engine import open_engine, reading
from egress_review.store.memory import MemoryReviewStore
from egress_review.store.migrate import upgrade
from egress_review.store.protocol import ReviewStore, Unit
from egress_review.store.sql import SqlReviewStore
from onggi.errors import Conflict, NotFound, OnggiError, Unavailable
from onggi.events import Event
from onggi.reasons import Reason
from tests.support import postgres, review


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
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
    if request.param == "sqlite":
        url = f"sqlite:///{tmp_path / 'review.sqlite'}"
    else:
        url = request.getfixturevalue("postgres_url")
    engine = open_engine(url, busy_ms=10_000)
    upgrade(engine)
    yield SqlReviewStore(engine, SqlEventLog())
    if request.param == "postgresql":
        _drop_all(engine)
    engine.dispose()


def _drop_all(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("DROP SCHEMA public CASCADE"))
        connection.execute(sa.text("CREATE SCHEMA public"))


@pytest.fixture
def room(store: ReviewStore, tmp_path: Path) -> Room:
    return review.room_of(tmp_path, store)[0]


def an_event(number: int, source: str = "desk") -> Event:
    return Event(
        f"e-{number}", f"2026-11-21T09:00:00.{number:03d}Z", source, "admin", "member.add", None, "someone"
    )


def test_a_request_comes_back_as_it_was_kept(room: Room) -> None:
    request = review.in_review(room, b"a,b\n1,2\n", "한글,이름\n".encode())
    again = room.store.request(request.id)
    assert again == request
    assert again.outputs[0].report is not None
    assert room.store.history(request.id) == (request,)


def test_hostile_texts_survive_unchanged(room: Room) -> None:
    name, purpose = "a\n\u202eb\u0007'; DROP TABLE requests;--.csv", "목적 \U0001f9ea\r\n\u200f"
    claim = {"sql": "SELECT '\u0000 \ud800'", "deep": [[[{"x": 1.5}]]]}
    announced = [submitting.Announced(name, 3, claim=claim)]
    made = submitting.open_request(room, review.RESEARCHER, purpose, "", announced)
    kept = room.store.request(made.id)
    assert (kept.outputs[0].name, kept.purpose) == (name, purpose.strip())
    assert kept.outputs[0].claim == claim


def test_a_write_and_its_event_stand_or_fall_together(room: Room) -> None:
    request = review.submitted(room)
    before = room.store.last_events("review", 100)
    with pytest.raises(ZeroDivisionError), room.store.unit() as unit:  # noqa: PT012 - it breaks in the middle
        event = room.event("x", "request.check", request.id, None)
        unit.save(replace(request, state=State.IN_REVIEW), event)
        raise ZeroDivisionError
    assert room.store.request(request.id).state is State.CHECKING
    assert room.store.last_events("review", 100) == before


def test_an_event_that_cannot_be_written_undoes_its_write(room: Room) -> None:
    request = review.submitted(room)
    first = room.event("x", "a.b", "s", None)
    with room.store.unit() as unit:
        unit.append(first)
    with pytest.raises(OnggiError), room.store.unit() as unit:
        unit.save(replace(request, state=State.IN_REVIEW), replace(first, subject="other"))
    assert room.store.request(request.id).state is State.CHECKING


def test_events_are_taken_once_and_in_order(store: ReviewStore) -> None:
    for number in (0, 1, 0, 2):
        with store.unit() as unit:
            assert unit.append(an_event(number)) == number
    assert [event.id for event in store.last_events("desk", 2)] == ["e-2", "e-1"]
    assert store.last_events("hub", 5) == ()
    with pytest.raises(Conflict) as caught, store.unit() as unit:
        unit.append(replace(an_event(1), actor="somebody"))
    assert caught.value.reason is Reason.EVENT_ID_REUSED


def test_what_does_not_exist_is_not_found(room: Room) -> None:
    request = review.submitted(room)
    event = room.event("x", "a.b", "s", None)
    with pytest.raises(NotFound):
        room.store.request("r-none")
    with pytest.raises(NotFound):
        room.store.release("rel-none")
    assert room.store.history("r-none") == ()
    acts: list[Callable[[Unit], object]] = [
        lambda unit: unit.request("r-none"),
        lambda unit: unit.save(replace(request, version=9), event),
        lambda unit: unit.set_certificate("rel-none", "text", event),
    ]
    for act in acts:
        with pytest.raises(NotFound), room.store.unit() as unit:
            act(unit)


def test_the_same_version_twice_is_a_conflict(room: Room) -> None:
    request = review.submitted(room)
    with pytest.raises(Conflict), room.store.unit() as unit:
        unit.create(request, room.event("x", "a.b", "s", None))


def test_a_ballot_paper_that_is_set_aside_is_gone_and_on_record(room: Room) -> None:
    request = review.in_review(room, review.CSV, b"x,y\n1,2\n")
    review.cast(room, request, "reviewer1")
    review.cast(room, request, "reviewer2", Ballot.REJECT)
    seen: list[int] = []

    def told(votes: Sequence[Vote]) -> Event:
        seen.extend(vote.output for vote in votes)
        return room.event("x", "vote.set_aside", request.id, None, reviewer=votes[0].reviewer)

    with room.store.unit() as unit:
        unit.set_aside(request, "reviewer1", told)
        assert unit.votes(request) == ()
    assert seen == [1, 2]
    assert room.store.request(request.id).voters == {"reviewer2"}
    assert room.store.votes_seen_by("reviewer1", request) == ()
    assert len(room.store.votes_seen_by("reviewer2", request)) == 2
    assert room.store.last_events("review", 1)[0].action == "vote.set_aside"
    with pytest.raises(NotFound), room.store.unit() as unit:
        unit.set_aside(request, "reviewer1", told)


def test_votes_are_blind_until_complete(room: Room) -> None:
    request = review.in_review(room, review.CSV, b"x,y\n1,2\n")
    review.cast(room, request, "reviewer1")
    once = room.store.request(request.id)
    assert once.voters == {"reviewer1"}
    assert len(room.store.votes_seen_by("reviewer1", once)) == 2
    for other in ("reviewer2", "researcher1", "", "service:review"):
        assert room.store.votes_seen_by(other, once) == ()
    with room.store.unit() as unit:
        assert unit.votes(once) == ()
    review.cast(room, request, "reviewer2", Ballot.REJECT)
    twice = room.store.request(request.id)
    assert twice.state is State.REJECTED
    for viewer in ("reviewer1", "reviewer2", "researcher1"):
        assert len(room.store.votes_seen_by(viewer, twice)) == 4
    assert set(outcomes(twice, room.store.votes_seen_by("x", twice)).values()) == {Outcome.REJECTED}


def test_a_forged_request_value_opens_no_votes(room: Room) -> None:
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    forged = replace(request, reviewers=1, voters=frozenset({"a", "b"}))
    assert room.store.votes_seen_by("reviewer2", forged) == ()


def test_a_vote_cannot_be_cast_twice_even_past_the_lifecycle(room: Room) -> None:
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    (vote,) = room.store.votes_seen_by("reviewer1", request)
    with pytest.raises(Conflict), room.store.unit() as unit:
        unit.add_votes([replace(vote, ballot=Ballot.REJECT)], room.event("x", "vote.cast", "s", None))
    assert room.store.votes_seen_by("reviewer1", request) == (vote,)


def test_a_returned_request_gets_a_new_version_and_new_votes(room: Room) -> None:
    first = review.in_review(room)
    review.cast(room, first, "reviewer1", Ballot.RETURN, "round it")
    review.cast(room, first, "reviewer2")
    announced = [submitting.Announced("better.csv", len(review.CSV))]
    second = submitting.revise(room, review.RESEARCHER, first.id, "again", "", announced)
    assert (second.version, second.state, second.voters) == (2, State.DRAFT, frozenset())
    assert room.store.request(first.id) == second
    old, new = room.store.history(first.id)
    assert (old.state, new.state) == (State.RETURNED, State.DRAFT)
    assert room.store.requests_of("researcher1") == (second,)
    assert len(room.store.votes_seen_by("researcher1", old)) == 2
    assert room.store.votes_seen_by("researcher1", new) == ()
    with pytest.raises(Conflict):
        submitting.revise(room, review.RESEARCHER, first.id, "again", "", announced)


def test_release_keeps_files_leaf_certificate_and_downloads(room: Room) -> None:
    request = review.in_review(room, review.CSV, b"x,y\n1,2\n")
    ballots = {1: (Ballot.APPROVE, ""), 2: (Ballot.REJECT, "no")}
    for name in ("reviewer1", "reviewer2"):
        voting.vote(room, review.reviewer(name), request.id, 1, ballots)
    made = releasing.release(room, request.id)
    kept = room.store.release(made.id)
    assert kept == made
    assert [file.number for file in kept.files] == [1]
    assert kept.expires - kept.created == timedelta(days=14)
    assert room.store.release_of(request) == kept
    assert room.store.releases_of({review.PROJECT}) == (kept,)
    assert room.store.releases_of({review.OTHER_PROJECT}) == room.store.releases_of(set()) == ()
    assert room.store.uncertified() == ()
    with room.store.unit() as unit:
        download = Download(made.id, 1, "researcher1", room.clock.now())
        unit.add_download(download, room.event("researcher1", "release.download", made.id, review.PROJECT))
    assert room.store.release(made.id).downloads == 1
    assert room.store.release_of(request).downloads == 1  # type: ignore[union-attr]


def test_lists_come_in_order(room: Room) -> None:
    made = [review.submitted(room) for _ in range(3)]
    assert [one.id for one in room.store.requests_in({State.CHECKING})] == [one.id for one in made]
    assert [one.id for one in room.store.requests_of("researcher1")] == [one.id for one in reversed(made)]
    assert room.store.requests_of("researcher1", review.OTHER_PROJECT) == ()
    assert room.store.requests_in(set()) == ()
    assert [one.id for one in room.store.requests_in({State.CHECKING}, 2)] == [one.id for one in made[1:]]


def test_intake_is_counted_by_member_and_time(room: Room) -> None:
    review.submitted(room)
    assert room.store.received_bytes("researcher1", review.START) == len(review.CSV)
    assert room.store.received_bytes("researcher2", review.START) == 0
    assert room.store.received_bytes("researcher1", room.clock.now() + timedelta(days=1)) == 0


def _race(acts: list[Callable[[], object]]) -> list[object]:
    """All at once; what each returned, or the error that it raised."""
    results: list[object] = [None] * len(acts)
    barrier = threading.Barrier(len(acts))

    def run(position: int, act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            results[position] = act()
        except OnggiError as error:
            results[position] = error

    threads = [threading.Thread(target=run, args=item) for item in enumerate(acts)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    return results


@pytest.mark.parametrize("attempt", range(5))
def test_two_last_votes_at_once_make_one_release(room: Room, attempt: int) -> None:
    request = review.in_review(room)

    def vote_and_release(name: str) -> Request:
        decided = review.cast(room, request, name)
        if decided.state is State.APPROVED:
            releasing.release_or_later(room, request.id)
        return decided

    results = _race([partial(vote_and_release, name) for name in ("reviewer1", "reviewer2", "reviewer4")])
    states = [one.state for one in results if isinstance(one, Request)]
    assert sorted(states) == [State.APPROVED, State.IN_REVIEW]
    (refused,) = [one for one in results if isinstance(one, OnggiError)]
    assert isinstance(refused, Conflict)
    assert room.store.request(request.id).state is State.RELEASED
    assert len(room.store.releases_of({review.PROJECT})) == 1
    actions = [event.action for event in room.store.last_events("review", 100)]
    assert (actions.count("vote.cast"), actions.count("release.create")) == (2, 1)


def test_two_releases_at_once_make_one(room: Room) -> None:
    request = review.in_review(room)
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, request, name)
    results = _race([lambda: releasing.release(room, request.id)] * 3)
    assert sum(isinstance(one, Conflict) for one in results) == 2
    assert len(room.store.releases_of({review.PROJECT})) == 1


def test_a_locked_database_is_said_so_and_changes_nothing(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'review.sqlite'}"
    engine = open_engine(url, busy_ms=50)
    upgrade(engine)
    store = SqlReviewStore(engine, SqlEventLog())
    other = open_engine(url)
    with other.connect().execution_options(onggi_writes=True) as holder, holder.begin():
        with pytest.raises(Unavailable) as caught, store.unit() as unit:
            unit.append(an_event(0))
        assert caught.value.reason is Reason.DATABASE_LOCKED
    assert store.last_events("desk", 5) == ()
    engine.dispose()
    other.dispose()


def test_a_full_disk_is_said_so_and_changes_nothing(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path / 'review.sqlite'}")
    upgrade(engine)
    store = SqlReviewStore(engine, SqlEventLog())
    with engine.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.rollback()
    engine.dispose()

    @sa.event.listens_for(engine, "connect")
    def small(connection: object, _record: object) -> None:
        connection.execute(f"PRAGMA max_page_count={pages}")  # type: ignore[attr-defined]

    with pytest.raises(Unavailable) as caught:  # noqa: PT012 - until it is full
        for number in range(2000):
            with store.unit() as unit:
                unit.append(replace(an_event(0), id=f"e-{number}", subject="x" * 2000))
    assert caught.value.reason is Reason.DISK_FULL
    engine.dispose()


def test_migrations_make_the_tables_that_the_code_uses(store: ReviewStore, tmp_path: Path) -> None:
    if not isinstance(store, SqlReviewStore):
        pytest.skip("memory has no tables")
    with reading(store._engine) as connection:
        found = sa.inspect(connection)
        for table in (*tables.metadata.tables.values(), *audit_tables.metadata.tables.values()):
            columns = {column["name"]: column["nullable"] for column in found.get_columns(table.name)}
            assert columns == {column.name: column.nullable for column in table.columns}
            assert set(found.get_pk_constraint(table.name)["constrained_columns"]) == {
                c.name for c in table.primary_key
            }
