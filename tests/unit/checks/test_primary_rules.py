"""Each rule at its limit, from both sides."""

from dataclasses import replace
from typing import Any

import pytest

from egress_review.checks.reading.query import Kind, Measure
from egress_review.checks.rules.document import shipped
from egress_review.checks.rules.label import label
from egress_review.checks.rules.primary import judge_cell, rounded_as_asked
from egress_review.checks.source.evidence import Cell

SUM = Measure("s", 'sum("t"."cost")', Kind.SUM, argument='"t"."cost"')
SAFE = Cell(
    key=("A",), grouping=0, measure=0, value=1000.0, rows=50, units=50, contributors=50, present=50,
    values=50,
    total_abs=1000.0, top=(20.0, 20.0, 20.0), minimum=1.0, maximum=40.0,
)  # fmt: skip


def of(kind: Kind, **more: Any) -> Measure:
    return Measure("m", "…", kind, argument='"t"."cost"', **more)


def codes(cell: Cell, measure: Measure = SUM, profile: str = "sdap") -> set[str]:
    return {one.code.value for one in judge_cell(cell, measure, shipped(profile))}


@pytest.mark.parametrize("profile", ["acro-default", "sdap", "strict"])
def test_a_cell_of_many_alike_in_size_is_safe(profile: str) -> None:
    assert codes(SAFE, profile=profile) == set()


@pytest.mark.parametrize(
    ("profile", "least"), [("acro-default", 10), ("sdap", 10), ("strict", 20), ("opensafely", 8)]
)
def test_the_threshold_is_the_least_that_passes(profile: str, least: int) -> None:
    at = replace(SAFE, units=least, contributors=least, present=least, values=least, rows=least)
    below = replace(at, contributors=least - 1, present=least - 1)
    assert "threshold" not in codes(at, profile=profile)
    assert "threshold" in codes(below, profile=profile)


def test_whoever_adds_only_zeros_counts_for_acro_and_not_for_persons() -> None:
    cell = replace(SAFE, contributors=3, present=50)
    assert "threshold" in codes(cell)
    assert "threshold" not in codes(cell, profile="acro-default")


@pytest.mark.parametrize(
    ("top", "total", "broken"),
    [((45.0, 44.9), 100.0, False), ((45.0, 45.0), 100.0, True), ((90.0, 0.0), 100.0, True)],
)
def test_two_of_two_make_90_percent(top: tuple[float, ...], total: float, broken: bool) -> None:
    cell = replace(SAFE, top=top, total_abs=total)
    assert ("dominance_nk" in codes(cell, profile="acro-default")) is broken


def test_one_person_makes_half() -> None:
    assert "dominance_nk" in codes(replace(SAFE, top=(500.0, 1.0)))
    assert "dominance_nk" not in codes(replace(SAFE, top=(499.0, 1.0)))


def test_the_rest_is_a_tenth_of_the_largest() -> None:
    assert "p_percent" in codes(replace(SAFE, top=(100.0, 20.0), total_abs=129.99), profile="acro-default")
    assert "p_percent" not in codes(replace(SAFE, top=(100.0, 20.0), total_abs=130.0), profile="acro-default")


def test_what_is_not_a_number_is_never_below_a_limit() -> None:
    for cell in (
        replace(SAFE, top=(float("nan"), 1.0), total_abs=float("nan")),
        replace(SAFE, top=(float("inf"), 1.0), total_abs=float("inf")),
    ):
        assert {"dominance_nk", "p_percent"} <= codes(cell)


def test_a_count_of_persons_has_no_size_and_a_count_of_visits_has() -> None:
    count = Measure("n", "count(*)", Kind.COUNT)
    once = replace(SAFE, top=(1.0, 1.0, 1.0), total_abs=50.0, minimum=None, maximum=None)
    assert codes(once, count) == set()
    assert "dominance_nk" in codes(replace(once, top=(60.0, 1.0), total_abs=110.0), count)


def test_degrees_of_freedom_are_units_less_one() -> None:
    eleven = replace(SAFE, units=11, contributors=11, present=11, values=11)
    assert "degrees_of_freedom" not in codes(eleven, of(Kind.STDDEV))
    ten = replace(eleven, units=10, contributors=10, present=10, values=10)
    assert "degrees_of_freedom" in codes(ten, of(Kind.STDDEV))
    assert "degrees_of_freedom" in codes(ten, of(Kind.VARIANCE), "acro-default")


def test_an_extreme_needs_as_many_holders_as_the_profile_asks() -> None:
    held = replace(SAFE, units_at_maximum=10, units_at_minimum=9)
    assert "single_person_statistic" not in codes(held, of(Kind.MAXIMUM))
    assert "single_person_statistic" in codes(held, of(Kind.MINIMUM))


@pytest.mark.parametrize(
    ("probability", "units", "broken"), [(0.5, 20, False), (0.5, 19, True), (0.9, 99, True)]
)
def test_a_quantile_needs_the_threshold_on_its_thinner_side(
    probability: float,
    units: int,
    broken: bool,
) -> None:
    cell = replace(SAFE, units=units, present=units)
    measure = of(Kind.QUANTILE, parameters=(probability,))
    assert ("quantile_support" in codes(cell, measure)) is broken


def test_an_institution_that_is_nearly_alone() -> None:
    cell = replace(SAFE, institutions=2, institutions_abs=100.0, top_institutions=(95.0, 5.0))
    assert codes(cell) == {"institution_dominance"}
    assert codes(replace(cell, top_institutions=(50.0, 50.0))) == set()


def test_a_ratio_is_judged_by_both_its_parts() -> None:
    count = Measure("", "count(*)", Kind.COUNT)
    ratio = Measure("r", "…", Kind.RATIO, parts=(count, count))
    some = replace(SAFE, top=(1.0,), total_abs=50.0, minimum=None, maximum=None)
    few = replace(some, contributors=3, present=3)
    assert codes(replace(some, parts=(few, some)), ratio) == {"threshold"}
    assert codes(replace(some, parts=(some, some)), ratio) == set()


@pytest.mark.parametrize(
    ("profile", "text", "asked"),
    [
        ("opensafely", "25", True), ("opensafely", "26", False), ("opensafely", "x", False),
        ("opensafely", "0", True),
        ("opensafely-midpoint6", "9", True), ("opensafely-midpoint6", "12", False),
        ("opensafely-midpoint6", "0", True),
        ("sdap", "26", True),
    ],
)  # fmt: skip
def test_counts_have_the_form_that_the_profile_asks_for(profile: str, text: str, asked: bool) -> None:
    assert rounded_as_asked(text, shipped(profile).rules) is asked


def test_every_broken_rule_names_its_number_its_source_and_a_proposal() -> None:
    for broken in judge_cell(replace(SAFE, contributors=1, top=(900.0, 50.0)), SUM, shipped("strict")):
        assert {"source", "proposal"} <= set(broken.params)


def test_measures_are_called_by_what_they_are() -> None:
    assert label(SUM) == "sum(cost)"
    assert label(of(Kind.AVERAGE)) == "mean(cost)"
    assert label(Measure("n", "count(*)", Kind.COUNT)) == "count(*)"
    assert label(of(Kind.QUANTILE, parameters=(0.25,))) == "quantile(cost, 0.25)"
