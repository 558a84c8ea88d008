"""Which sums of released sets differ from another set by a few persons, exactly.

Everything follows from one list: the pairs of sets of which one lies in the other but for fewer than k
persons (`contained`). It comes from one pass over the persons, who are counted by atom of one table and atom
of the other.

For a target T and a family of disjoint sets E₁…Eₙ the union that comes nearest to T takes every Eᵢ that lies
in T by more than half; it differs from T by |T ∖ ⋃E| + Σ min(|Eᵢ ∩ T|, |Eᵢ ∖ T|) persons. If every Eᵢ has at
least k persons, no other union differs by 1 to k - 1. So unions of *any* number of cells are decided.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from egress_review.checks.differencing.prints import Persons
from egress_review.checks.differencing.sets import Family, Places, Sets

_TWO = 2  # one part alone is a pair
_MOST_DENSE = 4_000_000
_MOST_DIRECT = 2**27


class Newcomer:
    """A table of a request, ready to be held against any number of others."""

    def __init__(self, sets: Sets) -> None:
        self.sets = sets
        self._nobody = sets.made_of.shape[1]
        self._people = sets.people
        self._atom = sets.atom.astype(np.int32)
        self._table = _direct(self._people, self._atom, self._nobody)

    def atoms_of(self, persons: Persons) -> npt.NDArray[np.int32]:
        """The atom of each person; one more than there are for persons of none."""
        if self._table is not None:
            last = np.uint64(self._table.size - 1)
            inside = persons if persons.max(initial=0) <= last else np.minimum(persons, last)
            return self._table[inside.view(np.int64)]
        at = np.minimum(np.searchsorted(self._people, persons), max(0, self._people.size - 1))
        same = self._people[at] == persons if self._people.size else np.zeros(persons.size, dtype=np.bool_)
        return np.where(same, self._atom[at] if same.size else 0, self._nobody).astype(np.int32)


def _direct(people: Persons, atom: npt.NDArray[np.int32], nobody: int) -> npt.NDArray[np.int32] | None:
    """A table from person to atom if the numbers are small, which is faster; its end says nobody."""
    if not people.size or people[-1] >= _MOST_DIRECT:
        return None
    table = np.full(int(people[-1]) + 2, nobody, dtype=np.int32)
    table[people.view(np.int64)] = atom
    return table


@dataclass(frozen=True, slots=True)
class Pairs:
    """Pairs of an old and a new set of which one lies in the other but for fewer than k persons.

    Attributes:
        old, new: their places.
        shared: persons whom they have in common, at least one.
        only_old, only_new: persons who are in one of them.
    """

    old: Places
    new: Places
    shared: Places
    only_old: Places
    only_new: Places


def contained(old: Sets, newcomer: Newcomer, k: int) -> Pairs:
    """The pairs of sets of two tables of which one nearly lies in the other."""
    new = newcomer.sets
    if not old.people.size or not new.people.size:
        return Pairs(*(np.empty(0, dtype=np.int64) for _ in range(5)))
    columns = newcomer.atoms_of(old.people)
    dense = max(old.made_of.shape) * max(new.made_of.shape) <= _MOST_DENSE
    row, column, shared = (_dense if dense else _sparse)(old, new, columns, k)
    only_old, only_new = old.sizes[row] - shared, new.sizes[column] - shared
    near = ((only_old < k) | (only_new < k)) & (shared > 0)
    return Pairs(row[near], column[near], shared[near], only_old[near], only_new[near])


def _dense(old: Sets, new: Sets, columns: npt.NDArray[np.int32], k: int) -> tuple[Places, Places, Places]:
    atoms, width = old.made_of.shape[1], new.made_of.shape[1] + 1
    cells = old.atom.astype(np.int32) * np.int32(width) + columns
    counted = np.bincount(cells, minlength=atoms * width).astype(np.int32).reshape(atoms, width)[:, :-1]
    by_set = old.made_of @ counted
    shared = new.made_of @ np.ascontiguousarray(by_set.T)
    enough = shared > (new.sizes - k).astype(np.int32)[:, None]
    enough |= shared > (old.sizes - k).astype(np.int32)[None, :]
    column, row = np.divmod(np.flatnonzero(enough), len(old.place))
    return row, column, shared[column, row].astype(np.int64)


def _sparse(old: Sets, new: Sets, columns: npt.NDArray[np.int32], _k: int) -> tuple[Places, Places, Places]:
    ones = np.ones(columns.size, dtype=np.int32)
    shape = (old.made_of.shape[1], new.made_of.shape[1] + 1)
    counted = sparse.csr_array((ones, (old.atom.astype(np.int32), columns)), shape=shape)
    counted.sum_duplicates()
    shared = (old.made_of @ counted[:, :-1] @ new.made_of.T).tocoo()
    row, column = shared.coords
    return row.astype(np.int64), column.astype(np.int64), shared.data.astype(np.int64)


@dataclass(frozen=True, slots=True)
class Near:
    """Sets that nearly add up to another.

    Attributes:
        target: its place, among the old sets or the new.
        parts: places of those that add up, on the other side.
        difference: persons by which they differ, 1 to k - 1.
    """

    target: int
    parts: tuple[int, ...]
    difference: int


def near_pairs(pairs: Pairs, k: int) -> Iterator[Near]:
    """New sets (targets) that differ from an old one by 1 to k - 1 persons."""
    apart = pairs.only_old + pairs.only_new
    for at in np.flatnonzero((apart >= 1) & (apart < k)):
        yield Near(int(pairs.new[at]), (int(pairs.old[at]),), int(apart[at]))


def near_unions(pairs: Pairs, family: Family, targets: Sets, k: int, *, of_new: bool) -> Iterator[Near]:
    """Targets from which a union of two or more sets of one family differs by 1 to k - 1 persons.

    Args:
        of_new: whether the family is the new table's and the targets are old.
    """
    if not family.disjoint or len(family.sets) < _TWO:
        return
    part, target = (pairs.new, pairs.old) if of_new else (pairs.old, pairs.new)
    outside = pairs.only_new if of_new else pairs.only_old
    taken = (outside < k) & (outside < pairs.shared) & np.isin(part, np.array(family.sets))
    part, target, outside, shared = part[taken], target[taken], outside[taken], pairs.shared[taken]
    count = len(targets.place)
    apart = targets.sizes + np.bincount(target, outside - shared, minlength=count).astype(np.int64)
    used = np.bincount(target, minlength=count)
    for one in np.flatnonzero((apart >= 1) & (apart < k) & (used >= _TWO)):
        yield Near(int(one), tuple(map(int, part[target == one])), int(apart[one]))


def held(pairs: Pairs, k: int) -> tuple[Places, Places, npt.NDArray[np.bool_]]:
    """Pairs that differ by k or more persons: old places, new places, whether the old one is the larger."""
    far = pairs.only_old + pairs.only_new >= k
    old_holds = (pairs.only_new < k) & (pairs.only_old > pairs.only_new)
    return pairs.old[far], pairs.new[far], old_holds[far]
