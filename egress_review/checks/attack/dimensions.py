"""Which keys and filters of linked queries divide the same thing, as the source says.

Bands of age in fives and in tens, the year and the month of a date, a code and its first letters, a filter on
a key's values: keys and conditions are of one dimension if they name the same column, or if in the source
every row of a level of the one lies in one level of the other. The SQL need not say how they nest: the levels
that occur together in the source, filters aside, are the smallest parts.

Does not find: what relates two columns neither of which tells the other, and anything across different FROM
clauses.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt

from egress_review.checks.attack.model import Key, Slice
from egress_review.checks.attack.pieces import columns_in
from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import levels
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.opening import Source
from egress_review.checks.source.tasks import InTime, stopping

MOST_PARTS = 5_000
"""Smallest parts of one dimension."""
MOST_TOGETHER = 1_000_000
"""Combinations of all levels that are looked through for levels that nest across columns."""
_SOME = 5_000
"""Combinations that are enough to see that two expressions do not nest, where they do not."""
_LONGEST_LABEL = 60


@dataclass(frozen=True, slots=True)
class Ground:
    """The rows that queries are over: WITH and FROM, in plain names."""

    with_sql: str
    from_sql: str

    def select(self, columns: Iterable[str], rest: str = "") -> str:
        """SQL over the rows; all parts were written by `reading`."""
        with_ = f"WITH {self.with_sql} " if self.with_sql else ""
        return f"{with_}SELECT {', '.join(columns)} FROM {self.from_sql}{rest}"


@dataclass(frozen=True, slots=True)
class Axes:
    """Keys by their expression, and what each condition leaves of which dimension."""

    keys: Mapping[str, Key]
    left: Mapping[str, tuple[str, Slice]] = field(default_factory=dict)

    def slices(self, conditions: Iterable[str]) -> dict[str, Slice]:
        """What several conditions leave together."""
        found: dict[str, Slice] = {}
        for one in conditions:
            if one in self.left:
                dimension, cut = self.left[one]
                before = found.get(dimension)
                if before is not None:
                    cut = Slice(before.parts & cut.parts, cut.whole, f"{before.label} AND {cut.label}")
                found[dimension] = cut
        return found


def plain_axes(names: Mapping[str, str]) -> Axes:
    """Every key a dimension of its own.

    Args:
        names: of keys, by expression.
    """
    return Axes({sql: Key(name) for sql, name in names.items()})


def axes(
    source: Source,
    ground: Ground,
    names: Mapping[str, str],
    conditions: Sequence[str],
    until: float = math.inf,
) -> Axes:
    """The dimensions of keys and conditions.

    Args:
        names: of keys, by expression.
        conditions: by which queries over the ground differ.
        until: of `time.monotonic`.

    Raises:
        CheckStopped: `attack_too_many_cells` if a dimension has too many parts, `attack_over_budget` if time
            is up, or the source does not say.
    """
    asked = list(dict.fromkeys([*names, *conditions]))
    with closing(source.connect(source.threads)) as opened, stopping(), InTime(opened, until) as database:
        reader = _Reader(database, ground, asked, frozenset(conditions))
        groups = [group for group in reader.related() if len(group) > 1 or group[0] in reader.conditions]
        read = [(group, reader.together(group)) for group in groups]
    keys = {sql: Key(name) for sql, name in names.items()}
    left: dict[str, tuple[str, Slice]] = {}
    for group, rows in read:
        dimension = " / ".join(dict.fromkeys(names.get(sql, "where") for sql in group))[:_LONGEST_LABEL]
        taken = {one for one, _ in left.values()} | {one.dimension for one in keys.values()}
        while dimension in {*taken, *names.values()}:
            dimension += "'"
        parts = [_part(number, row, group, names) for number, row in enumerate(rows)]
        for at, sql in enumerate(group):
            held: dict[str, set[str]] = {}
            for part, row in zip(parts, rows, strict=True):
                held.setdefault(str(levels((row[at],), 0)[0]), set()).add(part)
            if sql in names:
                fixed = {level: frozenset(one) for level, one in held.items()}
                keys[sql] = Key(names[sql], {}, dimension, fixed)
            if sql in reader.conditions:
                true = {part for part, row in zip(parts, rows, strict=True) if row[at] is True}
                left[sql] = (dimension, Slice(frozenset(true), frozenset(parts), sql[:_LONGEST_LABEL]))
    return Axes(keys, left)


def _part(number: int, row: Sequence[Any], group: Sequence[str], names: Mapping[str, str]) -> str:
    shown = [str(levels((value,), 0)[0]) for value, sql in zip(row, group, strict=True) if sql in names]
    return f"{', '.join(shown)} #{number}"


class _Reader:
    """Reads off the source which expressions belong together."""

    def __init__(
        self,
        database: InTime,
        ground: Ground,
        asked: Sequence[str],
        conditions: frozenset[str],
    ) -> None:
        self.conditions = conditions
        self._database = database
        self._ground = ground
        self._asked = asked

    def _column(self, sql: str) -> str:
        return f"coalesce(({sql}), false)" if sql in self.conditions else sql

    def together(self, group: Sequence[str]) -> list[tuple[Any, ...]]:
        """The levels of some expressions that occur together."""
        columns = [f"{self._column(sql)} AS a{at}" for at, sql in enumerate(group)]
        distinct = self._ground.select([f"DISTINCT {columns[0]}", *columns[1:]], f" LIMIT {MOST_PARTS + 1}")
        rows = self._database.execute(distinct).fetchall()
        if len(rows) > MOST_PARTS:
            raise CheckStopped(FindingCode.ATTACK_TOO_MANY_CELLS)
        return rows

    def related(self) -> list[list[str]]:
        """The expressions, those of one dimension together."""
        groups = {sql: {sql} for sql in self._asked}
        for one, other in self._database.in_time(combinations(self._asked, 2)):
            if columns_in(one) & columns_in(other):
                _join(groups, one, other)
        if len({id(group) for group in groups.values()}) > 1:
            for one, other in self._nested(groups):
                _join(groups, one, other)
        once = {id(group): group for group in groups.values()}
        return [[sql for sql in self._asked if sql in group] for group in once.values()]

    def _nested(self, groups: Mapping[str, set[str]]) -> list[tuple[str, str]]:
        """Pairs, not in one group yet, of which each level of the one lies in one level of the other."""
        columns = [f"{self._column(sql)} AS a{at}" for at, sql in enumerate(self._asked)]
        rows = self._ground.select([f"DISTINCT {columns[0]}", *columns[1:]], f" LIMIT {MOST_TOGETHER + 1}")
        self._database.execute(f"CREATE TEMP TABLE together AS {rows}")
        if self._one("SELECT count(*) FROM together") > MOST_TOGETHER:
            return []
        size = [self._levels(f"a{at}") for at in range(len(self._asked))]
        some = _numbered(self._database.execute(f"SELECT * FROM together LIMIT {_SOME}").fetchall())
        return [
            (one, other)
            for (at, one), (to, other) in self._database.in_time(combinations(enumerate(self._asked), 2))
            if groups[one] is not groups[other]
            and min(size[at], size[to]) > 1
            and _nests(some[at], some[to])
            and self._levels(f"a{at}, a{to}") == max(size[at], size[to])
        ]

    def _levels(self, columns: str) -> int:
        return self._one(f"SELECT count(*) FROM (SELECT DISTINCT {columns} FROM together)")

    def _one(self, sql: str) -> int:
        found = self._database.execute(sql).fetchone()
        return int(found[0]) if found else 0


def _numbered(rows: Sequence[tuple[Any, ...]]) -> list[npt.NDArray[np.int64]]:
    """Each column with its levels as numbers."""
    columns = []
    for column in zip(*rows, strict=True):
        numbers: dict[Any, int] = {}
        columns.append(np.array([numbers.setdefault(one, len(numbers)) for one in column], dtype=np.int64))
    return columns


def _nests(one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> bool:
    """Whether one of two tells the other, as far as these go; most pairs are seen here not to."""
    width = int(other.max()) + 1
    return np.unique(one * width + other).size in (int(one.max()) + 1, width)


def _join(groups: dict[str, set[str]], one: str, other: str) -> None:
    together = groups[one] | groups[other]
    for sql in together:
        groups[sql] = together
