"""The tasks of a recomputation, and how partial answers become one."""

from __future__ import annotations

import errno
import math
import os
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from threading import Timer
from typing import TYPE_CHECKING, Any, Self, TypeVar

import duckdb

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.opening import Source

if TYPE_CHECKING:
    import pyarrow as pa

Record = Mapping[str, Any]
One = TypeVar("One")
PARTIALS = 'temp.main."partials of this check"'
"""The table that holds the answers of all parts; no table of a data set is called so."""
_FULL = (os.strerror(errno.ENOSPC), os.strerror(errno.EFBIG))
"""What DuckDB says when there is no more room to spill into, which is memory too."""


@contextmanager
def stopping() -> Iterator[None]:
    """What DuckDB cannot do, as the finding that says so."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise CheckStopped(FindingCode.MEMORY_LIMIT) from None
    except duckdb.Error as error:
        if isinstance(error, duckdb.IOException) and any(one in str(error) for one in _FULL):
            raise CheckStopped(FindingCode.MEMORY_LIMIT) from None
        raise CheckStopped(FindingCode.QUERY_FAILED, cause=type(error).__name__) from None


class InTime:
    """A database that answers until a time: a query that runs on then is broken off.

    Args:
        until: of `time.monotonic`.
    """

    def __init__(self, database: duckdb.DuckDBPyConnection, until: float) -> None:
        self._database = database
        self._until = until
        left = until - time.monotonic()
        self._timer = Timer(left, database.interrupt) if 0 < left < math.inf else None

    def __enter__(self) -> Self:
        """Begin to look at the clock."""
        if self._timer is not None:
            self._timer.daemon = True
            self._timer.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Stop looking at it."""
        if self._timer is not None:
            self._timer.cancel()

    def execute(self, sql: str) -> duckdb.DuckDBPyConnection:
        """The answer to a query.

        Raises:
            CheckStopped: `attack_over_budget`.
        """
        self._look()
        try:
            return self._database.execute(sql)
        except duckdb.InterruptException:
            raise CheckStopped(FindingCode.ATTACK_OVER_BUDGET) from None

    def in_time(self, items: Iterable[One]) -> Iterator[One]:
        """The items, as long as there is time.

        Raises:
            CheckStopped: `attack_over_budget`.
        """
        for one in items:
            self._look()
            yield one

    def _look(self) -> None:
        if time.monotonic() > self._until:
            raise CheckStopped(FindingCode.ATTACK_OVER_BUDGET)


@dataclass(frozen=True, slots=True)
class Rows:
    """A query whose rows are wanted.

    Attributes:
        threads: with one, sums of doubles come out the same every time.
    """

    source: Source
    sql: str
    threads: int = 1

    def __call__(self) -> list[Record]:
        """The rows, by column.

        Raises:
            CheckStopped: `dataset_unreadable`, `memory_limit` or `query_failed`.
        """
        with closing(self.source.connect(self.threads)) as database, stopping():
            return records(database.execute(self.sql))


@dataclass(frozen=True, slots=True)
class Partial:
    """A query over a part of the source, whose answer is merged with those of the other parts."""

    source: Source
    sql: str
    threads: int = 1

    def __call__(self) -> pa.Table:
        """The rows as a table that keeps every type.

        Raises:
            CheckStopped: as `Rows`.
        """
        with closing(self.source.connect(self.threads)) as database, stopping():
            return database.sql(self.sql).to_arrow_table()


@dataclass(frozen=True, slots=True)
class InTurn:
    """Queries over parts of the source, one after the other in one DuckDB, and a query over their answers.

    Attributes:
        source: of which the others are parts.
        parts: what is read, and the query over it.
        sql: over `PARTIALS`, which holds the rows of all parts.
    """

    source: Source
    parts: tuple[tuple[Source, str], ...]
    sql: str
    threads: int = 1

    def __call__(self) -> list[Record]:
        """The rows of the last query, by column.

        Raises:
            CheckStopped: as `Rows`.
        """
        with closing(self.source.connect(self.threads)) as database, stopping():
            for number, (part, sql) in enumerate(self.parts):
                part.show(database)
                add(database, number, sql)
            return records(database.execute(self.sql))


def merged(source: Source, parts: Iterable[pa.Table], sql: str) -> list[Record]:
    """What a query says of the answers to partial tasks, taken in one after the other.

    Args:
        source: says what merging may use; nothing of it is read.
        sql: the query over `PARTIALS`, which holds the rows of all parts.

    Raises:
        CheckStopped: `memory_limit` or `query_failed`, or what stopped a part.
    """
    with closing(source.without_data().connect()) as database, stopping():
        for number, part in enumerate(parts):
            database.register("part", part)
            add(database, number, "SELECT * FROM part")
            database.unregister("part")
        return records(database.execute(sql))


def add(database: duckdb.DuckDBPyConnection, number: int, sql: str) -> None:
    """Take the rows of a query into `PARTIALS`; those of number 0 are the first."""
    into = f"CREATE TEMP TABLE {PARTIALS} AS" if number == 0 else f"INSERT INTO {PARTIALS}"
    database.execute(f"{into} {sql}")


def records(found: duckdb.DuckDBPyConnection) -> list[Record]:
    """The rows of an answer, by column."""
    names = [one[0] for one in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]
