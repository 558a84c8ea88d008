"""Opening the database of egress review, and what its failures mean to a person.

SQLite runs in WAL mode with `synchronous=FULL`, so that a committed vote or event survives a power cut; a
unit that writes begins with `BEGIN IMMEDIATE`, so that it waits for its turn and does not fail midway.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError

from onggi.errors import Conflict, Unavailable
from onggi.reasons import Reason

WRITES = "onggi_writes"
BUSY_MS = 5000
_PRAGMAS = (
    "PRAGMA journal_mode=WAL",
    "PRAGMA synchronous=FULL",
    "PRAGMA foreign_keys=ON",
    f"PRAGMA busy_timeout={BUSY_MS}",
)
_PG_LOCKED = frozenset(
    {"55P03", "40P01", "40001"}
)  # lock_not_available, deadlock_detected, serialization_failure
_PG_FULL = "53100"


def open_engine(url: str, busy_ms: int = BUSY_MS) -> sa.Engine:
    """An engine for `sqlite:///…` or `postgresql+psycopg://…`.

    Args:
        busy_ms: how long a unit waits for another's lock, in milliseconds.
    """
    if not url.startswith("sqlite"):
        options = f"-c lock_timeout={busy_ms} -c timezone=UTC"
        return sa.create_engine(url, connect_args={"options": options}, pool_pre_ping=True)
    engine = sa.create_engine(url, connect_args={"check_same_thread": False, "timeout": busy_ms / 1000})

    @sa.event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        connection.isolation_level = None  # we begin transactions ourselves, below
        for pragma in _PRAGMAS[:-1]:
            connection.execute(pragma)
        connection.execute(f"PRAGMA busy_timeout={busy_ms}")

    @sa.event.listens_for(engine, "begin")
    def _begin(connection: sa.Connection) -> None:
        writes = connection.get_execution_options().get(WRITES)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


@contextmanager
def reading(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One consistent view of the database.

    Raises:
        Unavailable: as `database_errors`.
    """
    with database_errors(), engine.connect() as connection, connection.begin():
        yield connection


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction that commits when the block ends without an exception.

    Raises:
        Unavailable, Conflict: as `database_errors`.
    """
    with (
        database_errors(),
        engine.connect().execution_options(**{WRITES: True}) as connection,
        connection.begin(),
    ):
        yield connection


@contextmanager
def database_errors() -> Iterator[None]:
    """Turn what a database says into what a person may read.

    Raises:
        Unavailable: `DATABASE_LOCKED`, `DISK_FULL`, or `SERVICE_UNREACHABLE` for a database that is away.
        Conflict: for a row that is already there.
    """
    try:
        yield
    except IntegrityError:
        raise Conflict(Reason.ALREADY_EXISTS, what="row", name="") from None
    except OperationalError as error:
        raise _meaning(error) from error
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in _PG_LOCKED:
            raise Unavailable(Reason.DATABASE_LOCKED) from error
        raise


def _meaning(error: OperationalError) -> Exception:
    text = str(error.orig)
    state = getattr(error.orig, "sqlstate", None)
    if "locked" in text or state in _PG_LOCKED:
        return Unavailable(Reason.DATABASE_LOCKED)
    if "full" in text or state == _PG_FULL:
        return Unavailable(Reason.DISK_FULL, path="review")
    if error.connection_invalidated or "connect" in text:
        return Unavailable(Reason.SERVICE_UNREACHABLE, service="database")
    return error
