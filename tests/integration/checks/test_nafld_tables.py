# ruff: noqa: E501, ISC004 - queries read best on one line
"""Tables of the real cohort, as the tutorial makes them, through the whole of the checks, box included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.runner import run_checks
from hub.data import nafld
from onggi.models.spec import ModelKind, ModelSpec
from tests.support.check_tables import Source, Vault
from tests.support.compute import COMPUTE_PYTHON

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.skipif(os.geteuid() == 0, reason="a box started by root is no wall; run as an ordinary user"),
]


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Source:
    folder = tmp_path_factory.mktemp("nafld") / "1"
    nafld.build(folder, COMPUTE_PYTHON)
    return Source(folder)


BY_SEX_AND_AGE = (
    "SELECT gender_source_value AS sex, floor(age_at_index / 10) * 10 AS age, COUNT(*) AS persons"
    " FROM nafld.person GROUP BY sex, age"
)


@pytest.mark.parametrize(
    ("sql", "verdict"),
    [
        (BY_SEX_AND_AGE, Verdict.PASS),
        (
            "SELECT p.gender_source_value AS sex, c.condition_source_value AS event, COUNT(*) AS events,"
            " COUNT(DISTINCT person_id) AS persons FROM nafld.person AS p"
            " JOIN nafld.condition_occurrence AS c USING (person_id) GROUP BY ALL",
            Verdict.PASS,
        ),
        (
            "SELECT measurement_source_value AS test, COUNT(*) AS n, round(AVG(value_as_number), 1) AS mean"
            " FROM nafld.measurement GROUP BY test",
            Verdict.PASS,
        ),
        (
            "SELECT age_at_index AS age, gender_source_value AS sex, COUNT(*) AS n FROM nafld.person"
            " WHERE bmi > 50 GROUP BY ALL",
            Verdict.BLOCK,
        ),
        (
            "SELECT age_at_index AS age, gender_source_value AS sex, COUNT(*) AS n FROM nafld.person"
            " WHERE bmi > 30 GROUP BY ALL HAVING COUNT(*) >= 10",
            Verdict.PASS,
        ),
    ],
)
def test_a_table_of_the_cohort(sql: str, verdict: Verdict, cohort: Source, tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    made = cohort.table(sql)
    (report,) = run_checks(vault.job(vault.keep(made.body, claim=made.claim), cohort)).outputs
    assert report.verdict is verdict, report.findings


def test_one_person_more_is_found(cohort: Source, tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    made = cohort.table(BY_SEX_AND_AGE).edited("F,10.0,43", "F,10.0,44")
    (report,) = run_checks(vault.job(vault.keep(made.body, claim=made.claim), cohort)).outputs
    assert report.verdict is Verdict.BLOCK
    assert [one.code for one in report.findings] == [Code.VALUE_DIFFERS]


SURVIVAL = (
    "SELECT p.gender_source_value AS sex, p.age_at_index AS age, p.bmi AS bmi,"
    " o.observation_period_end_day AS days, (d.death_day IS NOT NULL)::INTEGER AS died"
    " FROM nafld.person AS p JOIN nafld.observation_period AS o USING (person_id)"
    " LEFT JOIN nafld.death AS d USING (person_id)"
)


@pytest.mark.parametrize(
    "spec",
    [
        ModelSpec(ModelKind.OLS, "bmi ~ age * C(sex)"),
        ModelSpec(ModelKind.LOGIT, "died ~ age + bmi + C(sex)"),
        ModelSpec(ModelKind.COX, "~ age + C(sex)", time="days", event="died"),
        ModelSpec(ModelKind.KAPLAN_MEIER, time="days", event="died", by=("sex",)),
    ],
    ids=lambda spec: spec.kind.value,
)
def test_models_of_the_cohort_are_fitted_again(cohort: Source, tmp_path: Path, spec: ModelSpec) -> None:
    made = cohort.model(spec, SURVIVAL)
    vault = Vault(tmp_path)
    report = run_checks(vault.job(vault.keep(made.body, claim=made.claim), cohort)).outputs[0]
    assert {one.code for one in report.findings} == {Code.RECOMPUTED}, report.findings
    assert report.verdict is Verdict.PASS


PARTS = (
    "WITH fibrosis AS (SELECT person_id, MAX(value_as_number) AS worst, COUNT(*) AS tests FROM nafld.measurement"
    " WHERE measurement_source_value = 'fib4' GROUP BY person_id),"
    " ill AS (SELECT DISTINCT person_id FROM nafld.condition_occurrence)"
    " SELECT gender_source_value AS sex, CASE WHEN worst > 2.67 THEN 1 ELSE 0 END AS high, COUNT(*) AS persons,"
    " round(AVG(tests), 2) AS tests, MEDIAN(bmi) AS bmi,"
    " 100.0 * COUNT(*) FILTER (WHERE age_at_index >= 60) / COUNT(*) AS over_60"
    " FROM nafld.person JOIN fibrosis USING (person_id)"
    " WHERE person_id IN (SELECT person_id FROM ill)"
    " GROUP BY CUBE (gender_source_value, CASE WHEN worst > 2.67 THEN 1 ELSE 0 END)"
)


def test_a_query_of_many_parts_is_recomputed_on_the_cohort(cohort: Source, tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    made = cohort.table(PARTS)
    (report,) = run_checks(vault.job(vault.keep(made.body, claim=made.claim), cohort)).outputs
    assert Code.RECOMPUTED in {one.code for one in report.findings}, report.findings
    assert {cell.key["sex"] for cell in report.cells} == {"F", "M", ""}
    assert min(cell.persons or 0 for cell in report.cells) > 100
