"""A protected table withstands the attack, in brute force too, or says why it does not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.checks.attack.audit import AttackRules, audit
from egress_review.checks.attack.model import TOTAL, Key, PublishedTable, make_table
from egress_review.checks.attack.system import systems
from egress_review.checks.protect.bands import merge_bands
from egress_review.checks.protect.loss import loss_of
from egress_review.checks.protect.proposal import merge, protect
from egress_review.checks.protect.suppression import suppress
from egress_review.checks.protect.way import Way
from tests.support.attacked import all_solutions, cube, sparse_counts, with_margins

RULES = AttackRules(percent=10)


def primary(shape: tuple[int, ...], seed: int, threshold: int = 10) -> PublishedTable:
    keys, rows, numbers = with_margins(sparse_counts(shape, seed))
    values = np.array(numbers)
    sensitive = (values > 0) & (values < threshold)
    return make_table(
        keys, rows, values, suppressed=np.zeros(len(values), bool), sensitive=sensitive, singleton=values == 1
    )


@pytest.mark.parametrize("shape", [(4, 5), (20, 8), (4, 4, 4), (3, 2, 3, 2)])
@pytest.mark.parametrize("seed", [1, 2])
def test_every_way_to_hide_withstands_the_attack(shape: tuple[int, ...], seed: int) -> None:
    table = primary(shape, seed)
    assert not audit([replace(table, suppressed=table.sensitive)], RULES, 10).safe or shape != (4, 4, 4)
    made = suppress(table, [], RULES, 30)
    assert made.found.safe
    assert made.table.suppressed[table.sensitive].all()
    assert audit([made.table], RULES, 30).safe
    hidden = made.table.suppressed
    assert np.isnan(made.table.published[hidden]).all()
    assert np.array_equal(made.table.published[~hidden], table.true[~hidden])


@settings(max_examples=20, deadline=None)
@given(st.lists(st.integers(0, 6), min_size=9, max_size=9))
def test_brute_force_finds_several_values_for_every_sensitive_cell(values: list[int]) -> None:
    keys, rows, numbers = with_margins(np.array(values).reshape(3, 3))
    true = np.array(numbers)
    sensitive = (true > 0) & (true < 3)
    table = make_table(keys, rows, true, suppressed=np.zeros(16, bool), sensitive=sensitive)
    made = suppress(table, [], AttackRules(percent=0), 20)
    if not made.found.safe:
        # Only a table that is nearly all zeros cannot be protected: nothing can move.
        assert (true[:9] > 0).sum() <= 3
        return
    if not sensitive.any():
        return
    (system,) = systems([made.table])
    solutions = all_solutions(system, most=6)
    for unknown in np.flatnonzero(system.sensitive):
        assert len({solution[unknown] for solution in solutions}) > 1


def test_a_partner_is_not_a_single_person() -> None:
    """The cheapest partner of y would be x; but the one person in x would see through it."""
    table = make_table(
        ["a"], [("x",), ("y",), ("z",), ("w",), (TOTAL,)], [1, 4, 50, 60, 115],
        suppressed=[False] * 5, sensitive=[True, True, False, False, False],
        singleton=[True, False, False, False, False],
    )  # fmt: skip
    made = suppress(table, [], RULES, 10)
    assert made.found.safe
    assert made.table.suppressed.tolist() == [True, True, True, False, False]


def test_linked_tables_are_protected_against() -> None:
    table = make_table(
        ["year", "grant"],
        [("2010", "G"), ("2010", "N"), ("2010", "R"), ("2011", "G"), ("2011", "N"), ("2011", "R")],
        [3, 40, 50, 30, 50, 20],
        suppressed=[False] * 6, sensitive=[True] + [False] * 5,
    )  # fmt: skip
    assert suppress(table, [], RULES, 10).table.suppressed.sum() == 1
    released = make_table(["year"], [("2010",), ("2011",)], [93, 100], name="R-1")
    made = suppress(table, [released], RULES, 10)
    assert made.found.safe
    assert made.table.suppressed.sum() == 2


def test_a_released_partner_cannot_be_hidden_any_more() -> None:
    table = make_table(
        ["sex"],
        [("F",), ("M",), (TOTAL,)],
        [3, 40, 43],
        suppressed=[False] * 3,
        sensitive=[True, False, False],
    )
    made = suppress(table, [make_table(["sex"], [("M",), (TOTAL,)], [40, 43], name="R-1")], RULES, 10)
    assert not made.found.safe
    assert [one.low for one in made.found.exposures] == [3]


def test_hierarchies_are_protected() -> None:
    age = Key("age", {"60-69": "60+", "70+": "60+", "40-49": "-59", "50-59": "-59"})
    table = make_table(
        [age],
        [("40-49",), ("50-59",), ("60-69",), ("70+",), ("-59",), ("60+",), (TOTAL,)],
        [100, 120, 90, 3, 220, 93, 313],
        suppressed=[False] * 7, sensitive=[False, False, False, True, False, False, False],
    )  # fmt: skip
    made = suppress(table, [], RULES, 10)
    assert made.found.safe
    assert made.table.suppressed[2:4].all()
    assert made.table.suppressed.sum() == 2


def test_without_time_nothing_is_safe() -> None:
    table = primary((4, 4, 4), 1)
    assert not suppress(table, [], AttackRules(percent=1000), 0).found.safe


def test_midpoints_of_six_hide_nothing_and_change_little() -> None:
    (proposal,) = [protect([primary((6, 5), 3)], Way.MIDPOINT6, AttackRules(percent=0), 20)]
    (table,), (loss,) = proposal.tables, proposal.losses
    assert not table.suppressed.any()
    assert loss.secondary == 0
    assert np.abs(table.published - table.true).max() <= 3
    assert loss.absolute_change == np.abs(table.published - table.true).sum()
    # Margins are rounded from their own values: they do not have to add up.
    assert set(np.unique(table.published % 6)) <= {0.0, 3.0}


def test_a_sum_and_its_count_hide_the_same_rows() -> None:
    count = primary((5, 5), 4)
    total = replace(count, true=count.true * 7.5, published=count.true * 7.5, integral=False, subject="sum",
                    sensitive=np.arange(len(count.rows)) == 3)  # fmt: skip
    proposal = protect([count, total], Way.SUPPRESS, RULES, 30)
    assert proposal.safe
    assert np.array_equal(proposal.tables[0].suppressed, proposal.tables[1].suppressed)
    assert proposal.tables[0].suppressed[3]


def test_bands_are_merged_until_nobody_is_alone() -> None:
    rows = [(band, sex) for band in ("0-9", "10-19", "20-29", "100+") for sex in ("F", "M")]
    persons = np.array([50.0, 40, 30, 20, 12, 4, 3, 15])
    table = make_table(["age", "sex"], rows, persons, suppressed=[False] * 8, sensitive=persons < 10)
    merged = merge_bands(table, persons, 10, key=0)
    assert merged.bands == {"20-29": "20-29 – 100+", "100+": "20-29 – 100+"}
    assert dict(zip(merged.table.rows, merged.table.true, strict=True))["20-29 – 100+", "F"] == 15
    assert merged.merged_levels == 1
    proposal = merge(table, persons, 10, RULES, 10)
    assert proposal is not None
    assert proposal.safe
    assert proposal.losses[0].merged_cells == 2


def test_what_merging_cannot_mend_is_not_safe() -> None:
    table = make_table(["a"], [("x",), ("y",)], [2, 3], suppressed=[False] * 2, sensitive=[True, True])
    proposal = merge(table, np.array([2.0, 3.0]), 10, RULES, 10)
    assert proposal is not None
    assert not proposal.safe


def test_loss_is_counted() -> None:
    table = make_table(
        ["a"], [("x",), ("y",), ("z",)], [10, 30, 60], suppressed=[True, True, False],
        sensitive=[True, False, False],
    )  # fmt: skip
    loss = loss_of(table)
    assert (loss.primary, loss.secondary, loss.hidden_share, loss.changed) == (1, 1, 0.4, 0)


def test_a_larger_cube_is_protected_in_time() -> None:
    made = suppress(cube((10, 10, 10), seed=2, hidden=300), [], RULES, 60)
    assert made.found.safe
