"""Who stands behind each published number of a query: the persons, by number."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import duckdb
import numpy as np
import numpy.typing as npt

from egress_review.checks.differencing.amounts import Added, Vector, added_by, amount_columns
from egress_review.checks.differencing.job import PublishedNumber
from egress_review.checks.differencing.numbering import number_sql, persons_from
from egress_review.checks.differencing.prints import Persons
from egress_review.checks.differencing.sets import BASE, COUNT, VALUE, Family, Sets, make_sets
from egress_review.checks.differencing.vectors import Column, Vectors
from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import HiddenRow, levels
from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.refusal import CheckStopped, clip
from onggi.table_form import format_value

_COLUMN = re.compile(r'\."((?:[^"]|"")+)"')


@dataclass(frozen=True, slots=True)
class Remembered:
    """What the ledger remembers of a table: its numbers, and the persons behind them.

    Attributes:
        vectors: of `sets.amounts`, those that were asked for, by place.
    """

    numbers: tuple[PublishedNumber, ...]
    sets: Sets
    vectors: Mapping[int, Vector] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class _Entries:
    """For each cell and person: who it is, which conditions a row of theirs meets, what their rows add."""

    cells: npt.NDArray[np.int64]
    persons: Persons
    met: Sequence[npt.NDArray[np.bool_]]
    added: Mapping[Added, Persons]

    def in_order(self) -> _Entries:
        """By cell, and then by person."""
        order = np.lexsort((self.persons, self.cells))
        met = [one[order] for one in self.met]
        added = {one: amounts[order] for one, amounts in self.added.items()}
        return _Entries(self.cells[order], self.persons[order], met, added)


def remember(
    source: duckdb.DuckDBPyConnection,
    query: Query,
    most: int,
    hidden: Collection[HiddenRow] = (),
    vectors: Collection[int] = (),
) -> Remembered:
    """Numbers and persons of a query.

    Args:
        most: rows of the table.
        hidden: numbers that the table's file hides: they get no set.
        vectors: places of the vectors that are wanted in full.

    Raises:
        CheckStopped: `too_many_cells`, `memory_limit` or `query_failed`.
    """
    try:
        rows = _make_cells(source, query, most)
        builder = _Builder(query, rows, hidden, vectors)
        added = sorted({added for one in _flat(query.measures) for added in added_by(one)})
        columns = dict(zip(added, amount_columns(source, query, added), strict=True))
        for unit in query.units:
            builder.add(_persons(source, query, unit, columns).in_order())
    except duckdb.OutOfMemoryException:
        raise CheckStopped(FindingCode.MEMORY_LIMIT) from None
    except duckdb.Error as error:
        raise CheckStopped(FindingCode.QUERY_FAILED, cause=type(error).__name__) from None
    return builder.done()


def _make_cells(source: duckdb.DuckDBPyConnection, query: Query, most: int) -> list[tuple[Any, ...]]:
    """The table's rows, numbered in the order of their keys: keys, grouping, measures."""
    keys = [f"{key.sql} AS k{at}" for at, key in enumerate(query.keys)]
    measures = [f"{measure.sql} AS m{at}" for at, measure in enumerate(query.measures)]
    having = f" HAVING {query.having_sql}" if query.having_sql else ""
    columns = [*keys, f"{query.grouping_id()} AS g", *measures]
    rows = f"{query.select_sql(columns)}{query.group_sql()}{having} LIMIT {most + 1}"
    order = ", ".join([*(f"k{at}" for at in range(len(keys))), "g"])
    source.execute("DROP TABLE IF EXISTS cells")
    source.execute(
        f"CREATE TEMP TABLE cells AS SELECT row_number() OVER (ORDER BY {order}) - 1 AS cell, * FROM ({rows})"
    )
    found = source.execute("SELECT * EXCLUDE (cell) FROM cells ORDER BY cell").fetchall()
    if len(found) > most:
        raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=most)
    return found


def _persons(
    source: duckdb.DuckDBPyConnection, query: Query, unit: str, added: Mapping[Added, str]
) -> _Entries:
    """The persons of each cell, one row for each."""
    number = number_sql(source, query.select_sql, unit, "p.person")
    keys = [f"{key.sql} AS k{at}" for at, key in enumerate(query.keys)]
    conditions = _conditions(query)
    flags = [f"coalesce(bool_or({condition}), false) AS f{at}" for at, condition in enumerate(conditions)]
    amounts = [f"{column} AS a{at}" for at, column in enumerate(added.values())]
    columns = [*keys, f"{query.grouping_id()} AS g", f"{unit} AS person", *flags, *amounts]
    inner = f"{query.select_sql(columns)}{_by_person(query, unit)} HAVING {unit} IS NOT NULL"
    same = " AND ".join(["p.g = c.g", *(f"p.k{at} IS NOT DISTINCT FROM c.k{at}" for at in range(len(keys)))])
    names = [*(f"p.f{at}" for at in range(len(flags))), *(f"p.a{at}" for at in range(len(amounts)))]
    wanted = ", ".join([f"c.cell AS cell, {number} AS person", *names])
    found = source.execute(f"SELECT {wanted} FROM ({inner}) p JOIN cells c ON {same}").fetchnumpy()
    return _Entries(
        np.asarray(found["cell"], dtype=np.int64),
        persons_from(found["person"]),
        [np.asarray(found[f"f{at}"], dtype=np.bool_) for at in range(len(flags))],
        {one: np.asarray(found[f"a{at}"], dtype=np.uint64) for at, one in enumerate(added)},
    )


def _by_person(query: Query, unit: str) -> str:
    keys = [key.sql for key in query.keys]
    if not query.has_margins:
        return f" GROUP BY {', '.join([*keys, unit])}"
    sets = ", ".join(f"({', '.join([*(keys[at] for at in one), unit])})" for one in query.grouping_sets)
    return f" GROUP BY GROUPING SETS ({sets})"


def _flat(measures: Sequence[Measure]) -> Iterator[Measure]:
    """The measures, a ratio as its two parts: with one of them known, the other follows."""
    for one in measures:
        yield from _flat(one.parts) if one.parts else (one,)


def _conditions(query: Query) -> list[str]:
    """What rows must meet to contribute to some measure."""
    return sorted({one.contributes for one in _flat(query.measures) if one.contributes})


def tags_of(measure: Measure, query: Query) -> frozenset[str]:
    """What a measure publishes of its contributors.

    A sum without a column, or of a CASE, can count persons; names in a WITH clause may hide any column of it.
    """
    named = _COLUMN.findall(measure.argument) + (_COLUMN.findall(query.with_sql) if query.with_sql else [])
    values = frozenset(f"{VALUE}{name}" for name in named)
    if measure.kind.counts or (measure.kind is Kind.RATIO and not values):
        return frozenset({COUNT})
    return values | {COUNT} if not values or "CASE" in measure.argument.upper() else values


class _Builder:
    """Puts cells and persons together."""

    def __init__(
        self,
        query: Query,
        rows: list[tuple[Any, ...]],
        hidden: Collection[HiddenRow],
        vectors: Collection[int],
    ) -> None:
        self._query = query
        self._rows = rows
        self._keys = len(query.keys)
        marks = {one.levels: one.measures for one in hidden}
        self._hidden = [marks.get(levels(row[: self._keys], int(row[self._keys])), ()) for row in rows]
        self._conditions = _conditions(query)
        self._members: list[Persons] = []
        self._place: list[int] = []
        self._row: list[int] = []
        self._known: dict[bytes, int] = {}
        self._families: dict[tuple[int, ...], tuple[set[str], bool]] = {}
        self._persons = [[-1] * len(query.measures) for _ in rows]
        keys = [row[: self._keys] for row in rows]
        groupings = [int(row[self._keys]) for row in rows]
        self._vectors = Vectors(keys, groupings, len(query.measures), vectors)

    def add(self, entries: _Entries) -> None:
        """Take in the persons of one kind of unit."""
        cells, persons = entries.cells, entries.persons
        everyone = self._cut(cells, persons)
        parts = {
            condition: self._cut(cells[kept], persons[kept])
            for condition, kept in zip(self._conditions, entries.met, strict=True)
        }
        for at, measure in enumerate(self._query.measures):
            for part in _flat([measure]):
                tags = tags_of(part, self._query)
                contributors = parts[part.contributes] if part.contributes else everyone
                self._measure(at, contributors, tags)
                if any(some.size < whole.size for some, whole in zip(contributors, everyone, strict=True)):
                    self._measure(at, everyone, frozenset({BASE}), counts=False)
                sizes = [(some.size, whole.size) for some, whole in zip(contributors, everyone, strict=True)]
                self._amounts(at, part, entries, sizes)

    def _amounts(self, at: int, part: Measure, entries: _Entries, sizes: Sequence[tuple[int, int]]) -> None:
        shown = [at not in one for one in self._hidden]
        tags = tags_of(part, self._query)
        for one in added_by(part):
            amounts = entries.added[one]
            self._vectors.add(Column(at, tags, entries.cells, entries.persons, amounts, shown, sizes))

    def _cut(self, cells: npt.NDArray[np.int64], persons: Persons) -> list[Persons]:
        ends = np.searchsorted(cells, np.arange(1, len(self._rows) + 1))
        return np.split(persons, ends[:-1]) if len(self._rows) else []

    def _measure(
        self, at: int, by_row: Sequence[Persons], tags: frozenset[str], *, counts: bool = True
    ) -> None:
        """One family for each grouping of one measure."""
        groupings: dict[int, list[int]] = {}
        for row, members in enumerate(by_row):
            if counts:
                before = self._persons[row][at]
                self._persons[row][at] = members.size if before < 0 else min(before, members.size)
            if members.size and at not in self._hidden[row]:
                grouping = int(self._rows[row][self._keys])
                groupings.setdefault(grouping, []).append(self._set(row, at, members))
        for found in groupings.values():
            if tuple(found) not in self._families:
                self._families[tuple(found)] = (set(), self._disjoint(found))
            self._families[tuple(found)][0].update(tags)

    def _set(self, row: int, at: int, members: Persons) -> int:
        name = members.tobytes()
        if name not in self._known:
            self._known[name] = len(self._members)
            self._members.append(members)
            self._place.append(row * len(self._query.measures) + at)
            self._row.append(row)
        return self._known[name]

    def _disjoint(self, places: Sequence[int]) -> bool:
        together = np.concatenate([self._members[one] for one in places])
        return np.unique(together).size == together.size

    def done(self) -> Remembered:
        """What was put together."""
        families = [
            Family(places, frozenset(tags), apart) for places, (tags, apart) in self._families.items()
        ]
        sets = make_sets(self._members, self._place, self._row, families, self._vectors.done())
        return Remembered(tuple(self._numbers()), sets, self._vectors.full)

    def _numbers(self) -> Iterator[PublishedNumber]:
        for row, values in enumerate(self._rows):
            for at, measure in enumerate(self._query.measures):
                yield PublishedNumber(
                    key=self._key(row),
                    measure=clip(measure.name),
                    kind=measure.kind.value,
                    value=clip(format_value(values[self._keys + 1 + at])),
                    persons=max(0, self._persons[row][at]),
                )

    def _is_margin(self, row: int, at: int) -> bool:
        return bool(int(self._rows[row][self._keys]) >> at & 1)

    def _key(self, row: int) -> dict[str, str]:
        """The keys of a row by name; a margin's is absent."""
        values = self._rows[row]
        return {
            clip(one.name): clip(_plain(values[at]))
            for at, one in enumerate(self._query.keys)
            if not self._is_margin(row, at)
        }


def _plain(value: Any) -> str:
    """A key as people read it: text without the quotes of a file."""
    return value if isinstance(value, str) else format_value(value)
