"""One person's value inside an honest-looking statistic: what reading stops before anything is computed."""

from __future__ import annotations

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.refusal import CheckStopped
from tests.redteam.checks.test_claim_sql_attacks import read

STOPPED = [
    # a number that stands for a person
    ("SUM(age * (person_id = 7)::INT)", Code.IDENTIFIER_IN_OUTPUT),
    ("SUM(CASE person_id WHEN 7 THEN cost END)", Code.IDENTIFIER_IN_FILTER),
    ("SUM(person_id * 0 + cost)", Code.IDENTIFIER_IN_OUTPUT),
    ("SUM(hash(person_id))", Code.FUNCTION_NOT_ALLOWED),
    # a sample that only the researcher can tell
    ("SUM(cost) FILTER (WHERE hash(person_id) % 2 = 0)", Code.FUNCTION_NOT_ALLOWED),
    ("SUM(cost) FILTER (WHERE hash(age) % 7 = 0)", Code.FUNCTION_NOT_ALLOWED),
    # one person's value among zeros
    ("AVG(cost * (age = 97)::INT)", Code.MEASURE_NOT_PROVABLE),
    ("AVG(cost * (age > 96)::INT)", Code.MEASURE_NOT_PROVABLE),
    ("VAR_POP(cost * (age = 97)::INT)", Code.MEASURE_NOT_PROVABLE),
    ("AVG(sign(cost - 40))", Code.MEASURE_NOT_PROVABLE),
    # values side by side, and sums of sums
    ("GROUP_CONCAT(region)", Code.AGGREGATE_NOT_PROVABLE),
    ("LISTAGG(region, ',')", Code.AGGREGATE_NOT_PROVABLE),
    ("SUM(cost) OVER (PARTITION BY sex)", Code.WINDOW_FUNCTION),
    ("SUM(SUM(cost)) OVER ()", Code.WINDOW_FUNCTION),
    ("SUM(3 * cost) / 3", Code.SQL_NOT_SUPPORTED),
    ("QUANTILE_CONT(cost, 0.999999)", Code.SQL_NOT_SUPPORTED),
]

READ_BY_PEOPLE = [
    "SUM(cost * exp(-1000000 * abs(age - 97)))",
    "SUM(1e-300 ** abs(age - 97) * cost)",
    "SUM(pow(cost, 40))",
    "SUM(cost * pow(2, age))",
    "SUM(cost * cost * cost * cost)",
    "SUM(cost * age) / SUM(cost)",
    # another number than the SUM(cost) of a release, and the same secret
    "SUM(cost * 3)",
    "SUM(cost / 1000)",
    "AVG(cost + 1)",
    "SUM(-cost)",
    "SUM(1 - (age > 96)::INT)",
]


@pytest.mark.parametrize(("measure", "code"), STOPPED)
def test_what_singles_out_in_a_measure_is_stopped(measure: str, code: Code) -> None:
    with pytest.raises(CheckStopped) as stopped:
        read(f"SELECT {measure} AS x FROM demo.person")
    assert stopped.value.finding.code is code


@pytest.mark.parametrize("measure", READ_BY_PEOPLE)
def test_arithmetic_that_can_weigh_one_person_alone_is_read_by_people(measure: str) -> None:
    notes = read(f"SELECT {measure} AS x FROM demo.person").notes
    assert Code.EXPRESSION_IN_MEASURE in {one.code for one in notes}
