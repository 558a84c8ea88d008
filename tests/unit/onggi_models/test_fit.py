"""What is published of a model agrees with statsmodels' own formulas, and with arithmetic by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import statsmodels.formula.api as smf

from onggi.errors import Invalid
from onggi.models.fit import fit, significant
from onggi.models.spec import ModelKind, ModelSpec
from onggi.reasons import Reason


@pytest.fixture(scope="module")
def people() -> pd.DataFrame:
    random = np.random.default_rng(20261121)
    count = 900
    age = random.integers(30, 80, count)
    sex = random.choice(["F", "M"], count)
    site = random.choice([3, 10, 20], count)
    return pd.DataFrame({
        "age": age,
        "sex": sex,
        "site": site,
        "cost": 100 + 2.5 * age + 30 * (sex == "M") + random.normal(0, 20, count),
        "ill": (random.random(count) < 1 / (1 + np.exp(3 - 0.05 * age))).astype(int),
        "visits": random.poisson(np.exp(0.01 * age)),
        "years": random.exponential(10, count).round(1) + 0.1,
        "died": random.integers(0, 2, count),
    })  # fmt: skip


REFERENCE = {
    ModelKind.OLS: ("cost ~ age * C(sex)", smf.ols, {}),
    ModelKind.LOGIT: ("ill ~ age + C(sex) + C(site)", smf.logit, {}),
    ModelKind.POISSON: ("visits ~ age + C(site)", smf.glm, {"family": sm.families.Poisson()}),
}


@pytest.mark.parametrize("kind", REFERENCE)
def test_coefficients_agree_with_the_formulas_of_statsmodels(people: pd.DataFrame, kind: ModelKind) -> None:
    formula, reference, options = REFERENCE[kind]
    expected = reference(formula, people, **options).fit(**({"disp": 0} if kind is ModelKind.LOGIT else {}))
    rows = [row for row in fit(ModelSpec(kind, formula), people).rows if not row[0].startswith("_")]
    assert sorted(row[1] for row in rows) == pytest.approx(sorted(expected.params), rel=1e-5)
    assert sorted(row[2] for row in rows) == pytest.approx(sorted(expected.bse), rel=1e-5)


def test_levels_are_counted_from_the_first_and_numbers_stand_by_size(people: pd.DataFrame) -> None:
    names = [row[0] for row in fit(ModelSpec(ModelKind.LOGIT, "ill ~ C(sex) + C(site)"), people).rows]
    assert names[:4] == ["(intercept)", "sex[M]", "site[10]", "site[20]"]


def test_a_cox_model_agrees_with_statsmodels(people: pd.DataFrame) -> None:
    found = fit(ModelSpec(ModelKind.COX, "~ age + C(sex)", time="years", event="died"), people)
    matrix = np.column_stack([people.age, people.sex == "M"]).astype(float)
    expected = sm.PHReg(people.years, matrix, status=people.died, ties="efron").fit()
    assert [row[1] for row in found.rows[:2]] == pytest.approx(list(expected.params), rel=1e-5)


def test_a_curve_steps_down_only_when_enough_events_have_gathered(people: pd.DataFrame) -> None:
    spec = ModelSpec(ModelKind.KAPLAN_MEIER, time="years", event="died", by=("sex",), events_per_step=10)
    rows = fit(spec, people).rows
    assert {row[0] for row in rows} == {"F", "M"}
    assert min(row[2] for row in rows) >= 10
    women = people[people.sex == "F"]
    last = max(row[1] for row in rows if row[0] == "F")
    assert (women.years > last).sum() >= 10
    curve = sm.SurvfuncRight(women.years, women.died)
    exact = dict(zip(map(significant, curve.surv_times), curve.surv_prob, strict=True))
    assert all(row[3] == significant(exact[row[1]]) for row in rows if row[0] == "F")


def test_rows_with_something_missing_are_left_out(people: pd.DataFrame) -> None:
    holes = people.assign(age=people.age.astype(float).where(people.index >= 100))
    found = {row[0]: row[1] for row in fit(ModelSpec(ModelKind.OLS, "cost ~ age"), holes).rows}
    assert found["_observations"] == len(people) - 100


def test_no_number_has_more_than_six_digits(people: pd.DataFrame) -> None:
    for row in fit(ModelSpec(ModelKind.OLS, "cost ~ age + C(sex)"), people).rows:
        for value in row[1:]:
            assert value is None or value == float(f"{value:.6g}")


@pytest.mark.parametrize(
    ("cause", "kind", "formula"),
    [
        ("collinear", ModelKind.OLS, "cost ~ age + twice"),
        ("0/1", ModelKind.LOGIT, "cost ~ age"),
        ("count", ModelKind.POISSON, "cost ~ age"),
    ],
)
def test_a_model_that_has_no_answer_says_why(
    people: pd.DataFrame, cause: str, kind: ModelKind, formula: str
) -> None:
    with pytest.raises(Invalid) as caught:
        fit(ModelSpec(kind, formula), people.assign(twice=people.age * 2))
    assert (caught.value.reason, caught.value.params["cause"]) == (Reason.MODEL_NOT_FITTED, cause)


def test_perfect_separation_has_no_answer(people: pd.DataFrame) -> None:
    split = people.assign(ill=(people.age > 50).astype(int))
    with pytest.raises(Invalid) as caught:
        fit(ModelSpec(ModelKind.LOGIT, "ill ~ age"), split)
    assert caught.value.reason is Reason.MODEL_NOT_FITTED


@pytest.mark.parametrize("bad", [np.inf, "a"])
def test_a_column_that_is_no_number_is_named(people: pd.DataFrame, bad: object) -> None:
    broken = people.assign(age=pd.Series([bad, *people.age[1:]], dtype=object))
    with pytest.raises(Invalid) as caught:
        fit(ModelSpec(ModelKind.OLS, "cost ~ age"), broken)
    assert "age" in caught.value.params["value"]
