"""Numbers of one table, of which one minus others is about a few persons: seen without any ledger."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from tests.support.outside import checked, write_folder

Rows = Sequence[Mapping[str, Any]]


def asked(tmp_path: Path, rows: Rows, sql: str, profile: str = "sdap") -> OutputReport:
    folder = write_folder(tmp_path / "data", rows, manifest={"unit_column": "person"})
    return checked(folder, sql, profile)


def persons(count: int = 403) -> list[dict[str, Any]]:
    """Three of the kind "x"; one smoker of 1 to 200 is not among those of "ever", who are 0 to 199."""
    kinds = [*"abcd" * ((count - 3) // 4), *"xxx"]
    return [
        {
            "person": at,
            "kind": kinds[at],
            "now": 1 <= at <= 200,
            "ever": at < 200,
            "late": at < 203,
            "cost": 1 + at % 97,
        }
        for at in range(count)
    ]


def visits() -> Iterator[dict[str, Any]]:
    """Two hundred persons with three visits each; one visit cost more than all others."""
    for at in range(600):
        yield {
            "person": at % 200,
            "ward": "AB"[at % 2],
            "cost": 99_999 if at == 7 else at % 89,
            "bmi": at % 31,
        }


KINDS = ", ".join(f"COUNT(*) FILTER (WHERE kind = '{one}') AS {one}" for one in "abcd")
TWO_KEYS = "SELECT ever, late, COUNT(*) AS n FROM t GROUP BY GROUPING SETS ((ever), (late))"
IN_TURN = "SELECT {0} FILTER (WHERE now) AS a, {0} FILTER (WHERE ever) AS b FROM t"
SELECTED = [
    # A category that no column counts: all minus the others is three persons.
    (f"SELECT COUNT(*) AS n, {KINDS} FROM t", Code.DIFFERENCING),
    # Two keys that do not cut each other, and three persons between them.
    (TWO_KEYS, Code.DIFFERENCING),
    # As many persons in both columns, and one of each only there.
    (IN_TURN.format("SUM(cost)"), Code.DIFFERENCING),
    (IN_TURN.format("COUNT(*)"), Code.DIFFERENCING_ROWS),
]


@pytest.mark.parametrize(("sql", "code"), SELECTED)
def test_a_few_persons_between_numbers_of_one_table_are_found(tmp_path: Path, sql: str, code: Code) -> None:
    report = asked(tmp_path, persons(), sql)
    assert code in {one.code for one in report.findings}
    assert report.verdict is not Verdict.PASS


@pytest.mark.parametrize("what", ["SUM(cost)", "AVG(cost)", "COUNT(*)"])
def test_one_visit_that_a_column_leaves_out_is_found(tmp_path: Path, what: str) -> None:
    sql = f"SELECT {what} AS a, {what} FILTER (WHERE cost < 90000) AS b FROM t"
    report = asked(tmp_path, list(visits()), sql)
    assert Code.DIFFERENCING_SAME_PERSONS in {one.code for one in report.findings}


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ward, COUNT(*) AS n, COUNT(DISTINCT person) AS p, AVG(bmi) AS a FROM t GROUP BY CUBE (ward)",
        # Who has visits in both halves adds to both: the difference is about many, whoever is in one only.
        "SELECT ward, bmi > 20 AS high, COUNT(*) AS n, AVG(bmi) AS a FROM t GROUP BY CUBE (ward, high)",
    ],
)
def test_tables_of_many_visits_pass(tmp_path: Path, sql: str) -> None:
    rows = [{**one, "cost": 1, "person": at * 7 % 197} for at, one in enumerate(visits())]
    found = [one.code for one in asked(tmp_path, rows, sql).findings]
    assert not [one for one in found if one.value.startswith("differencing")], found


def test_a_visit_of_who_has_but_one_more_is_found(tmp_path: Path) -> None:
    """Everybody has one visit, and one person another, which one of two columns leaves out."""
    rows = [{"person": at % 200, "cost": at} for at in range(201)]
    sql = "SELECT COUNT(*) AS a, COUNT(*) FILTER (WHERE cost < 200) AS b FROM t"
    assert Code.DIFFERENCE_SMALL in {one.code for one in asked(tmp_path, rows, sql).findings}


def test_where_rows_are_the_units_nobody_is_compared(tmp_path: Path) -> None:
    report = asked(tmp_path, persons(), TWO_KEYS, "acro-default")
    assert not [one for one in report.findings if one.code.value.startswith("differencing")]


@pytest.mark.parametrize(
    ("quantiles", "found"),
    [
        ("quantile_disc(cost, 0.5) AS a, quantile_disc(cost, 0.505) AS b", 1),
        ("quantile_disc(cost, 0.5) AS a, MEDIAN(cost) AS b", 1),
        ("quantile_cont(cost, 0.4) AS a, MEDIAN(cost) AS b, quantile_cont(cost, 0.51) AS c", 1),
        ("quantile_disc(cost, 0.25) AS a, MEDIAN(cost) AS b, quantile_disc(cost, 0.75) AS c", 0),
        ("quantile_disc(cost, 0.5) AS a, quantile_disc(cost, 0.505) FILTER (WHERE kind <> 'x') AS b", 0),
    ],
)
def test_quantiles_with_a_few_persons_between_them_are_found(
    tmp_path: Path, quantiles: str, found: int
) -> None:
    """One after the other they would print the values of everybody but the first and the last ten."""
    report = asked(tmp_path, persons(), f"SELECT COUNT(*) AS n, {quantiles} FROM t")
    assert [one.code for one in report.findings].count(Code.QUANTILE_SUPPORT) == found


@pytest.mark.parametrize("filled", ["coalesce(cost, 0)", "CASE WHEN kind = 'x' THEN cost ELSE 0 END"])
def test_zeros_below_a_few_values_do_not_make_their_least_a_quantile(tmp_path: Path, filled: str) -> None:
    """Of twelve persons with a cost the least is nobody else's."""
    rows = [{"person": at, "kind": "y", "cost": 100 + at if at < 12 else None} for at in range(1000)]
    own = f"WITH own AS (SELECT person, {filled} AS filled FROM t)"
    for sql in (
        f"SELECT COUNT(*) AS n, quantile_disc({filled}, 0.989) AS q FROM t",
        f"{own} SELECT COUNT(*) AS n, quantile_disc(filled, 0.989) AS q FROM own",
        f"{own} SELECT COUNT(*) AS n, MEDIAN(filled) AS q FROM own",
    ):
        report = asked(tmp_path, rows, sql)
        assert report.verdict is not Verdict.PASS
        assert Code.EXPRESSION_IN_MEASURE in {one.code for one in report.findings}
    summed = asked(tmp_path, rows, "SELECT COUNT(*) AS n, SUM(coalesce(cost, 0)) AS s FROM t")
    assert Code.EXPRESSION_IN_MEASURE not in {one.code for one in summed.findings}
