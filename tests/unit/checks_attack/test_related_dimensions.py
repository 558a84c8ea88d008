"""Keys that cut one dimension in different ways, and filters: held against the parts themselves."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.checks.attack import system as system_module
from egress_review.checks.attack.exact import exact_recovery
from egress_review.checks.attack.frame import Frame
from egress_review.checks.attack.model import TOTAL, Key, Level, PublishedTable, Slice, make_table
from egress_review.checks.attack.pieces import conjuncts, picked, renamed, with_plain_names
from egress_review.checks.attack.system import systems

PARTS = [frozenset(f"{dimension}{at}" for at in range(4)) for dimension in "ab"]
PLACES = list(product(*map(sorted, PARTS)))
VALUES = dict(zip(PLACES, np.random.default_rng(5).integers(10, 90, len(PLACES)).tolist(), strict=True))


def held(table: PublishedTable, row: tuple[Level, ...]) -> np.ndarray:
    """Which places of the two dimensions a row is the sum of."""
    found = []
    for place in PLACES:
        inside = True
        for part, dimension in zip(place, "ab", strict=True):
            left = table.slices.get(dimension)
            inside &= left is None or part in left.parts
            for key, level in zip(table.keys, row, strict=True):
                inside &= key.dimension != dimension or level is TOTAL or part in key.parts[level]
        found.append(inside)
    return np.array(found)


@st.composite
def cut(draw: st.DrawFn, dimension: int) -> Key:
    """A key that cuts a dimension anyhow."""
    groups = draw(st.lists(st.integers(0, 2), min_size=4, max_size=4))
    name = "ab"[dimension]
    levels = {
        f"L{one}": frozenset(
            part for part, of in zip(sorted(PARTS[dimension]), groups, strict=True) if of == one
        )
        for one in sorted(set(groups))
    }
    return Key(f"{name}{''.join(map(str, groups))}", {}, name, levels)


@st.composite
def tables(draw: st.DrawFn) -> PublishedTable:
    """A table by one key of each dimension or of one, with or without margins, filtered or not."""
    keys = [draw(cut(one)) for one in draw(st.sampled_from([(0,), (1,), (0, 1)]))]
    slices = {}
    for at in draw(st.sets(st.integers(0, 1), max_size=2)):
        left = draw(st.sets(st.sampled_from(sorted(PARTS[at])), min_size=1))
        slices["ab"[at]] = Slice(frozenset(left), PARTS[at], f"{sorted(left)}")
    margins = draw(st.booleans())
    rows = list(product(*([*key.parts, *([TOTAL] if margins else [])] for key in keys)))
    bare = make_table(keys, rows, [0] * len(rows), slices=slices)
    masks = [held(bare, row) for row in rows]
    there = [at for at, mask in enumerate(masks) if mask.any()]
    values = [
        float(sum(VALUES[place] for place, one in zip(PLACES, masks[at], strict=True) if one)) for at in there
    ]
    hidden = draw(st.lists(st.booleans(), min_size=len(there), max_size=len(there)))
    complete = frozenset(product(*([1, 0] if margins else [1] for _ in keys)))
    return make_table(
        keys, [rows[at] for at in there], values, suppressed=hidden, slices=slices, complete=complete
    )


def rank(rows: list[np.ndarray]) -> int:
    return int(np.linalg.matrix_rank(np.array(rows, float))) if rows else 0


@settings(max_examples=300, deadline=None)
@given(st.lists(tables(), min_size=1, max_size=3))
def test_what_is_found_follows_from_the_parts(drawn: list[PublishedTable]) -> None:
    """Every recovered cell is a combination of shown ones; of two tables, every such combination is found."""
    (system,) = systems(drawn)
    found = exact_recovery(system)
    masks = {
        (at, row): held(table, table.rows[row])
        for at, table in enumerate(drawn)
        for row in range(len(table.rows))
    }
    shown = [mask for (at, row), mask in masks.items() if not drawn[at].suppressed[row]]
    known = rank(shown)
    for unknown, address in enumerate(system.unknowns):
        for place in system.cells[address].rows:
            follows = rank([*shown, masks[place]]) == known
            if found.by_lines[unknown]:
                assert follows
            elif len(drawn) <= 2:
                assert not follows or found.by_bounds[unknown]


def test_a_cell_is_one_however_its_keys_are_called() -> None:
    five = Key("five", {}, "age", {"40": frozenset({"40"}), "45": frozenset({"45"})})
    ten = Key("ten", {}, "age", {"40s": frozenset({"40", "45"})})
    both = make_table([five, ten], [("40", "40s"), ("45", "40s")], [3, 40])
    one = make_table([five], [("40",), ("45",)], [3, 40])
    frame = Frame([both, one])
    assert [frame.address(table, 0) for table in (both, one)] == [(("five", "40"),)] * 2


def test_a_level_that_the_source_does_not_know_is_refused() -> None:
    key = Key("five", {}, "age", {"40": frozenset({"40"})})
    with pytest.raises(ValueError, match="dimension"):
        Frame([make_table([key], [("50",)], [3])]).address(make_table([key], [("50",)], [3]), 0)


@pytest.mark.parametrize(
    ("sql", "parts"),
    [
        ("", ()),
        ('("p"."a" = 1)', ('"p"."a" = 1',)),
        (
            '("p"."a" = 1) AND (("p"."b" = 2) AND ("p"."c" = 3))',
            ('"p"."a" = 1', '"p"."b" = 2', '"p"."c" = 3'),
        ),
        (
            '("p"."a" = 1) AND ("p"."b" = 2) OR ("p"."c" = 3)',
            ('("p"."a" = 1) AND ("p"."b" = 2) OR ("p"."c" = 3)',),
        ),
        ('"p"."a" BETWEEN 1 AND 2', ('"p"."a" BETWEEN 1 AND 2',)),
        ('("p"."a" = \' AND (\')', ('"p"."a" = \' AND (\'',)),
        ('CASE WHEN "a" AND "b" THEN true END', ('CASE WHEN "a" AND "b" THEN true END',)),
    ],
)
def test_conditions_are_cut_at_and(sql: str, parts: tuple[str, ...]) -> None:
    assert conjuncts(sql) == parts


@pytest.mark.parametrize(
    ("sql", "zero", "found"),
    [
        ('(CASE WHEN ("p"."s" = 1) THEN "p"."x" END)', False, (('"p"."s" = 1',), '"p"."x"')),
        ("CASE WHEN a THEN x ELSE 0 END", True, (("a",), "x")),
        ("CASE WHEN a THEN x ELSE 0 END", False, ((), "CASE WHEN a THEN x ELSE 0 END")),
        ("CASE WHEN a THEN x ELSE 1 END", True, ((), "CASE WHEN a THEN x ELSE 1 END")),
        ("CASE WHEN a THEN x WHEN b THEN y END", True, ((), "CASE WHEN a THEN x WHEN b THEN y END")),
        ("CASE WHEN a THEN CASE WHEN b THEN x END END", True, (("a", "b"), "x")),
        (
            "CASE WHEN a THEN x END + CASE WHEN b THEN y END",
            True,
            ((), "CASE WHEN a THEN x END + CASE WHEN b THEN y END"),
        ),
        ('"p"."x" + 1', True, ((), '"p"."x" + 1')),
    ],
)
def test_a_case_that_picks_is_a_filter(sql: str, zero: bool, found: tuple[tuple[str, ...], str]) -> None:
    assert picked(sql, zero=zero) == found


def test_tables_have_plain_names() -> None:
    plain, names = with_plain_names('"d"."person" AS "p" JOIN "d"."visit" AS "v" ON ("p"."id" = "v"."id")')
    assert plain == '"d"."person" AS "t0" JOIN "d"."visit" AS "t1" ON ("t0"."id" = "t1"."id")'
    assert renamed('(\'"p".x\' = "p"."x")', names) == '(\'"p".x\' = "t0"."x")'


def test_more_than_can_be_listed_outside_a_filter_is_one_unknown_for_each_margin(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No limit makes a wrong equality: what a slice hides follows from its own margin, not from the whole."""
    sex = frozenset({"F", "M"})
    ages = {str(at): frozenset({str(at)}) for at in range(4)}
    key = Key("age", {}, "ages", ages)
    women = {"sex": Slice(frozenset({"F"}), sex, "F")}
    rows = [(age,) for age in ages]
    hidden = make_table([key], rows, [3, 40, 50, 60], suppressed=[True, False, False, False], slices=women)
    sums = make_table([key], [(TOTAL,)], [153], slices=women)
    whole = make_table([key], rows, [30, 80, 90, 120])
    men = make_table([key], rows, [27, 40, 40, 60], slices={"sex": Slice(frozenset({"M"}), sex, "M")})
    for most, with_men in ((20_000, True), (0, False)):
        monkeypatch.setattr(system_module, "MOST_OUTSIDE", most)
        for tables, known in (
            ([hidden, sums], True),
            ([hidden, whole], False),
            ([hidden, whole, men], with_men),
        ):
            (system,) = systems(tables)
            found = exact_recovery(system)
            (at,) = [at for at, one in enumerate(system.unknowns) if (0, 0) in system.cells[one].rows]
            assert found.recovered[at] == known, (most, len(tables))
            # There are no more women of an age than there are people of it.
            assert known or found.ranges.high[at] == (30 if len(tables) == 2 else 30 - 27)
