# ruff: noqa: ISC004 - queries read best on one line
"""Tables of the real cohort, as the tutorial makes them, through the whole of the checks, box included."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.runner import run_checks
from hub.data import nafld
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
            Verdict.REVIEW,
        ),
        (
            "SELECT measurement_source_value AS test, COUNT(*) AS n, round(AVG(value_as_number), 1) AS mean"
            " FROM nafld.measurement GROUP BY test",
            Verdict.REVIEW,
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
