"""Puts the vectors of one table together: of its numbers, and of the margins that it does not list.

The cells of one grouping add up to every coarser grouping, listed or not: whoever has the costs by month and
sex has the costs by sex. So an unlisted margin has a vector too, as long as the table is of a size at which
it can be made (`MOST_ENTRIES`).
"""

from __future__ import annotations

from collections.abc import Collection, Hashable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from egress_review.checks.differencing.amounts import NO_AMOUNTS, ONE, Amounts, Places, Vector
from egress_review.checks.differencing.prints import Persons, Prints, prints_by

MOST_ENTRIES = 50_000_000
"""Pairs of a cell and a person that are looked at for margins that are not listed."""


@dataclass(frozen=True, slots=True)
class Column:
    """What one measure adds, cell by cell and person by person.

    Attributes:
        at: index of the measure.
        tags: what is published of it.
        cells, persons, amounts: the entries, by cell and then by person.
        shown: for each row of the table whether its number is published.
        sets: for each row the sizes of the sets that the ledger has of it.
    """

    at: int
    tags: frozenset[str]
    cells: Places
    persons: Persons
    amounts: Persons
    shown: Sequence[bool]
    sets: Sequence[Collection[int]]


class Vectors:
    """The vectors of one table.

    Args:
        keys: of each row, None where it is a margin's.
        groupings: of each row; bit n is 1 where key n is a margin's.
        measures: how many there are.
        wanted: places of vectors that are kept in full.
    """

    def __init__(
        self,
        keys: Sequence[tuple[Hashable, ...]],
        groupings: Sequence[int],
        measures: int,
        wanted: Collection[int] = (),
    ) -> None:
        self._keys = keys
        self._groupings = groupings
        self._measures = measures
        self._wanted = wanted
        self._entries = 0
        self._known: dict[tuple[tuple[int, ...], bytes], int] = {}
        self._parts: list[tuple[int, ...]] = []
        self._row: list[int] = []
        self._tags: list[frozenset[str]] = []
        self._sizes: list[int] = []
        self._prints: list[Prints] = []
        self.full: dict[int, Vector] = {}

    def add(self, column: Column) -> None:
        """Take in what one measure adds."""
        shown = np.asarray(column.shown, dtype=np.bool_)
        kept = (column.amounts != 0) & shown[column.cells] if shown.size else np.zeros(0, dtype=np.bool_)
        cells, persons, amounts = column.cells[kept], column.persons[kept], column.amounts[kept]
        prints = prints_by(cells, persons, amounts, len(self._keys))
        sizes = np.bincount(cells, minlength=len(self._keys))
        plain = np.bincount(cells[amounts != np.uint64(ONE)], minlength=len(self._keys)) == 0
        for row in np.flatnonzero(sizes).tolist():
            # Where everybody of a known set adds one, the set says it.
            if not plain[row] or sizes[row] not in column.sets[row]:
                self._vector([row], row, int(sizes[row]), prints[row], column)
        if not plain.all():
            for rows in self._unlisted(np.flatnonzero(sizes).tolist()):
                inside = np.isin(cells, rows)
                self._entries += cells.size
                if self._entries > MOST_ENTRIES:
                    return
                people, at = np.unique(persons[inside], return_inverse=True)
                total = np.zeros(people.size, dtype=np.uint64)
                np.add.at(total, at, amounts[inside])
                size = int(np.count_nonzero(total))
                self._vector(rows, -1, size, prints[rows].sum(axis=0, dtype=np.uint64), column)

    def _unlisted(self, rows: Sequence[int]) -> Iterator[list[int]]:
        """The rows that add up to each number of a margin that the table does not list."""
        listed = set(self._groupings)
        for grouping in sorted(listed, key=int.bit_count):
            mine = [row for row in rows if self._groupings[row] == grouping]
            present = [at for at in range(len(self._keys[0])) if not grouping >> at & 1] if mine else []
            for size in range(len(present)):
                for left in combinations(present, size):
                    mask = grouping | sum(1 << at for at in present if at not in left)
                    if mask not in listed:
                        listed.add(mask)
                        yield from self._margin(mine, left)

    def _margin(self, rows: Sequence[int], left: Sequence[int]) -> Iterator[list[int]]:
        together: dict[tuple[Hashable, ...], list[int]] = {}
        for row in rows:
            together.setdefault(tuple(self._keys[row][at] for at in left), []).append(row)
        yield from (one for one in together.values() if len(one) > 1)

    def _vector(self, rows: Sequence[int], row: int, size: int, prints: Prints, column: Column) -> None:
        name = (tuple(rows), prints.tobytes())
        if size == 0:
            return
        if name in self._known:
            self._tags[self._known[name]] |= column.tags
            return
        place = self._known[name] = len(self._parts)
        self._parts.append(tuple(one * self._measures + column.at for one in rows))
        self._row.append(row)
        self._tags.append(column.tags)
        self._sizes.append(size)
        self._prints.append(prints)
        if place in self._wanted:
            self.full[place] = _full(rows, column)

    def done(self) -> Amounts:
        """What was put together."""
        if not self._parts:
            return NO_AMOUNTS
        sizes, prints = np.array(self._sizes, dtype=np.int64), np.stack(self._prints)
        return Amounts(tuple(self._parts), tuple(self._row), tuple(self._tags), sizes, prints)


def _full(rows: Sequence[int], column: Column) -> Vector:
    inside = np.isin(column.cells, rows)
    people, at = np.unique(column.persons[inside], return_inverse=True)
    total = np.zeros(people.size, dtype=np.uint64)
    np.add.at(total, at, column.amounts[inside])
    return Vector(people[total != 0], total[total != 0])
