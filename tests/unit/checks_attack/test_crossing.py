"""Tables that cut one thing in ways that cross: together they tell more than two by two."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.checks.attack import system as system_module
from egress_review.checks.attack.crossing import refinement, tell_more
from egress_review.checks.attack.exact import exact_recovery
from egress_review.checks.attack.model import TOTAL, Key, PublishedTable, Slice, make_table
from egress_review.checks.attack.relevance import Depths, Outline, relevant
from egress_review.checks.attack.system import systems

PARTS = [f"a{number}" for number in range(6)]
OTHERS = ["x", "y"]

Cut = tuple[frozenset[str], ...]
Member = tuple[Cut, bool, tuple[bool, ...]]
"""A table: how it cuts the parts, whether it cuts the others too, and which of its cells it hides."""


def cut(groups: Sequence[int]) -> Cut:
    """The parts with the same number together."""
    return tuple(
        frozenset(part for part, group in zip(PARTS, groups, strict=True) if group == one)
        for one in sorted(set(groups))
    )


@st.composite
def members(draw: st.DrawFn) -> list[Member]:
    made = []
    for _ in range(draw(st.integers(2, 5))):
        cuts = cut(draw(st.lists(st.integers(0, 3), min_size=6, max_size=6)))
        wide = draw(st.booleans())
        size = len(cuts) * (len(OTHERS) if wide else 1)
        made.append((cuts, wide, tuple(draw(st.lists(st.booleans(), min_size=size, max_size=size)))))
    return made


def cells_of(member: Member) -> list[tuple[frozenset[str], tuple[str, ...]]]:
    """What each row of a table holds."""
    cuts, wide, _ = member
    return [
        (parts, others) for parts in cuts for others in ([(one,) for one in OTHERS] if wide else [(*OTHERS,)])
    ]


def table_of(number: int, member: Member) -> PublishedTable:
    cuts, wide, hidden = member
    key = Key(f"k{number}", {}, "part", {f"{number}.{at}": parts for at, parts in enumerate(cuts)})
    rows = [(level, *other) for level, other in product(key.parts, product(*[OTHERS] * wide))]
    # No part is empty, and no number says anything by itself.
    values = [
        sum(1000 + 37 * PARTS.index(part) + 11 * OTHERS.index(one) for part in parts for one in others)
        for parts, others in cells_of(member)
    ]
    return make_table([key, "other"] if wide else [key], rows, values, suppressed=hidden)


def margins_of(number: int, member: Member, sets: frozenset[Depths]) -> PublishedTable:
    """Some sums of a table that hides nothing."""
    made = table_of(number, member)
    found: dict[tuple[str | None, ...], float] = {}
    for row, value in zip(made.rows, made.true, strict=True):
        for depths in sorted(sets):
            margin = tuple(level if depth else TOTAL for level, depth in zip(row, depths, strict=True))
            found[margin] = found.get(margin, 0.0) + float(value)
    return make_table(made.keys, list(found), list(found.values()), complete=sets)


def told(listed: Sequence[Member]) -> set[tuple[int, int]]:
    """Hidden cells that are sums and differences of shown ones and shown by none, by linear algebra."""
    shown, hidden, known = [], {}, set()
    for number, member in enumerate(listed):
        for row, (cell, veil) in enumerate(zip(cells_of(member), member[2], strict=True)):
            one = [float(part in cell[0] and other in cell[1]) for part in PARTS for other in OTHERS]
            if veil:
                hidden[number, row] = (one, cell)
            else:
                shown.append(one)
                known.add(cell)
    rank = np.linalg.matrix_rank(np.array(shown)) if shown else 0
    return {
        at
        for at, (one, cell) in hidden.items()
        if cell not in known and np.linalg.matrix_rank(np.array([*shown, one])) == rank
    }


def recovered(tables: Sequence[PublishedTable]) -> set[tuple[int, int]]:
    """Hidden cells that equalities tell: number of the table and of the row."""
    (made,) = systems(tables)
    found = exact_recovery(made)
    assert found.certain
    by_lines = {made.unknowns[one] for one in np.flatnonzero(found.by_lines)}
    return {at for one in by_lines for at in made.cells[one].rows}


def known(tables: Sequence[PublishedTable]) -> set[tuple[int, int]]:
    """Hidden cells that equalities tell or another table shows."""
    (made,) = systems(tables)
    elsewhere = {at for cell in made.cells.values() if cell.concealed and cell.shown for at in cell.rows}
    hidden = {(at, row) for at, table in enumerate(tables) for row in np.flatnonzero(table.suppressed)}
    return (recovered(tables) | elsewhere) & hidden


@settings(max_examples=300, deadline=None)
@given(members())
def test_what_follows_is_found_and_nothing_else(listed: list[Member]) -> None:
    assert recovered([table_of(number, one) for number, one in enumerate(listed)]) == told(listed)


@settings(max_examples=300, deadline=None)
@given(members())
def test_of_many_releases_all_are_kept_that_tell_something(listed: list[Member]) -> None:
    tables = [table_of(number, one) for number, one in enumerate(listed)]
    whole = [frozenset({(1,) * len(one.keys)}) for one in tables]
    outlines = [
        Outline(one.keys, {}, sets, sets if one.suppressed.any() else frozenset())
        for one, sets in zip(tables, whole, strict=True)
    ]
    kept = relevant(outlines, [0], additive=True)
    some = [
        tables[at] if sets == whole[at] else margins_of(at, listed[at], sets) for at, sets in kept.items()
    ]
    before = {(at + 1, row) for at, row in known(tables[1:])}
    said = {(list(kept)[at], row) for at, row in known(some)} if some else set()
    assert known(tables) - before <= said


FIVE = Key("five", {}, "age", {"b": frozenset("3"), "c": frozenset("4"), "rest": frozenset("125")})
AT_40 = Key("at 40", {}, "age", {"younger": frozenset("123"), "older": frozenset("45")})
AT_45 = Key("at 45", {}, "age", {"young": frozenset("12"), "middle": frozenset("34"), "old": frozenset("5")})
HIDDEN = make_table([FIVE], [("b",), ("c",), ("rest",)], [200, 3, 900], suppressed=[True, True, False])


def test_three_cuts_give_away_what_no_two_of_them_do() -> None:
    at_40 = make_table([AT_40], [("younger",), ("older",)], [700, 403], name="R-1")
    at_45 = make_table([AT_45], [("young",), ("middle",), ("old",)], [500, 203, 400], name="R-2")
    assert recovered([HIDDEN, at_40]) == set()
    assert recovered([HIDDEN, at_45]) == set()
    assert recovered([HIDDEN, at_40, at_45]) == {(0, 0), (0, 1)}


def test_parts_that_do_not_add_up_say_nothing_of_each_other() -> None:
    """Persons with visits at several ages are in several cells, of some tables more than of others."""
    at_40 = make_table([AT_40], [("younger",), ("older",)], [800, 500], name="R-1")
    at_45 = make_table([AT_45], [("young",), ("middle",), ("old",)], [600, 300, 450], name="R-2")
    assert recovered([HIDDEN, at_40, at_45]) == set()


def test_a_filter_is_a_cut_too() -> None:
    whole = frozenset("12345")
    younger, young = (Slice(frozenset(parts), whole, parts) for parts in ("123", "12"))
    tables = [
        HIDDEN,
        make_table([], [()], [700], slices={"age": younger}, name="R-1"),
        make_table([], [()], [500], slices={"age": young}, name="R-2"),
    ]
    assert recovered(tables) == {(0, 0)}


@pytest.mark.parametrize("most", [0, 20_000])
def test_what_filters_leave_out_of_crossing_tables_is_unknown_where_nobody_lists_it(
    monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    """Women by three cuts of age, and all people by one of them, who are not sums of women."""
    monkeypatch.setattr(system_module, "MOST_OUTSIDE", most)
    women = {"sex": Slice(frozenset({"F"}), frozenset({"F", "M"}), "F")}
    hidden = make_table(
        [FIVE], [("b",), ("c",), ("rest",)], [200, 3, 900], suppressed=[True, True, False], slices=women
    )
    at_45 = make_table(
        [AT_45], [("young",), ("middle",), ("old",)], [500, 203, 400], name="R-1", slices=women
    )
    at_40, levels = [700, 403], [("younger",), ("older",)]
    veiled = make_table([AT_40], levels, at_40, suppressed=[True, True], name="R-2", slices=women)
    everybody = make_table([AT_40], levels, [1500, 990], name="R-3")
    assert known([hidden, at_45, veiled, everybody]) == set()
    shown = make_table([AT_40], levels, at_40, name="R-4", slices=women)
    assert known([hidden, at_45, veiled, everybody, shown]) == {(0, 0), (0, 1), (2, 0), (2, 1)}


@pytest.mark.parametrize(
    ("partitions", "more"),
    [
        ([{0b11100, 0b00011}, {0b11000, 0b00111}], False),
        ([{0b00100, 0b01000, 0b10011}, {0b00111, 0b11000}, {0b00011, 0b01100, 0b10000}], True),
        ([{0b0001, 0b1110}, {0b0010, 0b1101}, {0b0100, 0b1011}], False),
    ],
)
def test_more_is_told_only_where_cells_depend_on_each_other(partitions: list[set[int]], more: bool) -> None:
    found = tuple(frozenset(one) for one in partitions)
    assert tell_more(found) is more
    assert all(any(not fine & ~wide for wide in one) for one in found for fine in refinement(found))
