"""The sets of persons behind one released table, and their bytes in the ledger.

The bytes are written and read in boxes only; the review process stores them under their SHA-256 and never
looks inside. What is kept are the table's *atoms*, the classes of persons who are in exactly the same sets:
a roaring bitmap of everybody (64 bit, the portable form), and for each of them in order the number of the
atom. A set is a union of atoms, so a table with all its margins takes no more room than its innermost cells,
and is read without unpacking a thousand bitmaps. The head says in JSON which atoms a set has and which
published numbers it stands behind. Beside the sets stands what rows add to the numbers (`amounts`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from pyroaring import BitMap64
from scipy import sparse

from egress_review.checks.differencing.amounts import NO_AMOUNTS, Amounts
from egress_review.checks.differencing.prints import PARTS, Persons, Prints, mix, prints_of

_MAGIC = b"onggi-sets-2\n"
COUNT, BASE, VALUE = "count", "base", "value:"
"""What is published of a set: the number of its persons or rows; a number about a part of it; a value of the
column that is named behind the colon."""

Places = npt.NDArray[np.int64]
Codes = npt.NDArray[np.unsignedinteger[Any]]


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
        people: everybody who is in some set, ascending.
        atom: for each of them the number of the atom; of the smallest type that holds it.
        made_of: sets × atoms, 1 where the set has the atom.
        place: for each set the place of a published number that it stands behind.
        row: for each set the row of the table.
        sizes: persons of each set.
        prints: sets × parts.
        amounts: what rows add to the numbers, where the sets do not say it.
        rest_of: sets that are what cells leave of the margin that stands at their place, and these cells.
    """

    people: Persons
    atom: Codes
    made_of: sparse.csr_array
    place: tuple[int, ...]
    row: tuple[int, ...]
    families: tuple[Family, ...]
    sizes: Places
    prints: Prints
    amounts: Amounts = NO_AMOUNTS
    rest_of: Mapping[int, tuple[int, ...]] = field(default_factory=dict)

    @cached_property
    def tags(self) -> tuple[frozenset[str], ...]:
        """What is published of each set."""
        found: list[set[str]] = [set() for _ in self.place]
        for family in self.families:
            for one in family.sets:
                found[one] |= family.tags
        return tuple(frozenset(one) for one in found)

    @cached_property
    def row_families(self) -> Places:
        """For each set its row if it is one of two or more sets there that share nobody, else -1.

        Taken are the smaller ones first, so that a total does not stand in the way of its parts.
        """
        found = np.full(len(self.place), -1, dtype=np.int64)
        if len(set(self.row)) == len(self.row):
            return found
        by_row: dict[int, list[int]] = {}
        for place, row in enumerate(self.row):
            by_row.setdefault(row, []).append(place)
        starts, atoms = self.made_of.indptr, self.made_of.indices
        for row, places in by_row.items():
            taken: set[int] = set()
            kept = []
            for place in sorted(places, key=lambda one: (int(self.sizes[one]), one)) if places[1:] else ():
                mine = set(atoms[starts[place] : starts[place + 1]].tolist())
                if self.tags[place] - {BASE} and taken.isdisjoint(mine):
                    taken |= mine
                    kept.append(place)
            if kept[1:]:
                found[kept] = row
        return found

    def members(self, place: int) -> Persons:
        """The persons of one set, ascending."""
        start, end = self.made_of.indptr[place : place + 2]
        inside = np.zeros(self.made_of.shape[1], dtype=np.bool_)
        inside[self.made_of.indices[start:end]] = True
        return self.people[inside[self.atom]]


def make_sets(
    members: Sequence[Persons],
    place: Sequence[int],
    row: Sequence[int],
    families: Sequence[Family],
    amounts: Amounts = NO_AMOUNTS,
) -> Sets:
    """Sets from the persons of each, none of them empty."""
    people, atom, made_of = _atoms(members)
    sizes = np.array([one.size for one in members], dtype=np.int64)
    return Sets(
        people,
        atom,
        made_of,
        tuple(place),
        tuple(row),
        tuple(families),
        sizes,
        prints_of(members),
        amounts,
    )


def _atoms(members: Sequence[Persons]) -> tuple[Persons, Codes, sparse.csr_array]:
    """Who is in the same sets, by the sum of the sets' mixed numbers, held against the sizes of the sets."""
    if not members:
        nobody = np.empty(0, dtype=np.uint64)
        return nobody, np.empty(0, dtype=np.uint8), sparse.csr_array((0, 0), dtype=np.int32)
    sizes = np.array([one.size for one in members])
    which = np.repeat(np.arange(len(members)), sizes)
    people, at = np.unique(np.concatenate(members), return_inverse=True)
    pattern = np.zeros(people.size, dtype=np.uint64)
    np.add.at(pattern, at, mix(which.astype(np.uint64)))
    patterns, atom = np.unique(pattern, return_inverse=True)
    ones = np.ones(which.size, dtype=np.int32)
    counted = sparse.csr_array((ones, (which, atom[at])), shape=(len(members), len(patterns)))
    counted.sum_duplicates()
    made_of = counted.copy()
    made_of.data[:] = 1
    if not np.array_equal(made_of @ np.bincount(atom), sizes):
        raise ValueError("two patterns have one sum")
    return people, smallest(atom, len(patterns)), made_of


def smallest(atom: Places, atoms: int) -> Codes:
    """Numbers of atoms in the smallest type that holds them."""
    return atom.astype(np.min_scalar_type(max(0, atoms - 1)))


def to_bytes(sets: Sets) -> bytes:
    """The bytes for the ledger; the same for the same sets."""
    people = BitMap64(sets.people)
    people.run_optimize()
    bitmap = bytes(people.serialize())
    head = {
        "people": [len(bitmap), sets.people.size],
        "atoms": [sets.made_of.shape[1], sets.atom.itemsize],
        "made_of": [sets.made_of.indptr.tolist(), sets.made_of.indices.tolist()],
        "place": list(sets.place),
        "row": list(sets.row),
        "sizes": sets.sizes.tolist(),
        "families": [
            {"sets": list(one.sets), "tags": sorted(one.tags), "disjoint": one.disjoint}
            for one in sets.families
        ],
        "amounts": {
            "parts": [list(one) for one in sets.amounts.parts],
            "row": list(sets.amounts.row),
            "tags": [sorted(one) for one in sets.amounts.tags],
            "sizes": sets.amounts.sizes.tolist(),
        },
    }
    text = json.dumps(head, sort_keys=True, separators=(",", ":")).encode()
    prints = [one.astype("<u8").tobytes() for one in (sets.prints, sets.amounts.prints)]
    atom = sets.atom.astype(sets.atom.dtype.newbyteorder("<")).tobytes()
    return b"".join([_MAGIC, len(text).to_bytes(8, "little"), text, *prints, bitmap, atom])


def from_bytes(raw: bytes) -> Sets:
    """Read what `to_bytes` wrote.

    Raises:
        ValueError: if it is anything else.
    """
    start = len(_MAGIC) + 8
    if raw[: len(_MAGIC)] != _MAGIC or len(raw) < start:
        raise ValueError("no sets")
    at = start + int.from_bytes(raw[len(_MAGIC) : start], "little")
    head = json.loads(raw[start:at])
    count, more = len(head["place"]), len(head["amounts"]["parts"])
    (length, people), (atoms, width) = head["people"], head["atoms"]
    if len(raw) != at + (count + more) * PARTS * 8 + length + people * width:
        raise ValueError("length")
    prints = np.frombuffer(raw, "<u8", (count + more) * PARTS, at).reshape(-1, PARTS)
    at += prints.nbytes
    bitmap = BitMap64.deserialize(raw[at : at + length])
    return Sets(
        people=np.frombuffer(bitmap.to_array(), dtype=np.uint64),
        atom=np.frombuffer(raw, f"<u{width}", people, at + length),
        made_of=_matrix(head["made_of"], (count, atoms)),
        place=tuple(head["place"]),
        row=tuple(head["row"]),
        families=tuple(
            Family(tuple(one["sets"]), frozenset(one["tags"]), bool(one["disjoint"]))
            for one in head["families"]
        ),
        sizes=np.array(head["sizes"], dtype=np.int64),
        prints=prints[:count],
        amounts=_amounts(head["amounts"], prints[count:]),
    )


def _amounts(body: Any, prints: Prints) -> Amounts:
    return Amounts(
        parts=tuple(map(tuple, body["parts"])),
        row=tuple(body["row"]),
        tags=tuple(map(frozenset, body["tags"])),
        sizes=np.array(body["sizes"], dtype=np.int64),
        prints=prints,
    )


def _matrix(made_of: Any, shape: tuple[int, int]) -> sparse.csr_array:
    starts, indices = made_of
    return sparse.csr_array((np.ones(len(indices), dtype=np.int32), indices, starts), shape=shape)
