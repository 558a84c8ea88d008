# ruff: noqa: E501, ISC004, Q003 - queries read best on one line
"""A table is held against the source: what is true passes, what was touched does not."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import replace

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from tests.support.check_tables import Made, Source, Vault

Checker = Callable[..., OutputReport]

BY_SEX = "SELECT sex, COUNT(*) AS n FROM small.person GROUP BY sex"
BY_SEX_AND_REGION = "SELECT sex, region, COUNT(*) AS n, AVG(cost) AS mean FROM small.person GROUP BY ALL"


def codes(report: OutputReport) -> set[Code]:
    return {one.code for one in report.findings}


@pytest.mark.parametrize(
    "sql",
    [
        BY_SEX,
        "SELECT COUNT(*) AS n FROM small.person",
        "SELECT COUNT(DISTINCT person_id) AS n FROM person WHERE age BETWEEN 30 AND 49 AND region IS NOT NULL",
        "SELECT floor(age / 10) * 10 AS decade, COUNT(*) AS n FROM small.person GROUP BY decade ORDER BY n DESC",
        "SELECT age // 10 AS d, sex AS s, COUNT(*) AS n FROM small.person AS p GROUP BY 1, p.sex HAVING n >= 10",
        "SELECT region, COUNT(*) AS n FROM small.person GROUP BY region",
        "SELECT big, COUNT(*) AS n FROM small.person GROUP BY big",
        "SELECT sex, SUM(CASE WHEN age > 40 THEN 1 ELSE 0 END) AS older FROM small.person GROUP BY sex",
        "SELECT COUNT(*) FILTER (WHERE age > 40) AS older, COUNT(CASE WHEN age < 40 THEN 1 END) AS y FROM person",
        "SELECT p.sex, COUNT(DISTINCT p.person_id) AS persons FROM small.person p"
        " JOIN small.visit v ON v.person_id = p.person_id GROUP BY p.sex",
        "SELECT sex, ward, COUNT(*) AS n FROM person LEFT JOIN visit USING (person_id) WHERE ward IS NULL OR ward = 'B'"
        " GROUP BY ALL",
        "SELECT SEX AS sex, count( * ) AS n FROM Small.Person GROUP BY \"SEX\"",
    ],
)  # fmt: skip
def test_a_true_table_of_counts_passes(sql: str, source: Source, checked: Checker) -> None:
    report = checked(source.table(sql))
    assert report.verdict is Verdict.PASS, report.findings
    assert codes(report) == {Code.RECOMPUTED}
    assert report.cells_total == len(report.cells) > 0
    assert all((cell.persons or 0) >= 10 for cell in report.cells)
    assert report.engine.startswith("duckdb ")


def test_a_table_with_parameters_passes(source: Source, checked: Checker) -> None:
    made = source.table(
        "SELECT sex, COUNT(*) AS n FROM small.person WHERE age >= $from AND region <> $not GROUP BY sex",
        {"from": 30, "not": "two\nlines"},
    )
    assert checked(made).verdict is Verdict.PASS


def test_sums_and_averages_that_nobody_dominates_pass(source: Source, checked: Checker) -> None:
    sql = "SELECT sex, SUM(cost) AS s, round(AVG(cost), 2) AS m, SUM(age) AS a FROM small.person GROUP BY sex"
    report = checked(source.table(sql))
    assert {Code.RECOMPUTED, Code.DOMINANCE_NOT_CHECKED} & codes(report) == {Code.RECOMPUTED}
    assert all(float(cell.share) < 0.1 for cell in report.cells)
    assert any(cell.value.startswith("-") for cell in report.cells)


@pytest.mark.parametrize(
    "key",
    [
        "CASE WHEN age < 50 THEN 'young' ELSE 'old' END",
        "CASE WHEN sex = 'F' THEN 9102123 ELSE 1 END",
        "coalesce(sex, 'patient 12 has …')",
        "substring('a long message', age // 40, 5)",
        "sex || 'patient 12 has …'",
        "greatest(sex, 'patient 12 has …')",
        "age // 40 + 9102123",
        "if(age < 50, 1, 2)",
    ],
)
def test_words_of_the_query_are_to_be_read(key: str, source: Source, checked: Checker) -> None:
    sql = f"SELECT {key} AS k, COUNT(*) AS n FROM small.person GROUP BY ALL"
    assert codes(checked(source.table(sql))) == {Code.RECOMPUTED, Code.TEXT_FROM_QUERY}


@pytest.mark.parametrize(
    "key", ["floor(age / 10) * 10", "sex = 'F'", "age > 40", "sex IN ('F', 'G')", "age // 10.0"]
)
def test_bands_and_questions_are_not_words_of_the_query(key: str, source: Source, checked: Checker) -> None:
    sql = f"SELECT {key} AS k, COUNT(*) AS n FROM small.person GROUP BY ALL"
    assert codes(checked(source.table(sql))) == {Code.RECOMPUTED}


def test_persons_are_counted_and_not_rows(source: Source, checked: Checker) -> None:
    report = checked(source.table("SELECT ward, COUNT(*) AS visits FROM small.visit GROUP BY ward"))
    assert report.verdict is Verdict.BLOCK
    found = [one for one in report.findings if one.code is Code.THRESHOLD]
    small = {one.cell["ward"]: one.params["persons"] for one in found if one.cell}
    assert small == {"A": "1", "C": "9"}
    evidence = {cell.key["ward"]: (cell.rows, cell.persons) for cell in report.cells}
    assert evidence == {"A": (20, 1), "B": (40, 40), "C": (27, 9)}


def test_a_join_that_multiplies_rows_multiplies_no_persons(source: Source, checked: Checker) -> None:
    sql = (
        "SELECT v.ward, COUNT(*) AS n FROM small.visit v JOIN small.visit w ON v.ward = w.ward"
        " WHERE v.ward <> 'B' GROUP BY v.ward"
    )
    report = checked(source.table(sql))
    assert {cell.key["ward"]: (cell.rows, cell.persons) for cell in report.cells} == {
        "A": (400, 1), "C": (729, 9),
    }  # fmt: skip
    assert report.verdict is Verdict.BLOCK


def test_with_two_kinds_of_persons_in_a_row_the_fewer_count(source: Source, checked: Checker) -> None:
    """70 persons, each beside one of three patients of ward C."""
    sql = (
        "SELECT v.ward, COUNT(*) AS n FROM small.person p JOIN small.visit v ON p.age = v.days"
        " WHERE v.ward = 'C' GROUP BY v.ward"
    )
    report = checked(source.table(sql))
    assert [(cell.rows, cell.persons) for cell in report.cells] == [(70, 3)]
    assert report.verdict is Verdict.BLOCK


def test_a_missing_value_is_no_contribution(source: Source, checked: Checker) -> None:
    sql = "SELECT COUNT(cost) AS n, COUNT(*) AS persons FROM small.person WHERE age < 30 AND sex = 'F'"
    report = checked(source.table(sql))
    assert {cell.measure: (cell.persons, cell.contributors) for cell in report.cells} == {
        "n": (50, 44), "persons": (50, 50),
    }  # fmt: skip
    assert Code.COMPLEMENT_SMALL in codes(report)


def test_a_zero_is_no_contribution_to_a_sum(source: Source, checked: Checker) -> None:
    sql = "SELECT SUM(CASE WHEN age = 20 AND sex = 'F' THEN cost ELSE 0 END) AS s FROM small.person"
    report = checked(source.table(sql))
    assert report.verdict is Verdict.BLOCK
    assert Code.THRESHOLD in codes(report)


def test_one_edited_number_is_named(source: Source, checked: Checker) -> None:
    report = checked(source.table(BY_SEX).edited("F,300", "F,301"))
    assert report.verdict is Verdict.BLOCK
    (found,) = (one for one in report.findings if one.code is Code.VALUE_DIFFERS)
    assert found.cell == {"sex": "F"}
    assert found.params == {"column": "n", "submitted": "301", "recomputed": "300"}
    assert Code.RECOMPUTED not in codes(report)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("F,300\n", "", Code.ROW_MISSING),
        ("F,300\n", "F,300\nX,300\n", Code.ROW_EXTRA),
        ("F,300\n", "F,300\nF,300\n", Code.ROW_DUPLICATE),
        ("F,300", "G,300", Code.ROW_EXTRA),
        ("F,300\nM,300\n", "M,300\nF,300\n", Code.ROW_ORDER_DIFFERS),
        ("F,300", "F,300.0", Code.FORM_NOT_CANONICAL),
        ("F,300", '"F",300', Code.ROW_EXTRA),
        ("F,300", "F,", Code.VALUE_DIFFERS),
        ("F,300", "F,<500", Code.VALUE_DIFFERS),
        ("F,300", 'F,"3,00"', Code.CSV_UNREADABLE),
        ("sex,n", "sex,count", Code.HEADER_DIFFERS),
        ("sex,n", "n,sex", Code.HEADER_DIFFERS),
        ("sex,n\n", "", Code.HEADER_DIFFERS),
        ("sex,n\nF,300\nM,300\n", "sex,n,extra\nF,300,patient 12\nM,300,\n", Code.HEADER_DIFFERS),
        ("F,300\nM,300\n", "", Code.ROW_MISSING),
    ],
)
def test_whatever_is_changed_by_hand_is_found(
    old: str, new: str, expected: Code, source: Source, checked: Checker
) -> None:
    report = checked(source.table(BY_SEX).edited(old, new))
    assert expected in codes(report), report.findings
    assert report.verdict is not Verdict.PASS


def test_an_empty_table_proves_nothing(source: Source, checked: Checker) -> None:
    report = checked(source.table("SELECT sex, COUNT(*) AS n FROM small.person WHERE age > 900 GROUP BY sex"))
    assert report.verdict is Verdict.NOT_PROVEN


def test_a_large_count_is_exact(source: Source, checked: Checker) -> None:
    made = source.table("SELECT big, COUNT(*) AS n, SUM(big) AS s FROM small.person GROUP BY big")
    # Every person has the same value, and the sum says it.
    assert Code.SAME_VALUE in codes(checked(made))
    exact = 600 * (2**53 + 1)
    assert Code.VALUE_DIFFERS in codes(checked(made.edited(str(exact), str(exact - 1))))


def test_the_last_digits_of_a_sum_may_differ_and_are_told(source: Source, checked: Checker) -> None:
    made = source.table(BY_SEX_AND_REGION)
    number = next(line for line in made.body.decode().splitlines() if line.startswith("F,,")).rsplit(",", 1)[
        1
    ]
    nudged = repr(float(number) * (1 + 1e-12))
    assert nudged != number
    report = checked(made.edited(number, nudged))
    assert {Code.RECOMPUTED, Code.LAST_DIGITS_DIFFER} <= codes(report)
    assert report.verdict is Verdict.REVIEW


def test_missing_groups_and_empty_text_stay_apart(source: Source, checked: Checker) -> None:
    made = source.table("SELECT region, COUNT(*) AS n FROM small.person GROUP BY region")
    lines = made.body.decode().splitlines()
    assert '"",60' in lines
    assert ",60" in lines
    report = checked(made.edited('"",60\n', ""))
    assert Code.ROW_MISSING in codes(report)


def test_a_table_without_claim_is_not_proven(source: Source, checked: Checker) -> None:
    report = checked(source.table(BY_SEX), claim=False)
    assert codes(report) == {Code.NO_CLAIM}
    assert report.verdict is Verdict.NOT_PROVEN


def test_data_that_are_not_granted_are_not_read(source: Source, checked: Checker) -> None:
    report = checked(source.table(BY_SEX), granted=False)
    assert codes(report) == {Code.DATASET_NOT_GRANTED}
    assert report.verdict is Verdict.BLOCK


def test_another_version_than_granted_is_blocked(source: Source, checked: Checker) -> None:
    made = source.table(BY_SEX)
    claim = {**made.claim, "datasets": [{"name": "small", "version": "2"}]}
    assert codes(checked(Made(made.body, claim))) == {Code.DATASET_NOT_GRANTED}


def test_a_claim_of_other_bytes_is_told_and_the_comparison_decides(source: Source, checked: Checker) -> None:
    made = source.table(BY_SEX)
    report = checked(Made(made.body, {**made.claim, "output_sha256": hashlib.sha256(b"").hexdigest()}))
    assert codes(report) == {Code.RECOMPUTED, Code.CLAIM_HASH_DIFFERS}


@pytest.mark.parametrize(
    "claim", [{}, {"sql": 1}, {"v": 1, "sql": "SELECT 1"}, {"\ud800": "\x00"}, {"datasets": "x" * 100_000}]
)
def test_a_claim_that_cannot_be_read_proves_nothing(
    claim: dict[str, object], source: Source, checked: Checker
) -> None:
    report = checked(Made(source.table(BY_SEX).body, claim))
    assert codes(report) == {Code.CLAIM_UNREADABLE}
    assert report.verdict is Verdict.NOT_PROVEN


@pytest.mark.parametrize("condition", ["1 = 1 AND " * 3000, "NOT " * 8000, "(" * 16000])
def test_a_condition_of_thousands_of_parts_is_not_read(
    condition: str, source: Source, checked: Checker
) -> None:
    sql = f"SELECT COUNT(*) AS n FROM small.person WHERE {condition} 1 = 1"
    assert codes(checked(source.made(sql, b"n\n600\n", ["n"]))) == {Code.SQL_TOO_LARGE}


def test_rounded_counts_are_compared_as_declared(source: Source, checked: Checker) -> None:
    sql = "SELECT sex, COUNT(*) AS n FROM small.person WHERE age < 47 GROUP BY sex"
    made = source.table(sql)
    assert b"F,140" in made.body
    rounded = made.edited("F,140", "F,150").edited("M,130", "M,150")
    claim = {**rounded.claim, "rounding": {"method": "base", "base": 50}}
    assert checked(Made(rounded.body, claim)).verdict is Verdict.PASS
    assert Code.VALUE_DIFFERS in codes(checked(rounded))


def test_many_small_cells_fit_the_report(source: Source, checked: Checker) -> None:
    report = checked(source.table("SELECT age, cost, COUNT(*) AS n FROM small.person GROUP BY ALL"))
    assert report.verdict is Verdict.BLOCK
    assert len(report.findings) <= 200 < report.cells_total


def test_a_query_that_needs_more_memory_than_there_is_proves_nothing(
    source: Source, checked: Checker, vault: Vault
) -> None:
    vault.policy = replace(vault.policy, memory_bytes=2 * 1024**2)
    sql = "SELECT p.region, COUNT(DISTINCT p.age) AS n FROM person p JOIN person q ON p.big = q.big GROUP BY ALL"
    report = checked(source.made(sql, b"region,n\n,1\n", ["region", "n"]))
    assert codes(report) == {Code.MEMORY_LIMIT}


def test_a_number_that_can_be_read_in_two_ways_is_placed(source: Source, checked: Checker) -> None:
    report = checked(source.table(BY_SEX).edited("M,300", 'M,"3,00"'))
    (found,) = (one for one in report.findings if one.code is Code.CSV_UNREADABLE)
    assert found.params == {"line": "3", "cause": "number"}
