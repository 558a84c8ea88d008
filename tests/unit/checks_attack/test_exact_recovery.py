"""Exact recovery against brute force, against linear algebra, and in cases known from practice."""

from __future__ import annotations

from fractions import Fraction
from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from egress_review.checks.attack.audit import AttackRules, Exposed, audit
from egress_review.checks.attack.bounds import Width, bounds
from egress_review.checks.attack.elimination import null_space
from egress_review.checks.attack.exact import exact_recovery
from egress_review.checks.attack.model import TOTAL, Key, Method, PublishedTable, Rounding, make_table
from egress_review.checks.attack.system import System, systems
from egress_review.checks.attack.witness import Prover
from tests.support.attacked import all_solutions, cube, pattern


def recovered(*tables: PublishedTable) -> set[tuple[tuple[str, str], ...]]:
    (system,) = systems(tables)
    found = exact_recovery(system)
    assert found.certain
    return {system.unknowns[one] for one in np.flatnonzero(found.recovered)}


def free_by_fractions(system: System) -> set[int]:
    """The unknowns with freedom, by elimination in rational numbers, the slow and plain way."""
    rows = [[Fraction(int(one)) for one in row] for row in system.matrix.toarray()]
    pivots: list[int] = []
    for column in range(len(system.unknowns)):
        place = len(pivots)
        found = next((one for one in range(place, len(rows)) if rows[one][column]), None)
        if found is None:
            continue
        rows[place], rows[found] = rows[found], rows[place]
        rows[place] = [one / rows[place][column] for one in rows[place]]
        for other, row in enumerate(rows):
            if other != place and row[column]:
                rows[other] = [a - row[column] * b for a, b in zip(row, rows[place], strict=True)]
        pivots.append(column)
    free = set(range(len(system.unknowns))) - set(pivots)
    moving = {pivot for place, pivot in enumerate(pivots) if any(rows[place][one] for one in free)}
    return free | moving


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_no_cell_with_or_without_freedom_is_confused(data: st.DataObject) -> None:
    shape = data.draw(st.sampled_from([(4, 5), (3, 3, 3), (2, 3, 4), (2, 2, 2, 3)]))
    table = data.draw(pattern(shape))
    (system,) = systems([table])
    space = null_space(system.matrix)
    assert space.certain
    moving = set(range(len(system.unknowns))) - set(space.determined.tolist())
    assert moving == free_by_fractions(system)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_what_every_whole_solution_agrees_on_in_two_ways_is_recovered(data: st.DataObject) -> None:
    """In two-way tables bounds and lines together are all there is; intervals find what is left."""
    table = data.draw(pattern((3, 3), most=3))
    (system,) = systems([table])
    solutions = all_solutions(system, most=12)
    fixed = {
        system.unknowns[one]
        for one in range(len(system.unknowns))
        if system.sensitive[one] and len({solution[one] for solution in solutions}) == 1
    }
    found = audit([table], AttackRules(percent=0), seconds=30)
    assert {one.address for one in found.exposures if one.low == one.high} == fixed


@settings(max_examples=25, deadline=None)
@given(st.data())
def test_whole_numbers_are_asked_in_three_ways(data: st.DataObject) -> None:
    table = data.draw(pattern((2, 3, 3), most=2))
    (system,) = systems([table])
    solutions = all_solutions(system, most=6)
    fixed = {
        system.unknowns[one]
        for one in range(len(system.unknowns))
        if system.sensitive[one] and len({solution[one] for solution in solutions}) == 1
    }
    found = audit([table], AttackRules(percent=0), seconds=30)
    assert {one.address for one in found.exposures if one.low == one.high} == fixed


def test_a_total_minus_the_other_cell() -> None:
    """ACRO 1.0.2 releases this: the margin with text labels makes 43 - 40 = 3."""
    table = make_table(
        ["year", "grant"],
        [
            *(("2010", "G"), ("2010", "N"), ("2011", "G"), ("2011", "N")),
            *(("2010", TOTAL), ("2011", TOTAL), (TOTAL, "G"), (TOTAL, "N"), (TOTAL, TOTAL)),
        ],
        [3, 40, 30, 50, 43, 80, 33, 90, 123],
        suppressed=[True] + [False] * 8,
    )
    (exposure,) = audit([table], AttackRules(), seconds=10).exposures
    assert exposure.how is Exposed.RECOVERED
    assert exposure.rows == ((0, 0),)
    assert exposure.low == exposure.high == 3
    assert exposure.witness in {
        "[year=2010] 43 − [grant=N, year=2010] 40 = 3",
        "[grant=G] 33 − [grant=G, year=2011] 30 = 3",
    }


def test_a_second_table_gives_the_total() -> None:
    hidden = make_table(["year", "grant"], [("2010", "G"), ("2010", "N")], [3, 40], suppressed=[True, False])
    assert recovered(hidden) == set()
    totals = make_table(["year"], [("2010",)], [43], name="R-12")
    assert recovered(hidden, totals) == {(("grant", "G"), ("year", "2010"))}
    (exposure,) = audit([hidden, totals], AttackRules(), seconds=10).exposures
    assert exposure.witness == "R-12[year=2010] 43 − [grant=N, year=2010] 40 = 3"


def test_an_earlier_cell_becomes_known_through_a_new_table() -> None:
    earlier = make_table(
        ["year", "grant"], [("2010", "G"), ("2010", "N")], [3, 40], suppressed=[True, False], name="R-1"
    )
    new = make_table(["grant", "sex"], [("G", "F"), ("G", TOTAL)], [3, 3])
    (exposure,) = audit([new, earlier], AttackRules(), seconds=10).exposures
    assert exposure.rows == ((1, 0),)


def test_another_subject_is_not_linked() -> None:
    hidden = make_table(["year", "grant"], [("2010", "G"), ("2010", "N")], [3, 40], suppressed=[True, False])
    totals = make_table(["year"], [("2010",)], [43], subject="other")
    found = [exact_recovery(one).recovered.any() for one in systems([hidden, totals])]
    assert found == [False, False]


def test_tables_are_linked_through_margins_that_none_of_them_shows() -> None:
    """By age and sex, and by age and region: both add up to the same numbers by age."""
    first = make_table(["age", "sex"], [("70", "F"), ("70", "M")], [3, 40], suppressed=[True, False])
    second = make_table(["age", "region"], [("70", "N"), ("70", "S")], [20, 23])
    assert recovered(first, second) == {(("age", "70"), ("sex", "F"))}


def test_a_hierarchy_gives_a_level_away() -> None:
    age = Key("age", {"60-69": "60+", "70+": "60+"})
    table = make_table([age], [("60-69",), ("70+",)], [3, 40], suppressed=[True, False])
    broad = make_table([age], [("60+",), ("-59",), (TOTAL,)], [43, 100, 143])
    assert recovered(table, broad) == {(("age", "60-69"),)}


def test_a_level_without_finer_levels_belongs_to_both_depths() -> None:
    age = Key("age", {"60-69": "60+", "70+": "60+"})
    table = make_table(
        [age],
        [("60-69",), ("70+",), ("-59",), (TOTAL,)],
        [3, 40, 100, 143],
        suppressed=[True, False, False, False],
        complete=frozenset({(0,), (2,)}),
    )
    assert recovered(table) == {(("age", "60-69"),)}


def test_a_line_that_sums_to_nothing_hides_nothing() -> None:
    table = make_table(
        ["a", "b"],
        [("1", "x"), ("1", "y"), ("1", TOTAL), ("2", "x"), ("2", "y"), ("2", TOTAL)],
        [0, 0, 0, 3, 4, 7],
        suppressed=[True, True, False, True, True, False],
    )
    assert recovered(table) == {(("a", "1"), ("b", "x")), (("a", "1"), ("b", "y"))}
    witnesses = [one.witness for one in audit([table], AttackRules(percent=0), seconds=10).exposures]
    assert "[a=1] 0, ≥ 0 ⇒ [a=1, b=x] = 0" in witnesses


def test_rounded_cells_pin_a_hidden_total_only_within_their_error() -> None:
    base = Rounding(5)
    table = make_table(["a"], [("x",), ("y",), (TOTAL,)], [11, 12, 23], rounding=base, sensitive=[True] * 3)
    (system,) = systems([table])
    found = exact_recovery(system)
    assert not found.recovered.any()
    low = dict(zip(system.unknowns, found.ranges.low, strict=True))
    high = dict(zip(system.unknowns, found.ranges.high, strict=True))
    assert low[(("a", "x"),)], high[(("a", "x"),)] == (9, 12)
    # 10 and 10 and 25: x and y lie in 8..12 and sum to 23..27, so each is at least 11.
    assert {one: (low[one], high[one]) for one in system.unknowns} == {
        (("a", "x"),): (11, 12),
        (("a", "y"),): (11, 12),
        (): (23, 24),
    }


def test_rounding_that_leaves_one_solution_is_found() -> None:
    table = make_table(
        ["a"], [("x",), ("y",), (TOTAL,)], [2, 2, 4], rounding=Rounding(5), sensitive=[True] * 3
    )
    # 0 and 0 and 5: at most 2 each and at least 3 together.
    assert recovered(table) == set()
    three = make_table(
        ["a"], [("x",), ("y",), (TOTAL,)], [7, 6, 13], rounding=Rounding(5), sensitive=[True] * 3
    )
    assert recovered(three) == set()
    exact_total = make_table(["a"], [(TOTAL,)], [4])
    assert recovered(table, exact_total) == {(("a", "x"),), (("a", "y"),)}


@pytest.mark.parametrize(
    ("value", "band"), [(0, (0, 0)), (1, (1, 6)), (6, (1, 6)), (7, (7, 12)), (18, (13, 18))]
)
def test_midpoint_six(value: int, band: tuple[int, int]) -> None:
    rule = Rounding(6, Method.MIDPOINT)
    (published,) = rule.apply(np.array([float(value)]))
    assert rule.interval(published, integral=True) == band


def test_a_single_person_knows_the_partner() -> None:
    table = make_table(
        ["a"],
        [("x",), ("y",), ("z",), (TOTAL,)],
        [1, 4, 50, 55],
        suppressed=[True, True, False, False],
        singleton=[True, False, False, False],
    )
    rules = AttackRules(percent=0)
    (exposure,) = audit([table], rules, seconds=10).exposures
    assert (exposure.how, exposure.address) == (Exposed.BY_CONTRIBUTOR, (("a", "y"),))
    assert audit([table], AttackRules(percent=0, contributors=False), seconds=10).safe


def test_a_single_person_knows_nobody_with_whom_no_line_is_shared() -> None:
    """A table without margins: hidden cells of one person each say nothing about one another."""
    table = make_table(
        ["a"],
        [("x",), ("y",), ("z",)],
        [1, 1, 4],
        suppressed=[True, True, True],
        singleton=[True, True, False],
    )
    assert audit([table], AttackRules(percent=10), seconds=10).safe


def test_persons_counted_in_two_groups_make_no_false_equality() -> None:
    """Distinct persons: 30 with one illness, 40 with another, 50 with any; nothing adds up."""
    table = make_table(["illness"], [("a",), ("b",), (TOTAL,)], [30, 40, 50], suppressed=[True, False, False])
    assert recovered(table) == set()


def test_every_witness_is_an_equation() -> None:
    table = cube((5, 5, 5), seed=3, hidden=40)
    (system,) = systems([table])
    found = exact_recovery(system)
    assert found.by_lines.sum() > 20
    prover = Prover(system, {}, float("inf"))
    for one in map(int, np.flatnonzero(found.by_lines)):
        witness = prover.prove(one, frozenset())
        assert witness.terms
        total = sum(term.coefficient * Fraction(term.value) for term in witness.terms)
        assert total == Fraction(witness.value) == Fraction(system.true[one])


def test_dropping_a_margin_sets_cells_free() -> None:
    full = cube((3, 3), seed=1, hidden=2)
    rows = [row for row in full.rows if TOTAL not in row]
    inner = make_table(["k0", "k1"], rows, full.true[: len(rows)], suppressed=full.suppressed[: len(rows)])
    assert recovered(inner) == set()
    assert recovered(full)


def test_levels_that_are_far_from_each_other_fill_the_dense_rest() -> None:
    """Enough hidden cells that sparse elimination gives up and the prime takes over."""
    table = cube((9, 9, 9), seed=5, hidden=350)
    (system,) = systems([table])
    space = null_space(system.matrix)
    matrix = system.matrix.toarray().astype(float)
    values, vectors = np.linalg.eigh(matrix.T @ matrix)
    null = vectors[:, values < 1e-9]
    assert space.certain
    assert set(space.determined) == set(np.flatnonzero(np.abs(null).max(axis=1) < 1e-8))


def test_all_orders_of_a_small_table_agree() -> None:
    for flags in product([False, True], repeat=4):
        rows = [("x", "p"), ("x", "q"), ("y", "p"), ("y", "q")]
        margins = [("x", TOTAL), ("y", TOTAL), (TOTAL, "p"), (TOTAL, "q"), (TOTAL, TOTAL)]
        table = make_table(
            ["a", "b"], [*rows, *margins], [5, 6, 7, 8, 11, 15, 12, 14, 26], suppressed=[*flags] + [False] * 5
        )
        if any(flags):
            assert bool(recovered(table)) == (sum(flags) < 4)


@pytest.mark.parametrize(("shape", "seed"), [((8, 9), 1), ((8, 9), 2), ((5, 5, 5), 3), ((4, 5, 6), 4)])
def test_whole_intervals_end_where_another_solver_says(shape: tuple[int, ...], seed: int) -> None:
    (system,) = systems([cube(shape, seed, 40)])
    found = bounds(system, exact_recovery(system), np.full(len(system.unknowns), np.inf), 60)
    assert (found.width == Width.NARROW).all()
    for unknown in range(len(system.unknowns)):
        ends = []
        for sign in (1, -1):
            cost = np.zeros(len(system.unknowns))
            cost[unknown] = sign
            limits = list(zip(system.low, [None] * len(cost), strict=True))
            said = linprog(cost, A_eq=system.matrix, b_eq=system.rhs, bounds=limits, method="highs-ipm")
            ends.append(sign * said.fun)
        # Whole numbers may leave less of a small component than real ones.
        low, high = found.low[unknown], found.high[unknown]
        assert ends[0] - 1e-6 <= low <= np.ceil(ends[0] - 1e-6) + 1e-6
        assert np.floor(ends[1] + 1e-6) - 1e-6 <= high <= ends[1] + 1e-6
