"""Which sums of released sets differ from another set by a few persons, exactly.

Everything follows from one list: the pairs of sets of which one lies in the other but for fewer than k
persons (`contained`). It comes from one pass over the persons, who are counted by atom of one table and atom
of the other, and from sums of these counts for the sets that can be in such a pair at all (`witnesses`).

For a target T and a family of disjoint sets E₁…Eₙ the union that comes nearest to T takes every Eᵢ that lies
in T by more than half; it differs from T by |T ∖ ⋃E| + Σ min(|Eᵢ ∩ T|, |Eᵢ ∖ T|) persons. If any union
differs by 1 to k - 1, the nearest differs by no more; and where the nearest is T itself, any other differs by
a whole Eᵢ at least, k persons or more. So unions of *any* number of cells are decided; told is the nearest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import sparse

from egress_review.checks.differencing.prints import Persons
from egress_review.checks.differencing.sets import Family, Places, Sets

SPARE = 8
"""Witnesses of a set beside the k: more make a chance suspect rarer."""
_FIRST = 2**16
_FEW = 8
_TWO = 2  # one part alone is a pair
_MOST_DENSE = 4_000_000
_MOST_DIRECT = 2**27


class Newcomer:
    """A table of a request, ready to be held against any number of others."""

    def __init__(self, sets: Sets) -> None:
        self.sets = sets
        self.made_of = _with_nobody(sets.made_of)
        self._nobody = sets.made_of.shape[1]
        self._people = sets.people
        self._atom = sets.atom.astype(np.int32)
        self._table = _direct(self._people, self._atom, self._nobody)
        self._witnesses: tuple[Witnesses, Places, Places] | None = None

    def witnesses(self, k: int) -> tuple[Witnesses, Places, Places]:
        """A few persons of each of its sets; their positions once, in order; and which of these each is."""
        if self._witnesses is None:
            found = witnesses(self.sets, k)
            once, which = np.unique(found.positions, return_inverse=True)
            self._witnesses = found, once, which.reshape(found.positions.shape)
        return self._witnesses

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
    row, column, shared = (_dense if dense else _sparse)(old, newcomer, columns, k)
    only_old, only_new = old.sizes[row] - shared, new.sizes[column] - shared
    near = ((only_old < k) | (only_new < k)) & (shared > 0)
    return Pairs(row[near], column[near], shared[near], only_old[near], only_new[near])


def _dense(
    old: Sets, newcomer: Newcomer, columns: npt.NDArray[np.int32], k: int
) -> tuple[Places, Places, Places]:
    new, made_of = newcomer.sets, newcomer.made_of
    atoms, width = old.made_of.shape[1], made_of.shape[1]
    cells = old.atom.astype(np.int64) * width + columns
    counted = np.bincount(cells, minlength=atoms * width).reshape(atoms, width)
    rows, places = _suspects(old, newcomer, columns, k)
    of_rows = made_of @ (old.made_of[rows] @ counted).T
    if places.size <= _FEW:
        of_atoms = counted @ made_of[places].T.toarray()
    else:
        of_atoms = (made_of[places] @ counted.T).T
    of_places = old.made_of @ of_atoms
    shared = np.concatenate([of_rows.T.ravel(), of_places.ravel()])
    row = np.concatenate([np.repeat(rows, len(new.place)), np.repeat(np.arange(len(old.place)), places.size)])
    column = np.concatenate([np.tile(np.arange(len(new.place)), rows.size), np.tile(places, len(old.place))])
    enough = (shared > new.sizes[column] - k) | (shared > old.sizes[row] - k)
    pair, first = np.unique(row[enough] * len(new.place) + column[enough], return_index=True)
    row, column = np.divmod(pair, len(new.place))
    return row, column, shared[enough][first]


def _suspects(old: Sets, newcomer: Newcomer, columns: npt.NDArray[np.int32], k: int) -> tuple[Places, Places]:
    """Old sets in which a new one may nearly lie, new sets in which an old one may.

    If a set lies in another but for fewer than k persons, so do any k + `SPARE` of its own, but for as many.
    A set of which so many are not at hand is a suspect itself.
    """
    enough = SPARE + 1
    of_old = witnesses(old, k)
    inside = _counted(columns[of_old.positions], newcomer.made_of)
    places = np.unique(inside.indices[inside.data >= enough])
    of_new, positions, which = newcomer.witnesses(k)
    people = newcomer.sets.people[positions]
    at = np.minimum(np.searchsorted(old.people, people), old.people.size - 1)
    there = old.people[at] == people
    atoms = np.where(there, old.atom[at].astype(np.int32), old.made_of.shape[1])
    inside = _counted(atoms[which], _with_nobody(old.made_of))
    rows = np.unique(inside.indices[inside.data >= enough])
    return np.union1d(rows, of_old.unknown), np.union1d(places, of_new.unknown)


def _counted(atoms: npt.NDArray[np.int32], made_of: sparse.csr_array) -> sparse.csr_array:
    """How many of some persons are in each set of a table, by their atoms; the last is nobody's."""
    few, many = atoms.shape
    ones = np.ones(atoms.size, dtype=np.int32)
    starts = np.arange(few + 1) * many
    counted = sparse.csr_array((ones, atoms.ravel(), starts), shape=(few, made_of.shape[1]))
    return sparse.csr_array(counted @ made_of.T)


def _with_nobody(made_of: sparse.csr_array) -> sparse.csr_array:
    """Sets × atoms, with an atom more that is in no set."""
    sets, atoms = made_of.shape
    return sparse.csr_array((made_of.data, made_of.indices, made_of.indptr), shape=(sets, atoms + 1))


@dataclass(frozen=True, slots=True)
class Witnesses:
    """A few persons of each set.

    Attributes:
        positions: of them among the table's people, sets × k + `SPARE`.
        unknown: places of the sets of which so many were not found.
    """

    positions: Places
    unknown: Places


def witnesses(sets: Sets, k: int) -> Witnesses:
    """For each set k + `SPARE` persons of one of its atoms, out of the first people of its table."""
    many = k + SPARE
    first = sets.atom[:_FIRST]
    order = np.argsort(first, kind="stable")
    counts = np.bincount(first, minlength=sets.made_of.shape[1])
    starts = np.cumsum(counts) - counts
    known = counts[sets.made_of.indices] >= many
    of_set = np.repeat(np.arange(len(sets.place)), np.diff(sets.made_of.indptr))[known]
    found, at = np.unique(of_set, return_index=True)
    atom = sets.made_of.indices[known][at]
    positions = order[starts[atom][:, None] + np.arange(many)]
    return Witnesses(positions, np.setdiff1d(np.arange(len(sets.place)), found))


def _sparse(
    old: Sets, newcomer: Newcomer, columns: npt.NDArray[np.int32], _k: int
) -> tuple[Places, Places, Places]:
    ones = np.ones(columns.size, dtype=np.int32)
    shape = (old.made_of.shape[1], newcomer.made_of.shape[1])
    counted = sparse.csr_array((ones, (old.atom.astype(np.int32), columns)), shape=shape)
    counted.sum_duplicates()
    shared = (old.made_of @ counted @ newcomer.made_of.T).tocoo()
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


def near_rows(pairs: Pairs, sets: Sets, targets: Sets, k: int, *, of_new: bool) -> Iterator[Near]:
    """Targets from which a union of two or more columns of one row differs by 1 to k - 1 persons.

    Args:
        sets: whose rows they are.
        of_new: whether they are the new table's and the targets are old.
    """
    labels = sets.row_families
    part, target = (pairs.new, pairs.old) if of_new else (pairs.old, pairs.new)
    outside = pairs.only_new if of_new else pairs.only_old
    taken = (outside < k) & (outside < pairs.shared) & (labels[part] >= 0)
    part, target, gained = part[taken], target[taken], (outside - pairs.shared)[taken]
    rows = max(sets.row, default=0) + 1
    where, at = np.unique(target * rows + labels[part], return_inverse=True)
    wanted = where // rows
    apart = targets.sizes[wanted] + np.bincount(at, gained, len(where)).astype(np.int64)
    used = np.bincount(at, minlength=len(where))
    for one in np.flatnonzero((apart >= 1) & (apart < k) & (used >= _TWO)):
        parts = tuple(map(int, part[at == one]))
        yield Near(int(wanted[one]), parts, int(apart[one]))


def held(pairs: Pairs, k: int) -> tuple[Places, Places, npt.NDArray[np.bool_]]:
    """Pairs that differ by k or more persons: old places, new places, whether the old one is the larger."""
    far = pairs.only_old + pairs.only_new >= k
    old_holds = (pairs.only_new < k) & (pairs.only_old > pairs.only_new)
    return pairs.old[far], pairs.new[far], old_holds[far]
