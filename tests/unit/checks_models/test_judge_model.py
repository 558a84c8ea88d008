"""What a model says about a few persons is found; what it says about many passes."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest

from egress_review.checks.findings import FindingCode
from egress_review.checks.models.groups import rests_on_one
from egress_review.checks.models.judge import judge_model
from egress_review.checks.models.separation import separated
from onggi.errors import Invalid
from onggi.models.fit import fit
from onggi.models.spec import ModelKind, ModelSpec
from onggi.reasons import Reason

LEAST = 10
Change = Callable[[pd.DataFrame], pd.DataFrame]


def cohort(count: int = 600) -> pd.DataFrame:
    random = np.random.default_rng(7)
    return pd.DataFrame({
        "person": np.arange(count),
        "age": random.integers(30, 80, count),
        "sex": random.choice(["F", "M"], count),
        "site": random.choice(["a", "b", "c"], count),
        "cost": random.normal(100, 20, count),
        "ill": random.integers(0, 2, count),
        "visits": random.poisson(2, count),
        "years": random.exponential(10, count).round(1) + 0.1,
        "died": random.integers(0, 2, count),
    })  # fmt: skip


def codes(spec: ModelSpec, frame: pd.DataFrame) -> list[FindingCode]:
    fitted = fit(spec, frame)
    persons = np.unique(fitted.frame["person"], return_inverse=True)[1]
    return [one.code for one in judge_model(spec, fitted, persons, LEAST)]


HONEST = [
    ModelSpec(ModelKind.OLS, "cost ~ age + C(sex) + C(site)"),
    ModelSpec(ModelKind.OLS, "cost ~ age * C(sex)"),
    ModelSpec(ModelKind.LOGIT, "ill ~ age + C(site)"),
    ModelSpec(ModelKind.POISSON, "visits ~ age + C(sex)"),
    ModelSpec(ModelKind.COX, "~ age + C(sex)", time="years", event="died"),
    ModelSpec(ModelKind.KAPLAN_MEIER, time="years", event="died", by=("sex",), events_per_step=30),
]


@pytest.mark.parametrize("spec", HONEST, ids=lambda spec: spec.kind.value)
def test_an_honest_model_has_no_finding(spec: ModelSpec) -> None:
    assert codes(spec, cohort()) == []


@pytest.mark.parametrize("spec", [one for one in HONEST if one.formula], ids=lambda spec: spec.kind.value)
def test_a_dummy_of_one_person_never_gets_out(spec: ModelSpec) -> None:
    """Found where there is a fit; a logistic model with such a dummy has none."""
    frame = cohort().assign(me=lambda one: (one.person == 17).astype(int), died=1)
    with_dummy = ModelSpec(spec.kind, spec.formula + " + me", time=spec.time, event=spec.event)
    if spec.kind is ModelKind.LOGIT:
        with pytest.raises(Invalid) as caught:
            codes(with_dummy, frame)
        assert caught.value.reason is Reason.MODEL_NOT_FITTED
    else:
        assert FindingCode.GROUP_BEHIND_TERM_SMALL in codes(with_dummy, frame)


def test_one_persons_many_rows_are_one_person() -> None:
    frame = cohort().assign(person=lambda one: one.person % 9)
    found = codes(ModelSpec(ModelKind.OLS, "cost ~ age"), frame)
    assert FindingCode.THRESHOLD in found
    assert FindingCode.MODEL_DEGREES_OF_FREEDOM in found


def test_a_dummy_spread_over_one_persons_rows_is_found() -> None:
    frame = cohort().assign(person=lambda one: one.person.where(one.person >= 20, 5))
    frame = frame.assign(me=lambda one: (one.person == 5).astype(int))
    found = codes(ModelSpec(ModelKind.OLS, "cost ~ age + me"), frame)
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in found
    assert FindingCode.LEVERAGE_ONE in found


def test_a_person_hidden_in_two_columns_has_leverage_one() -> None:
    """Neither column shows it: their difference is the dummy."""
    frame = cohort().assign(other=lambda one: one.age + (one.person == 17))
    found = codes(ModelSpec(ModelKind.OLS, "cost ~ age + other"), frame)
    assert FindingCode.LEVERAGE_ONE in found


def test_a_small_cell_behind_an_interaction_is_found() -> None:
    frame = cohort()
    few = (frame.site == "c") & (frame.sex == "M")
    frame = frame[~few | (frame[few].groupby("site").cumcount().reindex(frame.index) < 4)]
    found = codes(ModelSpec(ModelKind.OLS, "cost ~ age + C(sex) * C(site)"), frame.reset_index(drop=True))
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in found


def test_a_small_reference_cell_is_found_too() -> None:
    """The first level has no column of its own."""
    frame = cohort()
    few = (frame.site == "a") & (frame.sex == "F")
    frame = frame[~few | (frame[few].groupby("site").cumcount().reindex(frame.index) < 4)]
    found = codes(ModelSpec(ModelKind.OLS, "cost ~ age + C(sex) * C(site)"), frame.reset_index(drop=True))
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in found


def test_an_extreme_value_is_shown_to_a_reviewer() -> None:
    frame = cohort().assign(age=lambda one: one.age.where(one.person != 3, 5000))
    assert codes(ModelSpec(ModelKind.OLS, "cost ~ age"), frame) == [FindingCode.LEVERAGE_HIGH]


def test_means_of_groups_are_a_table() -> None:
    assert codes(ModelSpec(ModelKind.OLS, "cost ~ C(site)"), cohort()) == [FindingCode.MODEL_SATURATED]


@pytest.mark.parametrize("ill", [0, 1])
def test_an_outcome_that_few_have_is_found(ill: int) -> None:
    frame = cohort().assign(ill=lambda one: np.where(one.person % 100 == 3, ill, 1 - ill))
    assert FindingCode.THRESHOLD in codes(ModelSpec(ModelKind.LOGIT, "ill ~ age"), frame)


def test_events_behind_a_level_are_counted() -> None:
    frame = cohort().assign(died=lambda one: one.died.where((one.site != "b") | (one.person < 20), 0))
    spec = ModelSpec(ModelKind.COX, "~ age + C(site)", time="years", event="died")
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in codes(spec, frame)


def test_small_steps_of_a_curve_are_found() -> None:
    spec = ModelSpec(ModelKind.KAPLAN_MEIER, time="years", event="died", events_per_step=2)
    assert FindingCode.SURVIVAL_STEP_SMALL in codes(spec, cohort())


def test_values_of_single_persons_are_no_times() -> None:
    """`time="cost"`: every tenth event prints the cost of one person to the cent."""
    spec = ModelSpec(ModelKind.KAPLAN_MEIER, time="years", event="died", events_per_step=12)
    costs = cohort().assign(died=1, years=lambda one: 100 + one.person * 1.17)
    assert codes(spec, costs) == [FindingCode.SURVIVAL_TIMES_SINGLE]
    rounded = costs.assign(years=lambda one: one.years // 50)
    assert FindingCode.SURVIVAL_TIMES_SINGLE not in codes(spec, rounded)


def test_the_end_of_a_curve_with_few_persons_left_is_found() -> None:
    """The fit counts rows; that the many rows at the end are one person's, only the gate sees."""
    frame = cohort().assign(died=1)
    spec = ModelSpec(ModelKind.KAPLAN_MEIER, time="years", event="died", events_per_step=12)
    assert codes(spec, frame) == []
    late = frame.assign(
        years=lambda one: one.years.where(one.person >= 40, 400.0),
        died=lambda one: one.died.where(one.person >= 40, 0),
        person=lambda one: one.person.where(one.person >= 40, 1),
    )
    assert codes(spec, late) == [FindingCode.SURVIVAL_STEP_SMALL]


def test_separation_is_seen_before_a_fit_fails() -> None:
    x = np.column_stack([np.ones(40), np.arange(40.0)])
    y = (np.arange(40) >= 20).astype(float)
    assert separated(x, y) is True
    y[[5, 30]] = 1 - y[[5, 30]]
    assert separated(x, y) is False


def test_quasi_separation_by_a_level_is_separation() -> None:
    level = np.repeat([0.0, 1.0], 30)
    outcome = np.where(level == 1, 1.0, np.tile([0.0, 1.0], 30))
    assert separated(np.column_stack([np.ones(60), level]), outcome) is True


def test_leverage_of_a_person_is_that_of_all_their_rows() -> None:
    random = np.random.default_rng(1)
    matrix = np.column_stack([np.ones(50), random.normal(size=(50, 2))])
    persons = np.arange(50) // 5
    basis, _ = np.linalg.qr(matrix)
    expected = max(np.linalg.svd(basis[persons == one])[1][0] ** 2 for one in range(10))
    assert rests_on_one(matrix, persons) == pytest.approx(expected)


def test_a_few_between_the_knots_of_a_spline_are_found() -> None:
    """Second differences of hinge columns leave those of one age, whatever else they have."""
    frame = cohort().assign(age=lambda one: np.where(one.age.between(60, 62), 63, one.age))
    few = [5, 55, 155]
    frame.loc[few, "age"] = 61
    for knot in (60, 61, 62):
        frame[f"over{knot}"] = np.maximum(frame.age - knot, 0)
    spec = ModelSpec(ModelKind.OLS, "cost ~ years + over60 + over61 + over62")
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in codes(spec, frame)
    wide = cohort().assign(**{f"over{at}": np.maximum(cohort().age - at, 0) for at in (45, 55, 65)})
    assert codes(ModelSpec(ModelKind.OLS, "cost ~ years + over45 + over55 + over65"), wide) == []


def test_what_two_indicators_leave_of_each_other_is_found() -> None:
    """Each is of hundreds, also both together; three persons have the one without the other."""
    frame = cohort().assign(one=lambda one: (one.person < 300).astype(int))
    frame["other"] = frame.one - frame.person.isin([3, 33, 133]).astype(int)
    frame["both"] = frame.one * frame.other
    frame.loc[frame.person.between(400, 500), "other"] = 1
    spec = ModelSpec(ModelKind.OLS, "cost ~ age + one + other + both")
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in codes(spec, frame)


def test_a_group_of_rows_is_counted_by_its_persons() -> None:
    """Forty rows at one age, of two persons."""
    frame = cohort()
    frame["age"] = np.where(frame.age == 61, 64, frame.age)
    frame.loc[:39, "age"] = 61
    frame.loc[:39, "person"] = frame.person[:40] % 2
    for knot in (60, 61, 62):
        frame[f"over{knot}"] = np.maximum(frame.age - knot, 0)
    spec = ModelSpec(ModelKind.OLS, "cost ~ over60 + over61 + over62")
    frame = frame[(frame.age < 61) | (frame.age > 62) | (frame.person < 2)]
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in codes(spec, frame)


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec(ModelKind.POISSON, "visits ~ age + C(site)"),
        ModelSpec(ModelKind.COX, "~ age + C(site)", time="years", event="died"),
    ],
    ids=lambda spec: spec.kind.value,
)
def test_a_level_without_any_event_is_found(spec: ModelSpec) -> None:
    """That nobody of a site died, or had a visit, is said of each who is there."""
    frame = cohort()
    frame.loc[frame.site == "b", ["visits", "died"]] = 0
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in codes(spec, frame)


def test_a_response_that_is_one_persons_is_shown_to_a_reviewer() -> None:
    """Taken to a high power, the sums are the largest cost: dominance, as in a table."""
    frame = cohort().assign(power=lambda one: (one.cost / 100) ** 200)
    assert FindingCode.LEVERAGE_HIGH in codes(ModelSpec(ModelKind.OLS, "power ~ age"), frame)
    shifted = cohort().assign(cost=lambda one: one.cost + 1e6)
    assert codes(ModelSpec(ModelKind.OLS, "cost ~ age"), shifted) == []
