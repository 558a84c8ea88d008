"""Numbers over the same persons, or nearly, to which only a few of them add something else.

A sum with and without one visit of one person is about one set of persons twice; the difference is the visit.
Every number that is made of rows has a vector over the persons (`amounts`), and a set of persons is one too,
each adding one. Two vectors that differ for fewer than k persons have equal prints in at least one of k parts
of the persons, so looking for equal prints misses nothing. What it finds is counted exactly, in the vectors
themselves: they are made again from the claims, also from that of a released table.

Not looked for: sums of vectors of several tables, save the margins that the cells of one table add up to; a
vector that itself is of fewer than k persons, which is for the rules; persons beside their rows in one table.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np

from egress_review.checks.differencing.amounts import ONE, Amounts, Vector, differing
from egress_review.checks.differencing.hits import Hit, Number
from egress_review.checks.differencing.prints import PARTS, Persons, Prints, merged, prints_by
from egress_review.checks.differencing.sets import Family, Places
from egress_review.checks.differencing.triples import (
    MOST_CANDIDATES,
    MOST_MATCHES,
    OverBudgetError,
    equal_in,
    known_sets,
    touched,
)

Again = Callable[[int, Collection[int]], Mapping[int, Vector]]
"""The vectors at some places of a table's amounts, made again from its claim."""
Members = Callable[[int, int], Persons]
"""The persons of a table's set."""


@dataclass(frozen=True, slots=True)
class Looked:
    """What stays in memory of a table that was looked at; negative numbers are of the request."""

    number: int
    place: tuple[int, ...]
    families: tuple[Family, ...]
    sizes: Places
    prints: Prints
    amounts: Amounts


@dataclass(frozen=True, slots=True)
class _Sum:
    """Where a vector stands: a number, or the cells of a margin; a set of persons, or what rows add."""

    table: int
    places: tuple[int, ...]
    tags: frozenset[str]
    of_rows: bool

    @property
    def turn(self) -> int:
        """When it is public: the ledger's first, then the request's in their order."""
        return min(0, self.table)


def rows_that_differ(
    tables: Sequence[Looked], k: int, deadline: float, members: Members, again: Again
) -> Iterator[Hit]:
    """What the tables of the request single out by their rows.

    Args:
        k: the threshold.
        deadline: of `time.monotonic`, in seconds.

    Raises:
        OverBudgetError: not everything could be compared.
    """
    if any(one.amounts.parts for one in tables):
        yield from _Search(tables, k, deadline, members, again).hits()


class _Search:
    def __init__(
        self, tables: Sequence[Looked], k: int, deadline: float, members: Members, again: Again
    ) -> None:
        self._tables = tables
        self._k = k
        self._deadline = deadline
        self._members = members
        self._again = again
        prints = [part for one in tables for part in (one.prints * np.uint64(ONE), one.amounts.prints)]
        sizes = [part for one in tables for part in (one.sizes, one.amounts.sizes)]
        self._starts = np.cumsum([0, *(one.size for one in sizes)]).tolist()
        self._known = known_sets(np.concatenate(prints), np.concatenate(sizes))
        self._sum = cache(self._sum_at)

    def hits(self) -> Iterator[Hit]:
        """All hits."""
        pairs = self._pairs()
        if not pairs:
            return
        order = np.argsort(self._known.which, kind="stable")
        ends = np.searchsorted(self._known.which[order], np.arange(len(self._known.first) + 1))
        vectors = self._vectors({one for pair in pairs for one in pair})
        for pair in pairs:
            count, one_way = differing(*(vectors[one] for one in pair))
            if 1 <= count < self._k:
                # If most of a small group add something else, it is no subtraction unless all add more.
                few = one_way or 2 * count <= min(int(self._known.sizes[one]) for one in pair)
                one, other = (order[ends[at] : ends[at + 1]].tolist() for at in pair)
                yield from self._told(one, other, count, few=few)
                yield from self._told(other, one, count, few=few)

    def _pairs(self) -> list[tuple[int, int]]:
        """Distinct vectors that may differ for fewer than k persons: one of the request, one of rows."""
        if self._k > PARTS:
            raise OverBudgetError
        known, tables = self._known, self._tables
        rows = np.zeros(len(known.first), dtype=np.bool_)
        new = np.zeros(len(known.first), dtype=np.bool_)
        for at, table in enumerate(tables):
            start, middle, end = self._starts[2 * at : 2 * at + 3]
            rows[known.which[middle:end]] = True
            if table.number < 0:
                new[known.which[start:end]] = True
        large = known.sizes >= self._k
        asked = np.flatnonzero(new & large)
        folded = merged(known.prints, self._k)
        found: set[tuple[int, int]] = set()
        matches = 0
        for part in range(self._k):
            column = folded[:, part]
            which, others = equal_in(known, column, column[asked], known.sizes[asked], self._k, self._k)
            one = asked[which]
            kept = large[others] & (rows[one] | rows[others]) & (one != others)
            one, others = one[kept], others[kept]
            matches += one.size
            if matches > MOST_MATCHES or time.monotonic() > self._deadline:
                raise OverBudgetError
            near = touched(known, one, others) < self._k
            both = np.sort(np.column_stack([one[near], others[near]]), axis=1)
            found.update((first, second) for first, second in both.tolist())
            if len(found) > MOST_CANDIDATES:
                raise OverBudgetError
        return sorted(found)

    def _sum_at(self, at: int) -> _Sum:
        table, local, of_rows = self._place(at)
        if of_rows:
            return _Sum(table.number, table.amounts.parts[local], table.amounts.tags[local], of_rows=True)
        tags = frozenset[str]().union(*(one.tags for one in table.families if local in one.sets))
        return _Sum(table.number, (table.place[local],), tags, of_rows=False)

    def _place(self, at: int) -> tuple[Looked, int, bool]:
        """The table of a vector, its place there, and whether it is of rows."""
        block = bisect_right(self._starts, at) - 1
        return self._tables[block // 2], at - self._starts[block], bool(block % 2)

    def _vectors(self, wanted: set[int]) -> dict[int, Vector]:
        """Distinct vectors in full."""
        found: dict[int, Vector] = {}
        asked: dict[int, dict[int, int]] = {}
        for one in wanted:
            table, local, of_rows = self._place(int(self._known.first[one]))
            if of_rows:
                asked.setdefault(table.number, {})[local] = one
            else:
                persons = self._members(table.number, local)
                found[one] = Vector(persons, np.full(persons.size, ONE, dtype=np.uint64))
        for number, places in asked.items():
            if time.monotonic() > self._deadline:
                raise OverBudgetError
            made = self._again(number, places)
            found.update({one: made[local] for local, one in places.items()})
        for one, vector in found.items():
            here = np.zeros(vector.persons.size, dtype=np.int64)
            prints = prints_by(here, vector.persons, vector.amounts, 1)
            if not np.array_equal(prints[0], self._known.prints[one]):
                raise OverBudgetError  # the source is not what it was
        return found

    def _told(self, mine: Sequence[int], others: Sequence[int], count: int, *, few: bool) -> Iterator[Hit]:
        """One hit for each number of the request, with the plainest that is public before it."""
        before = [self._sum(at) for at in others]
        for one in (self._sum(at) for at in mine):
            if one.table >= 0:
                continue
            hits = [
                _hit(one, other, count, few=few)
                for other in before
                if (other.turn > one.turn or _beside(one, other))
                and min(len(one.places), len(other.places)) == 1
            ]
            if hits:
                yield min(hits, key=lambda hit: hit.rank)


def _beside(one: _Sum, other: _Sum) -> bool:
    """Whether two vectors are what rows add to two numbers of one table, of one column or both counts."""
    rows = one.table == other.table and one.of_rows and other.of_rows
    return rows and bool(one.tags & other.tags)


def _hit(new: _Sum, known: _Sum, count: int, *, few: bool) -> Hit:
    whole, parts = (known, new) if len(known.places) == 1 else (new, known)
    return Hit(
        new=Number(new.table, new.places[0]),
        whole=Number(whole.table, whole.places[0]),
        parts=tuple(Number(parts.table, place) for place in parts.places),
        difference=count,
        alike=few and bool(new.tags & known.tags),
        of_rows=True,
    )
