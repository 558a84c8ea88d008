"""One contract for the audit log: memory, SQLite, PostgreSQL."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa

from egress_review.audit import tables
from egress_review.audit.memory import MemoryAuditLog
from egress_review.audit.merkle import inclusion_proof, leaf_hash, root_hash, verify_inclusion
from egress_review.audit.protocol import AuditLog, StoredCheckpoint
from egress_review.audit.sql import SqlAuditLog, SqlEventLog
from egress_review.store.engine import open_engine, reading, writing
from onggi.errors import Conflict, Invalid, Tampered
from onggi.reasons import Reason
from tests.support import postgres
from tests.support.audit import event

Begin = Callable[[], AbstractContextManager[AuditLog]]


@pytest.fixture(scope="session")
def postgres_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    reason = postgres.missing()
    if reason:
        pytest.skip(reason)
    with postgres.running(tmp_path_factory.mktemp("pg")) as url:
        yield url


@contextmanager
def opened(kind: str, request: pytest.FixtureRequest, folder: Path) -> Iterator[sa.Engine]:
    """A database with the log's tables; making them twice does no harm."""
    url = (
        f"sqlite:///{folder / 'log.sqlite'}" if kind == "sqlite" else request.getfixturevalue("postgres_url")
    )
    made = open_engine(url)
    with writing(made) as connection:
        tables.create_tables(connection)
        tables.create_tables(connection)
    yield made
    if kind == "postgresql":
        with made.begin() as connection:
            connection.execute(sa.text("DROP SCHEMA public CASCADE"))
            connection.execute(sa.text("CREATE SCHEMA public"))
    made.dispose()


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    with opened(request.param, request, tmp_path) as made:
        yield made


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def begin(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Begin]:
    if request.param == "memory":
        log = MemoryAuditLog()
        yield lambda: nullcontext(log)
        return
    with opened(request.param, request, tmp_path) as made:
        yield partial(transaction, made)


@contextmanager
def transaction(engine: sa.Engine) -> Iterator[AuditLog]:
    with writing(engine) as connection:
        yield SqlAuditLog(connection)


def test_events_stand_in_the_order_they_came(begin: Begin) -> None:
    for number in range(5):
        with begin() as log:
            assert log.append(event(number)) == number
    with begin() as log:
        assert log.size() == 5
        assert [one.index for one in log.events()] == list(range(5))
        assert [one.body for one in log.events(1, 3)] == [event(1).canonical(), event(2).canonical()]
        assert all(one.leaf == leaf_hash(one.body) for one in log.events())
        assert log.index_of(event(3).id) == 3
        assert log.index_of("none") is None


def test_the_same_event_twice_is_one_event(begin: Begin) -> None:
    with begin() as log:
        assert log.append(event(0)) == log.append(event(0)) == 0
        assert log.size() == 1
    with begin() as log, pytest.raises(Conflict) as caught:
        log.append(replace(event(0), actor="reviewer1"))
    assert caught.value.reason is Reason.EVENT_ID_REUSED
    with begin() as log:
        assert log.size() == 1


@pytest.mark.parametrize("event_id", ["", "a\0b", "x" * 101, "가", "two words"])
def test_an_id_that_is_no_key_is_refused(begin: Begin, event_id: str) -> None:
    with begin() as log, pytest.raises(Invalid):
        log.append(replace(event(0), id=event_id))


def test_roots_and_proofs_come_from_what_is_stored(begin: Begin) -> None:
    with begin() as log:
        for number in range(45):
            log.append(event(number))
    with begin() as log:
        for size in (1, 2, 31, 45):
            root = root_hash(size, log.subtree)
            for index in range(size):
                leaf = leaf_hash(event(index).canonical())
                assert verify_inclusion(leaf, index, size, inclusion_proof(index, size, log.subtree), root)
        with pytest.raises(Tampered):
            log.subtree(0, 45)


def test_the_newest_events_of_a_source(begin: Begin) -> None:
    with begin() as log:
        for number in range(6):
            log.append(event(number, source="hub" if number % 2 else "desk"))
        assert log.last("hub", 2) == (event(5, "hub"), event(3, "hub"))
        assert log.last("hub") == (event(5, "hub"),)
        assert log.last("session", 3) == ()


def test_checkpoints_are_kept_once(begin: Begin) -> None:
    with begin() as log:
        for size in (2, 1, 2):
            log.add_checkpoint(StoredCheckpoint(size, f"note {size}"))
        assert log.checkpoints() == (StoredCheckpoint(1, "note 1"), StoredCheckpoint(2, "note 2"))
        assert log.checkpoints(after=1) == (StoredCheckpoint(2, "note 2"),)


def test_many_pages_of_events(begin: Begin) -> None:
    with begin() as log:
        for number in range(1203):
            log.append(event(number))
        assert [one.index for one in log.events()] == list(range(1203))


def test_what_is_rolled_back_was_never_there(engine: sa.Engine) -> None:
    log = SqlEventLog()
    with writing(engine) as connection:
        assert log.append(connection, event(0)) == 0
    with pytest.raises(RuntimeError), writing(engine) as connection:
        _write_and_fail(connection)
    with writing(engine) as connection:
        assert log.append(connection, event(2)) == 1
        assert log.last(connection, "desk", 5) == (event(2), event(0))


def test_writers_at_once_each_get_their_own_place(engine: sa.Engine) -> None:
    indexes: list[int] = []
    errors: list[BaseException] = []

    def write(worker: int) -> None:
        try:
            for number in range(15):
                with writing(engine) as connection:
                    indexes.append(SqlAuditLog(connection).append(event(worker * 100 + number)))
        except BaseException as error:  # noqa: BLE001 - shown below
            errors.append(error)

    threads = [threading.Thread(target=write, args=(worker,)) for worker in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not errors
    assert sorted(indexes) == list(range(60))
    with reading(engine) as connection:
        log = SqlAuditLog(connection)
        bodies = [leaf_hash(one.body) for one in log.events()]
        assert root_hash(60, log.subtree) == root_hash(60, _stored(bodies))


@pytest.mark.parametrize("statement", ["UPDATE audit_leaves SET source = 'x'", "DELETE FROM audit_subtrees"])
def test_the_database_itself_refuses_to_change_rows(engine: sa.Engine, statement: str) -> None:
    with writing(engine) as connection:
        SqlAuditLog(connection).append(event(0))
    with pytest.raises(Exception, match="append-only"), engine.begin() as connection:
        connection.execute(sa.text(statement))


def _write_and_fail(connection: sa.Connection) -> None:
    assert SqlEventLog().append(connection, event(1)) == 1
    raise RuntimeError("the write beside it failed")


def _stored(leaves: list[bytes]) -> Callable[[int, int], bytes]:
    from egress_review.audit.merkle import completed_by

    stored: dict[tuple[int, int], bytes] = {}

    def get(level: int, index: int) -> bytes:
        return stored[level, index]

    for place, leaf in enumerate(leaves):
        for level, index, digest in completed_by(place, leaf, get):
            stored[level, index] = digest
    return get
