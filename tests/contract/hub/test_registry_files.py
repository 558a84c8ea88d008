"""What only a database file can do wrong."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from hub.registry.migrate import open_registry, upgrade
from hub.registry.schema import Base
from hub.registry.sql import SqlRegistry, registry_engine
from onggi.domain import Person
from onggi.errors import Tampered, Unavailable
from onggi.reasons import Reason
from tests.support.hub_world import make_world


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "hub" / "registry.sqlite"


@pytest.fixture
def impatient(path: Path) -> Iterator[SqlRegistry]:
    open_registry(f"sqlite:///{path}").close()
    registry = SqlRegistry(registry_engine(f"sqlite:///{path}", busy_timeout_ms=50))
    yield registry
    registry.close()


def test_the_migrations_make_what_the_schema_says(path: Path) -> None:
    engine = registry_engine(f"sqlite:///{path}")
    upgrade(engine)
    upgrade(engine)
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []
    engine.dispose()


def test_sqlite_runs_as_the_registry_needs_it(impatient: SqlRegistry) -> None:
    with impatient._engine.connect() as connection:
        asked = ("journal_mode", "foreign_keys", "synchronous")
        found = [connection.exec_driver_sql(f"PRAGMA {one}").scalar() for one in asked]
    assert found == ["wal", 1, 2]


def test_a_locked_database_says_so(path: Path, impatient: SqlRegistry) -> None:
    with sqlite3.connect(path, isolation_level=None) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(Unavailable) as refused, impatient.writing():
            pass
        assert refused.value.reason is Reason.DATABASE_LOCKED
        with impatient.reading() as store:
            assert store.people() == ()
        other.execute("ROLLBACK")
    other.close()


def test_a_full_database_says_so(impatient: SqlRegistry) -> None:
    with pytest.raises(Unavailable) as refused, impatient.writing() as store:  # noqa: PT012
        store._session.connection().exec_driver_sql("PRAGMA max_page_count = 1")
        for number in range(5000):
            store.save_person(Person(f"p{number}", frozenset()))
    assert refused.value.reason is Reason.DISK_FULL


def test_a_file_that_is_no_database_says_so(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"not a database" * 1000)
    with pytest.raises(Tampered):
        open_registry(f"sqlite:///{path}")


def test_many_may_open_a_fresh_registry_at_once(path: Path) -> None:
    code = f"from hub.registry.migrate import open_registry; open_registry('sqlite:///{path}').close()"
    started = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(3)]
    assert [one.wait(timeout=60) for one in started] == [0, 0, 0]


RACER = """
import sys, time
from hub.registry.migrate import open_registry
from onggi.errors import Refused
from tests.support.hub_world import MemoryAudit, StillClock, World
world = World(open_registry(sys.argv[1]), MemoryAudit(), StillClock())
print("ready", flush=True)
sys.stdin.readline()
try:
    world.open(sys.argv[2], "liver")
    print("opened")
except Refused as refusal:
    print(refusal.reason.value)
"""


def test_the_last_place_of_a_quota_is_given_once(path: Path) -> None:
    """Two processes ask at the same moment, over and over; never do both get it."""
    for attempt in range(5):
        url = f"sqlite:///{path.with_name(f'race{attempt}.sqlite')}"
        registry = open_registry(url)
        world = make_world(registry)
        with registry.writing() as store:
            quota = store.quota("liver")
            store.save_quota(type(quota)("liver", 1, 4, quota.memory_bytes))
        racers = [
            subprocess.Popen(
                [sys.executable, "-c", RACER, url, name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for name in ("researcher1", "lead1")
        ]
        for one in racers:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in racers:
            assert one.stdin is not None
            one.stdin.write("\n")
            one.stdin.flush()
        said = sorted(one.communicate(timeout=60)[0].strip() for one in racers)
        assert said == ["opened", "quota_exceeded"]
        with registry.reading() as store:
            assert len(store.open_sessions()) == 1
        assert world.audit.events == []
        registry.close()
