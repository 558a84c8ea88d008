"""The sets of persons behind one released table, and their bytes in the ledger.

The bytes are written and read in boxes only; the review process stores them under their SHA-256 and never
looks inside. What is kept as roaring bitmaps of person numbers (64 bit, the portable form) are the table's
*atoms*: the classes of persons who are in exactly the same sets. A set is a union of atoms, so a table with
all its margins takes no more room than its innermost cells. The head says in JSON which atoms a set has and
which published numbers it stands behind.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap64
from scipy import sparse

from egress_review.checks.differencing.prints import PARTS, Persons, Prints, mix, prints_of

_MAGIC = b"onggi-sets-1\n"
COUNT, BASE, VALUE = "count", "base", "value:"
"""What is published of a set: the number of its persons or rows; a number about a part of it; a value of the
column that is named behind the colon."""

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Family:
    """The sets of one column of a table in one of its groupings, one for each cell.

    Attributes:
        sets: their places.
        tags: what is published of them, of `COUNT`, `BASE` and `VALUE`. Two numbers can be subtracted from
            each other, as far as is known, if their tags meet.
        disjoint: whether no person is in two of the sets.
    """

    sets: tuple[int, ...]
    tags: frozenset[str]
    disjoint: bool


@dataclass(frozen=True)
class Sets:
    """The distinct sets of persons of one table, none of them empty.

    Attributes:
        atoms: the persons of each atom, ascending.
        made_of: sets × atoms, 1 where the set has the atom.
        place: for each set the place of a published number that it stands behind.
        row: for each set the row of the table.
        prints: sets × parts.
    """

    atoms: Sequence[Persons]
    made_of: sparse.csr_array
    place: tuple[int, ...]
    row: tuple[int, ...]
    families: tuple[Family, ...]
    prints: Prints

    @cached_property
    def atom_sizes(self) -> Places:
        """Persons of each atom."""
        return np.array([one.size for one in self.atoms], dtype=np.int64)

    @cached_property
    def sizes(self) -> Places:
        """Persons of each set."""
        return np.asarray(self.made_of @ self.atom_sizes, dtype=np.int64)

    @cached_property
    def tags(self) -> tuple[frozenset[str], ...]:
        """What is published of each set."""
        found: list[set[str]] = [set() for _ in self.place]
        for family in self.families:
            for one in family.sets:
                found[one] |= family.tags
        return tuple(frozenset(one) for one in found)

    def members(self, place: int) -> Persons:
        """The persons of one set, ascending."""
        start, end = self.made_of.indptr[place : place + 2]
        return np.sort(np.concatenate([self.atoms[one] for one in self.made_of.indices[start:end]]))


def make_sets(
    members: Sequence[Persons], place: Sequence[int], row: Sequence[int], families: Sequence[Family]
) -> Sets:
    """Sets from the persons of each, none of them empty."""
    atoms, made_of = _atoms(members)
    return Sets(atoms, made_of, tuple(place), tuple(row), tuple(families), prints_of(members))


def _atoms(members: Sequence[Persons]) -> tuple[Sequence[Persons], sparse.csr_array]:
    """Who is in the same sets, by the sum of the sets' mixed numbers, held against the sizes of the sets."""
    if not members:
        return (), sparse.csr_array((0, 0), dtype=np.int32)
    sizes = np.array([one.size for one in members])
    which = np.repeat(np.arange(len(members)), sizes)
    people, at = np.unique(np.concatenate(members), return_inverse=True)
    pattern = np.zeros(people.size, dtype=np.uint64)
    np.add.at(pattern, at, mix(which.astype(np.uint64)))
    _, atom = np.unique(pattern, return_inverse=True)
    order = np.argsort(atom, kind="stable")
    atoms = np.split(people[order], np.flatnonzero(np.diff(atom[order])) + 1)
    ones = np.ones(which.size, dtype=np.int32)
    counted = sparse.csr_array((ones, (which, atom[at])), shape=(len(members), len(atoms)))
    counted.sum_duplicates()
    made_of = counted.copy()
    made_of.data[:] = 1
    if not np.array_equal(made_of @ np.array([one.size for one in atoms]), sizes):
        raise ValueError("two patterns have one sum")
    return atoms, made_of


def to_bytes(sets: Sets) -> bytes:
    """The bytes for the ledger; the same for the same sets."""
    bitmaps = [_bitmap(one) for one in sets.atoms]
    head = {
        "atoms": [len(one) for one in bitmaps],
        "made_of": [sets.made_of.indptr.tolist(), sets.made_of.indices.tolist()],
        "place": list(sets.place),
        "row": list(sets.row),
        "families": [
            {"sets": list(one.sets), "tags": sorted(one.tags), "disjoint": one.disjoint}
            for one in sets.families
        ],
    }
    text = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
    prints = sets.prints.astype("<u8").tobytes()
    return b"".join([_MAGIC, len(text).to_bytes(8, "little"), text, prints, *bitmaps])


def from_bytes(raw: bytes) -> Sets:
    """Read what `to_bytes` wrote.

    Raises:
        ValueError: if it is anything else.
    """
    view = memoryview(raw)
    start = len(_MAGIC) + 8
    if bytes(view[: len(_MAGIC)]) != _MAGIC:
        raise ValueError("no sets")
    end = start + int.from_bytes(view[len(_MAGIC) : start], "little")
    head = json.loads(bytes(view[start:end]))
    count = len(head["place"])
    at = end + count * PARTS * 8
    prints = np.frombuffer(view[end:at], dtype="<u8").reshape(count, PARTS)
    atoms = []
    for length in head["atoms"]:
        atoms.append(_members(BitMap64.deserialize(bytes(view[at : at + length]))))
        at += length
    if at != len(raw):
        raise ValueError("length")
    return Sets(
        atoms=tuple(atoms),
        made_of=_matrix(head["made_of"], (count, len(atoms))),
        place=tuple(head["place"]),
        row=tuple(head["row"]),
        families=tuple(
            Family(tuple(one["sets"]), frozenset(one["tags"]), bool(one["disjoint"]))
            for one in head["families"]
        ),
        prints=prints,
    )


def _matrix(made_of: Any, shape: tuple[int, int]) -> sparse.csr_array:
    starts, indices = made_of
    return sparse.csr_array((np.ones(len(indices), dtype=np.int32), indices, starts), shape=shape)


def _bitmap(members: Persons) -> bytes:
    bitmap = BitMap64(members)
    bitmap.run_optimize()
    return bytes(bitmap.serialize())


def _members(bitmap: BitMap64) -> Persons:
    return np.frombuffer(bitmap.to_array(), dtype=np.uint64)
