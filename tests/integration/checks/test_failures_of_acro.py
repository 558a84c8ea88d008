# ruff: noqa: E501 - queries read best on one line
"""What ACRO 1.0.2 lets pass, as measured, and this black box does not; and claims that are not true.

Each table is one that a tool of the researcher's would have called safe.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from onggi.models.fit import fit
from onggi.models.spec import ModelKind, ModelSpec
from onggi.table_form import csv_bytes
from tests.support.outside import answer, cell, checked, write_folder

Row = Mapping[str, Any]


def codes(report: OutputReport) -> set[str]:
    return {str(one.code) for one in report.findings}


def of(report: OutputReport, statistic: str, **key: str) -> set[str]:
    return {str(code) for code in cell(report, statistic, **key).findings}


def people(count: int, **values: Any) -> list[Row]:
    return [{"person": number, **values} for number in range(count)]


def persons(folder: Path, rows: Sequence[Row]) -> Path:
    return write_folder(folder, rows, manifest={"unit_column": "person"})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "data"


def test_a_margin_with_whole_numbers_as_labels_is_flagged_where_it_stands(folder: Path) -> None:
    rows = [{"year": 2010 + at % 2, "kind": "G"} for at in range(60)] + [{"year": 2010, "kind": "R"}] * 8
    sql = "SELECT year, kind, COUNT(*) AS n FROM t GROUP BY CUBE (year, kind)"
    report = checked(write_folder(folder, rows), sql, "acro-default")
    assert report.verdict is Verdict.BLOCK
    assert "threshold" in of(report, "count(*)", year="2010", kind="R")
    assert "threshold" in of(report, "count(*)", year="", kind="R")
    assert of(report, "count(*)", year="2010", kind="") == set()


def test_rows_of_one_person_are_one_person(folder: Path) -> None:
    rows = [{"person": 1, "ward": "A"}] * 20 + [{"person": at, "ward": "B"} for at in range(100, 140)]
    report = checked(persons(folder, rows), "SELECT ward, COUNT(*) AS n FROM t GROUP BY ward", "sdap")
    assert cell(report, "count(*)", ward="A").persons == 1
    assert "threshold" in of(report, "count(*)", ward="A")
    assert of(report, "count(*)", ward="B") == set()


def test_a_value_below_zero_hides_nobody(folder: Path) -> None:
    """One person is nearly the whole of A, and somewhere else, in B, one value is below zero."""
    rows = [{"ward": "A", "cost": 1.0} for _ in range(30)] + [{"ward": "A", "cost": 1e6}]
    rows += [{"ward": "B", "cost": 10.0 + at} for at in range(30)] + [{"ward": "B", "cost": -1.0}]
    sql = "SELECT ward, SUM(cost) AS s FROM t GROUP BY ward"
    report = checked(write_folder(folder, rows), sql, "acro-default")
    assert {"dominance_nk", "p_percent"} <= of(report, "sum(cost)", ward="A")
    # ACRO names its rules of dominance there too; here they block nothing.
    assert of(report, "sum(cost)", ward="B") == {"negative_values", "dominance_nk", "p_percent"}
    assert {str(one.code) for one in report.findings if one.cell == {"ward": "B"}} == {"negative_values"}
    report = checked(persons(folder, [{"person": at, **row} for at, row in enumerate(rows)]), sql, "sdap")
    assert "dominance_nk" in of(report, "sum(cost)", ward="A")


def test_a_large_value_below_zero_dominates_too(folder: Path) -> None:
    rows = [{"ward": "A", "cost": 1.0} for _ in range(30)] + [{"ward": "A", "cost": -1e6}]
    report = checked(write_folder(folder, rows), "SELECT SUM(cost) AS s FROM t", "acro-default")
    assert "dominance_nk" in of(report, "sum(cost)")


@pytest.mark.parametrize("aggregate", ["MAX(cost)", "MIN(cost)"])
@pytest.mark.parametrize("profile", ["acro-default", "sdap", "strict", "opensafely"])
def test_an_extreme_prints_one_persons_value(aggregate: str, profile: str, folder: Path) -> None:
    rows = [{"person": at, "cost": at * 1.5} for at in range(50)]
    report = checked(persons(folder, rows), f"SELECT {aggregate} AS m FROM t", profile)
    assert report.verdict is Verdict.BLOCK
    assert "single_person_statistic" in codes(report)


def test_an_extreme_that_many_hold_is_nobodys(folder: Path) -> None:
    rows = [{"person": at, "age": max(at % 90, 18)} for at in range(900)]
    report = checked(persons(folder, rows), "SELECT MIN(age) AS m FROM t", "sdap")
    assert "single_person_statistic" not in codes(report)


def test_any_function_of_a_row_is_not_a_statistic(folder: Path) -> None:
    """ACRO passes a lambda that returns the first value."""
    rows = [{"person": at, "cost": at * 1.5} for at in range(50)]
    body = b"m\n0.0\n"
    for aggregate in ("FIRST(cost)", "ANY_VALUE(cost)", "ARG_MAX(cost, person)", "LIST(cost)[1]"):
        report = checked(persons(folder, rows), f"SELECT {aggregate} AS m FROM t", "sdap", body)
        assert report.verdict is Verdict.NOT_PROVEN, aggregate


@pytest.mark.parametrize(
    "aggregate", ["AVG(cost)", "MEDIAN(cost)", "STDDEV(cost)", "COUNT(cost)", "MAX(cost)"]
)
def test_who_has_no_value_contributes_none(aggregate: str, folder: Path) -> None:
    rows = [*people(30, cost=None), {"person": 99, "cost": 12.5}]
    report = checked(persons(folder, rows), f"SELECT {aggregate} AS m FROM t", "sdap")
    assert report.verdict is Verdict.BLOCK
    (found,) = report.cells
    assert (found.rows, found.persons, found.contributors) == (31, 31, 1)
    assert found.findings
    rowwise = checked(write_folder(folder, rows), f"SELECT {aggregate} AS m FROM t", "acro-default")
    assert rowwise.verdict is Verdict.BLOCK


@pytest.mark.parametrize("profile", ["acro-default", "sdap", "strict"])
def test_a_cell_in_which_all_are_alike_says_it_of_each(profile: str, folder: Path) -> None:
    rows = [{"person": at, "dose": 7.0} for at in range(40)]
    report = checked(persons(folder, rows), "SELECT AVG(dose) AS m FROM t", profile)
    assert "same_value" in codes(report)
    assert report.verdict is not Verdict.PASS


def test_a_filter_that_leaves_three_out_gives_them_away(folder: Path) -> None:
    """43 - 40 = 3, from this table and the same without its condition."""
    rows = [{"person": at, "ward": "A", "rare": at < 3} for at in range(43)]
    report = checked(
        persons(folder, rows), "SELECT ward, COUNT(*) AS n FROM t WHERE NOT rare GROUP BY ward", "sdap"
    )
    assert "left_out_small" in codes(report)
    assert report.verdict is Verdict.REVIEW


def test_a_suppressed_cell_that_a_margin_gives_back_is_found(folder: Path) -> None:
    rows = [{"person": at, "ward": "A" if at < 40 else "B"} for at in range(43)]
    sql = "SELECT ward, COUNT(*) AS n FROM t GROUP BY ROLLUP (ward)"
    report = checked(persons(folder, rows), sql, "sdap", b"ward,n\nA,40\nB,NaN\nAll,43\n")
    assert cell(report, "count(*)", ward="B").suppressed
    assert "cell_recoverable" in codes(report)
    assert report.verdict is Verdict.BLOCK


WARDS = "SELECT ward, COUNT(*) AS n, AVG(cost) AS m FROM t GROUP BY ward"


@pytest.fixture
def wards(folder: Path) -> Path:
    rows = [{"person": at, "ward": "AB"[at % 2], "cost": 100.0 + at % 7} for at in range(100)]
    return persons(folder, [*rows, *({"person": 500 + at, "ward": "C", "cost": 5.0 + at} for at in range(4))])


def test_suppression_that_was_declared_and_did_not_happen(wards: Path) -> None:
    """The failure that a flag cannot see: the claim says suppressed, the file shows the number."""
    said = {"suppressed": ["*"], "protection": "acro"}
    report = checked(wards, WARDS, "sdap", claim=said)
    assert "threshold" in of(report, "count(*)", ward="C")
    assert report.verdict is Verdict.BLOCK


@pytest.mark.parametrize("shown", [b"C,0,", b"C,,"])
def test_a_suppression_that_prints_a_false_number_or_half_of_the_row(shown: bytes, wards: Path) -> None:
    """With `zeros_are_disclosive: False` ACRO writes 0 for whom it suppressed; and it may forget a column."""
    body = answer(wards, WARDS)
    assert b"C,4," in body
    report = checked(wards, WARDS, "sdap", body.replace(b"C,4,", shown))
    assert report.verdict is Verdict.BLOCK
    assert ("value_differs" in of(report, "count(*)", ward="C")) is (shown == b"C,0,")
    assert "threshold" in of(report, "mean(cost)", ward="C")


def test_a_dummy_of_one_person_in_a_regression(folder: Path) -> None:
    """ACRO counts degrees of freedom alone: 197 of them, and one person's value as a coefficient."""
    made = random.Random(1)
    rows = [{"person": at, "y": made.gauss(5, 1), "me": int(at == 77)} for at in range(200)]
    data, spec = persons(folder, rows), ModelSpec(ModelKind.OLS, formula="y ~ me")
    fitted = fit(spec, pd.DataFrame(rows))
    body = csv_bytes(fitted.columns, fitted.rows)
    claim = {"model": {"kind": "ols", "formula": "y ~ me"}}
    for profile in ("acro-default", "sdap"):
        report = checked(data, "SELECT y, me FROM t", profile, body, claim)
        assert report.verdict is Verdict.BLOCK
        assert codes(report) >= {"recomputed", "group_behind_term_small", "leverage_one"}


def test_a_number_shown_beside_its_mark_is_blocked(wards: Path) -> None:
    body = answer(wards, WARDS).replace(b"C,4,", b"C,4*,")
    report = checked(wards, WARDS, "sdap", body, {"suppressed": ["*"]})
    assert "suppressed_shows_number" in codes(report)


def test_rounding_that_was_declared_and_did_not_happen(wards: Path) -> None:
    sql = "SELECT ward, COUNT(*) AS n FROM t WHERE ward < 'C' GROUP BY ward"
    body = b"ward,n\nA,51\nB,49\n"
    report = checked(wards, sql, "opensafely", body, {"rounding": 5})
    assert report.verdict is Verdict.BLOCK
    assert codes(report) & {"value_differs", "not_rounded"}
    assert "not_rounded" in codes(
        checked(wards, "SELECT COUNT(*) AS n FROM t WHERE ward < 'C' AND cost > 102", "opensafely")
    )


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b"A,50,", b"A,51,", "value_differs"),
        (b"C,4,6.5\n", b"", "row_missing"),
        (b"C,4,6.5", b"D,14,6.5", "row_extra"),
        (b"A,50,", b"C,50,", "row_duplicate"),
        (b"C,4,6.5", b"C,14,6.5", "value_differs"),
    ],
)
def test_an_edited_table_is_named(old: bytes, new: bytes, code: str, wards: Path) -> None:
    body = answer(wards, WARDS)
    assert old in body
    report = checked(wards, WARDS, "sdap", body.replace(old, new))
    assert code in codes(report)
    assert report.verdict is Verdict.BLOCK


def test_an_edited_number_is_marked_in_its_cell(wards: Path) -> None:
    report = checked(wards, WARDS, "sdap", answer(wards, WARDS).replace(b"A,50,", b"A,51,"))
    assert of(report, "count(*)", ward="A") == {"value_differs"}
    assert of(report, "count(*)", ward="B") == set()


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT ward, 60 + 0 * COUNT(*) AS n, AVG(cost) AS m FROM t GROUP BY ward",
        "SELECT ward, 50 AS n, AVG(cost) AS m FROM t GROUP BY ward",
        "SELECT ward, COUNT(*) AS n, AVG(cost) AS m FROM (VALUES ('A', 1, 2.0)) AS t(ward, person, cost) GROUP BY ward",
        "SELECT ward, COUNT(*) AS n, AVG(cost) AS m FROM '/etc/passwd' GROUP BY ward",
        "SELECT ward, COUNT(*) AS n, AVG(cost) AS m FROM read_csv('/tmp/mine.csv') GROUP BY ward",
        "SELECT ward, COUNT(*) AS n, AVG(cost) AS m FROM other.t GROUP BY ward",
        "SELECT ward, COUNT(*) AS n, AVG(cost) AS m FROM t GROUP BY ward; DROP TABLE t",
    ],
)
def test_a_forged_claim_proves_nothing(sql: str, wards: Path) -> None:
    report = checked(wards, sql, "sdap", answer(wards, WARDS))
    assert report.verdict in {Verdict.NOT_PROVEN, Verdict.BLOCK}
    assert "recomputed" not in codes(report)
