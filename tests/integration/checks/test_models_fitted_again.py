"""A model's table: computed again from the source, held to every number, judged by persons."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from egress_review.checks.report import FindingCode, OutputReport, Verdict
from onggi.models.spec import ModelKind, ModelSpec
from tests.support.check_tables import Source

Checker = Callable[..., OutputReport]

PLAIN = "SELECT age, sex, cost FROM person"


def codes(report: OutputReport) -> set[FindingCode]:
    return {one.code for one in report.findings}


OLS = ModelSpec(ModelKind.OLS, "cost ~ age + C(sex)")


def test_an_honest_regression_passes(source: Source, checked: Checker) -> None:
    report = checked(source.model(OLS, PLAIN))
    assert codes(report) == {FindingCode.RECOMPUTED}
    assert report.verdict is Verdict.PASS


def test_an_edited_coefficient_is_named(source: Source, checked: Checker) -> None:
    made = source.model(OLS, PLAIN)
    line = next(one for one in made.body.decode().splitlines() if one.startswith("age,"))
    estimate = line.split(",")[1]
    report = checked(made.edited(estimate, str(float(estimate) + 1)))
    (found,) = [one for one in report.findings if one.code is FindingCode.VALUE_DIFFERS]
    assert found.cell == {"term": "age"}
    assert found.params["column"] == "estimate"
    assert report.verdict is Verdict.BLOCK


def test_a_dropped_and_an_added_term_are_named(source: Source, checked: Checker) -> None:
    made = source.model(OLS, PLAIN)
    lines = made.body.decode().splitlines(keepends=True)
    without = made.with_body("".join(one for one in lines if not one.startswith("age,")).encode())
    assert FindingCode.ROW_MISSING in codes(checked(without))
    secret = made.with_body((made.body.decode() + "zz,1.0,1.0,1.0,1.0,1.0,1.0\n").encode())
    assert FindingCode.ROW_EXTRA in codes(checked(secret))


def test_digits_that_say_more_than_six_are_no_proof(source: Source, checked: Checker) -> None:
    """Between two neighbours of six digits lie many numbers: they could spell something."""
    made = source.model(OLS, PLAIN)
    line = next(one for one in made.body.decode().splitlines() if one.startswith("age,"))
    estimate = line.split(",")[1]
    report = checked(made.edited(estimate, estimate + "00731"))
    assert FindingCode.VALUE_DIFFERS in codes(report)


@pytest.mark.parametrize(
    ("spec", "sql"),
    [
        (ModelSpec(ModelKind.LOGIT, "old ~ cost"), "SELECT (age > 50)::INTEGER AS old, cost FROM person"),
        (ModelSpec(ModelKind.POISSON, "age ~ cost"), PLAIN),
        (
            ModelSpec(ModelKind.COX, "~ cost", time="age", event="old"),
            "SELECT age, cost, (age > 30)::INTEGER AS old FROM person",
        ),
        (
            ModelSpec(ModelKind.KAPLAN_MEIER, time="age", event="old", by=("sex",), events_per_step=20),
            "SELECT age, sex, (age > 30)::INTEGER AS old FROM person",
        ),
    ],
    ids=lambda one: one.kind.value if isinstance(one, ModelSpec) else "",
)
def test_each_kind_is_fitted_again(source: Source, checked: Checker, spec: ModelSpec, sql: str) -> None:
    report = checked(source.model(spec, sql))
    assert FindingCode.RECOMPUTED in codes(report), report.findings
    assert report.verdict is not Verdict.BLOCK


def test_an_indicator_of_a_few_persons_is_found(source: Source, checked: Checker) -> None:
    sql = "SELECT cost, (cost > 8 AND age > 40)::INTEGER AS few, age FROM person"
    report = checked(source.model(ModelSpec(ModelKind.OLS, "cost ~ age + few"), sql))
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in codes(report)
    assert report.verdict is Verdict.BLOCK


def test_a_column_that_chooses_by_the_data_is_not_proven(source: Source, checked: Checker) -> None:
    """One person's cost among everybody's age: it would stand in a coefficient."""
    sql = "SELECT CASE WHEN age = 47 AND sex = 'M' THEN cost ELSE age END AS y, age FROM person"
    report = checked(source.model(ModelSpec(ModelKind.OLS, "y ~ age"), sql))
    assert FindingCode.COLUMN_CHOOSES in codes(report)
    assert report.verdict is Verdict.NOT_PROVEN


def test_a_response_that_a_few_persons_have_is_found(source: Source, checked: Checker) -> None:
    sql = "SELECT CASE WHEN cost > 8 AND age > 40 THEN cost ELSE 0 END AS y, age FROM person"
    report = checked(source.model(ModelSpec(ModelKind.OLS, "y ~ age"), sql))
    assert FindingCode.GROUP_BEHIND_TERM_SMALL in codes(report)


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT cost, person_id AS age FROM person",
        "SELECT cost, (person_id = 8)::INTEGER AS age FROM person",
        "SELECT cost, age FROM person WHERE person_id < 30",
    ],
)
def test_a_person_cannot_be_named_on_the_way(source: Source, checked: Checker, sql: str) -> None:
    made = source.model(ModelSpec(ModelKind.OLS, "cost ~ age"), sql)
    report = checked(made)
    assert FindingCode.RECOMPUTED not in codes(report)
    assert report.verdict in {Verdict.BLOCK, Verdict.NOT_PROVEN}


def test_the_sql_of_a_model_may_not_aggregate_persons_away(source: Source, checked: Checker) -> None:
    sql = "SELECT age, avg(cost) AS cost FROM person GROUP BY age"
    report = checked(source.model(ModelSpec(ModelKind.OLS, "cost ~ age"), sql))
    assert FindingCode.UNIT_LOST in codes(report)


def test_visits_of_one_person_are_one_person(source: Source, checked: Checker) -> None:
    """Ward A has 20 rows, all of one person."""
    sql = "SELECT days, ward FROM visit"
    report = checked(source.model(ModelSpec(ModelKind.OLS, "days ~ C(ward)"), sql))
    found = [one for one in report.findings if one.code is FindingCode.GROUP_BEHIND_TERM_SMALL]
    assert any("ward[A]" in one.params["term"] for one in found)


def test_a_formula_that_calls_is_no_claim(source: Source, checked: Checker) -> None:
    made = source.model(OLS, PLAIN)
    claim: dict[str, Any] = {**made.claim, "model": {**made.claim["model"], "formula": "cost ~ np.log(age)"}}
    report = checked(replace(made, claim=claim))
    assert FindingCode.CLAIM_UNREADABLE in codes(report)
