"""Of many releases only some can say anything of what is hidden: leaving the others out loses nothing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.checks.attack.exact import exact_recovery
from egress_review.checks.attack.model import TOTAL, Key, Level, PublishedTable, Slice, make_table
from egress_review.checks.attack.relevance import Depths, Outline, relevant
from egress_review.checks.attack.system import systems

LEVELS = {"age": ("a0", "a1", "a2"), "kind": ("k0", "k1", "k2"), "sex": ("f", "m")}
COARSE = {"a0": "young", "a1": "young", "a2": "old"}
Place = tuple[int, int]


@dataclass(frozen=True)
class Cut:
    """A table of a population: its keys, broad ages or single ones, its filter, what it hides."""

    keys: tuple[str, ...]
    margins: bool
    kept: Mapping[str, frozenset[str]]
    hidden: frozenset[int]
    broad: bool

    def key(self, name: str) -> Key:
        if name == "age" and self.broad:
            held = {"young": frozenset({"a0", "a1"}), "old": frozenset({"a2"})}
            return Key("ages", {}, "age", held)
        return Key(name, {}, name, {one: frozenset({one}) for one in LEVELS[name]})

    def level(self, name: str, one: str) -> str:
        return COARSE[one] if name == "age" and self.broad else one

    @property
    def sets(self) -> frozenset[Depths]:
        whole = (1,) * len(self.keys)
        return frozenset(product((0, 1), repeat=len(whole))) if self.margins else frozenset({whole})

    def table(self, people: np.ndarray, sets: Collection[Depths] | None = None) -> PublishedTable:
        found: dict[tuple[Level, ...], float] = {}
        for place in product(*LEVELS.values()):
            at = dict(zip(LEVELS, place, strict=True))
            if any(at[name] not in kept for name, kept in self.kept.items()):
                continue
            index = tuple(LEVELS[name].index(at[name]) for name in LEVELS)
            for depths in sorted(self.sets if sets is None else sets):
                row = tuple(
                    self.level(name, at[name]) if depth else TOTAL
                    for name, depth in zip(self.keys, depths, strict=True)
                )
                found[row] = found.get(row, 0.0) + float(people[index])
        hidden = [place in self.hidden and sets is None for place in range(len(found))]
        slices = {
            name: Slice(kept, frozenset(LEVELS[name]), f"{name} in {sorted(kept)}")
            for name, kept in self.kept.items()
        }
        return make_table(
            [self.key(name) for name in self.keys],
            list(found),
            list(found.values()),
            suppressed=hidden,
            complete=frozenset(self.sets if sets is None else sets),
            slices=slices,
            non_negative=False,
        )

    def outline(self, table: PublishedTable) -> Outline:
        veiled = {
            tuple(int(level is not TOTAL) for level in row)
            for row, hides in zip(table.rows, table.suppressed, strict=True)
            if hides
        }
        return Outline(table.keys, table.slices, self.sets, frozenset(veiled))


@st.composite
def cuts(draw: st.DrawFn) -> Cut:
    keys = tuple(draw(st.lists(st.sampled_from(sorted(LEVELS)), max_size=3, unique=True)))
    kept = {
        name: frozenset(
            draw(st.sets(st.sampled_from(LEVELS[name]), min_size=1, max_size=len(LEVELS[name]) - 1))
        )
        for name in draw(st.lists(st.sampled_from(sorted(LEVELS)), max_size=1, unique=True))
    }
    hidden = frozenset(draw(st.sets(st.integers(0, 11), max_size=6)))
    return Cut(keys, draw(st.booleans()), kept, hidden, draw(st.booleans()))


def recovered(tables: Sequence[PublishedTable], numbers: Sequence[int]) -> set[Place]:
    """Hidden cells that equalities tell."""
    found: set[Place] = set()
    for system in systems(tables) if tables else ():
        known = exact_recovery(system)
        told = [system.unknowns[one] for one in np.flatnonzero(known.recovered)]
        shown = [one for one, cell in system.cells.items() if cell.concealed and cell.shown]
        for address in (*told, *shown):
            found.update((numbers[table], row) for table, row in system.cells[address].rows)
    return {
        (number, row)
        for number, table in zip(numbers, tables, strict=True)
        for row in np.flatnonzero(table.suppressed).tolist()
        if (number, row) in found
    }


@settings(max_examples=300, deadline=None)
@given(st.lists(cuts(), min_size=2, max_size=7), st.integers(0, 2**32 - 1))
def test_what_all_tables_tell_the_relevant_ones_tell(asked: list[Cut], seed: int) -> None:
    people = np.random.default_rng(seed).integers(1, 9, size=tuple(map(len, LEVELS.values())))
    tables = [one.table(people) for one in asked]
    everything = list(range(len(tables)))
    before = recovered(tables[1:], everything[1:])
    brought = recovered(tables, everything) - before
    outlines = [one.outline(table) for one, table in zip(asked, tables, strict=True)]
    kept = relevant(outlines, [0], additive=True)
    some = [
        tables[at] if sets == asked[at].sets else asked[at].table(people, sets) for at, sets in kept.items()
    ]
    said = recovered(some, list(kept))
    assert brought <= said
    assert said <= brought | before


def test_a_margin_that_is_known_links_nothing() -> None:
    """Hidden numbers by age and kind, and by age and sex, have the ages in common; a release shows them."""
    plain = {name: Cut((name,), margins=False, kept={}, hidden=frozenset(), broad=False) for name in LEVELS}
    first = Cut(("age", "kind"), margins=False, kept={}, hidden=frozenset({0, 1, 3, 4}), broad=False)
    second = Cut(("age", "sex"), margins=False, kept={}, hidden=frozenset({0, 1, 2, 3}), broad=False)
    people = np.full((3, 3, 2), 5)

    def kept(*asked: Cut) -> set[int]:
        outlines = [one.outline(one.table(people)) for one in asked]
        return set(relevant(outlines, [0], additive=True))

    assert kept(first, second) == {0, 1}
    assert kept(first, second, plain["age"]) == {0, 2}
    assert kept(first, second, plain["sex"], plain["age"], plain["age"]) == {0, 3}
    assert kept(plain["sex"], first, plain["age"]) == set(), "it says nothing of what is hidden"
    assert kept(plain["kind"], first, plain["age"]) == {0, 1, 2}
    assert kept(plain["age"], first, plain["age"]) == set(), "it says nothing new"


def test_what_a_filter_leaves_out_is_told_by_tables_of_everybody() -> None:
    """a0 and a2 are hidden together; one release shows a0, another a2 as the old."""

    def total(*ages: str, hidden: Collection[int] = ()) -> Cut:
        return Cut((), margins=False, kept={"age": frozenset(ages)}, hidden=frozenset(hidden), broad=False)

    old = Cut(("age",), margins=False, kept={}, hidden=frozenset(), broad=True)
    outlines = [
        one.outline(one.table(np.full((3, 3, 2), 5)))
        for one in (total("a0", "a2", hidden=[0]), old, total("a0"))
    ]
    assert set(relevant(outlines, [0], additive=True)) == {0, 1, 2}


def test_only_the_margins_that_are_needed_are_taken() -> None:
    wide = Cut(("age", "kind", "sex"), margins=False, kept={}, hidden=frozenset(), broad=False)
    hides = Cut(("age",), margins=False, kept={}, hidden=frozenset({0, 1}), broad=True)
    people = np.full((3, 3, 2), 5)
    outlines = [one.outline(one.table(people)) for one in (hides, wide)]
    assert relevant(outlines, [0], additive=True)[1] == frozenset({(1, 0, 0)})
    assert relevant(outlines, [0], additive=False)[1] == wide.sets


def test_all_are_taken_where_parts_do_not_add_up() -> None:
    """A person with two kinds is twice in a sum over kinds: it is no margin that is known."""
    both = Cut(("age", "kind"), margins=False, kept={}, hidden=frozenset(), broad=False)
    hides = [
        Cut(("age", other), margins=False, kept={}, hidden=frozenset({0}), broad=False) for other in ("sex",)
    ]
    people = np.full((3, 3, 2), 5)
    asked = [*hides, Cut(("age", "kind"), margins=False, kept={}, hidden=frozenset({1}), broad=False), both]
    outlines = [one.outline(one.table(people)) for one in asked]
    assert set(relevant(outlines, [0], additive=True)) == {0, 2}
    assert set(relevant(outlines, [0], additive=False)) == {0, 1, 2}
