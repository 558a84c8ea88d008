"""Values that other tools write in their own way, in the data and in the table: read right, or not there."""

from __future__ import annotations

import datetime as dt
import math
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.report import OutputReport
from tests.support.outside import checked, write_folder

MEAN = "SELECT g, AVG(v) AS m FROM t GROUP BY g"


def folder(tmp_path: Path, values: list[Any], kind: pa.DataType | None = None) -> Path:
    data = write_folder(tmp_path / "data", [{"g": 1}])
    many = 60 // len(values)
    table = pa.table({"g": [at % 2 for at in range(60)], "v": pa.array(values * many, kind)})
    pq.write_table(table, data / "t.parquet")
    return data


def codes(found: OutputReport) -> set[Code]:
    return {one.code for one in found.findings}


def test_nan_is_missing_although_the_file_says_that_there_is_none(tmp_path: Path) -> None:
    """Arrow leaves NaN out of a file's least and greatest values, from which DuckDB concludes too much."""
    data = folder(tmp_path, [1.0, 2.0, math.nan, math.nan])
    sql = "SELECT g, AVG(v) AS m, COUNT(v) AS n FROM t GROUP BY g"
    assert Code.RECOMPUTED in codes(checked(data, sql, "acro-default", b"g,m,n\n0,1.0,15\n1,2.0,15\n"))
    assert Code.VALUE_DIFFERS in codes(checked(data, sql, "acro-default", b"g,m,n\n0,,30\n1,,30\n"))


@pytest.mark.parametrize(
    ("text", "right"), [("inf", True), ("Infinity", True), ("1e999", False), ("1", False)]
)
def test_infinity_has_two_names(text: str, right: bool, tmp_path: Path) -> None:
    data = folder(tmp_path, [math.inf, 2.0])
    found = checked(data, MEAN, "acro-default", f"g,m\n0,{text}\n1,2.0\n".encode())
    assert (Code.RECOMPUTED in codes(found)) is right


def test_infinity_that_changes_its_name_says_something(tmp_path: Path) -> None:
    data = folder(tmp_path, [math.inf])
    found = checked(data, MEAN, "acro-default", b"g,m\n0,inf\n1,Infinity\n")
    assert Code.FORM_NOT_CANONICAL in codes(found)


@pytest.mark.parametrize(
    ("text", "right"), [("33.00", True), ("33.0", True), ("33", True), ("33.001", False), ("33.01", False)]
)
def test_decimals_are_compared_by_value(text: str, right: bool, tmp_path: Path) -> None:
    data = folder(tmp_path, [Decimal("1.10")])
    sql = "SELECT g, SUM(v) AS s FROM t GROUP BY g"
    found = checked(data, sql, "acro-default", f"g,s\n0,{text}\n1,{text}\n".encode())
    assert (Code.RECOMPUTED in codes(found)) is right


def test_times_with_a_zone_are_read_in_utc(tmp_path: Path) -> None:
    """Half an hour before and after the clocks of Berlin skip one."""
    hours = [dt.datetime(2026, 3, 29, at, 30, tzinfo=dt.UTC) for at in (0, 1)]
    data = folder(tmp_path, hours, pa.timestamp("us", tz="Europe/Berlin"))
    sql = "SELECT v, COUNT(*) AS n FROM t GROUP BY v"
    for form in ("2026-03-29T0{}:30:00", "2026-03-29 0{}:30:00"):
        body = f"v,n\n{form.format(0)},30\n{form.format(1)},30\n".encode()
        assert Code.RECOMPUTED in codes(checked(data, sql, "acro-default", body))
    local = b"v,n\n2026-03-29 01:30:00+01:00,30\n2026-03-29 03:30:00+02:00,30\n"
    assert Code.ROW_EXTRA in codes(checked(data, sql, "acro-default", local))


@pytest.mark.parametrize("values", [[[1, 2]], [{"a": 1}], [b"x"], [dt.time(1, 2)]])
def test_columns_without_one_text_form_are_not_there(values: list[Any], tmp_path: Path) -> None:
    data = folder(tmp_path, values)
    sql = "SELECT v, COUNT(*) AS n FROM t GROUP BY v"
    assert codes(checked(data, sql, "acro-default", b"v,n\nx,60\n")) == {Code.COLUMN_UNKNOWN}
    other = checked(data, "SELECT g, COUNT(*) AS n FROM t GROUP BY g", "acro-default")
    assert codes(other) == {Code.RECOMPUTED}


def test_a_table_of_nothing_proves_nothing_and_says_so(tmp_path: Path) -> None:
    data = write_folder(tmp_path / "data", [{"g": 1, "v": 1.0}])
    found = checked(data, f"{MEAN.replace('GROUP', 'WHERE g > 1 GROUP')}", "acro-default", b"g,m\n")
    assert codes(found) == {Code.NO_NUMBER}


@pytest.mark.parametrize(
    ("text", "right"), [("1.12", True), ("1.13", True), ("1.11", False), ("1.14", False), ("1.125", False)]
)
def test_half_way_both_neighbours_are_right(text: str, right: bool, tmp_path: Path) -> None:
    """SQL rounds 1.125 up, numpy and R to the even digit."""
    rows = [{"g": g, "v": 1.0 if at % 8 else 2.0} for g in (0, 1) for at in range(80)]
    data = write_folder(tmp_path / "data", rows)
    sql = "SELECT g, ROUND(AVG(v), 2) AS m FROM t GROUP BY g"
    found = checked(data, sql, "acro-default", f"g,m\n0,{text}\n1,{text}\n".encode())
    assert (Code.RECOMPUTED in codes(found)) is right
    assert {one.value for one in found.cells} == {text}


@pytest.mark.parametrize(("text", "right"), [("1.13", True), ("1.12", False), ("1.14", False)])
def test_what_is_not_half_way_has_one_rounding(text: str, right: bool, tmp_path: Path) -> None:
    rows = [{"g": 0, "v": 1.0 + 0.126 * 2 * (at % 2)} for at in range(80)]
    data = write_folder(tmp_path / "data", rows)
    sql = "SELECT g, ROUND(AVG(v), 2) AS m FROM t GROUP BY g"
    found = checked(data, sql, "acro-default", f"g,m\n0,{text}\n".encode())
    assert (Code.RECOMPUTED in codes(found)) is right


@pytest.mark.parametrize(
    ("kind", "text", "right"),
    [
        (pa.float32(), "8192.0", True),
        (pa.float32(), "8192.01", True),
        (pa.float32(), "8192.02", False),
        (pa.float64(), "8192.01", False),
    ],
)
def test_what_single_precision_is_off_by_may_turn_a_rounding(
    kind: pa.DataType, text: str, right: bool, tmp_path: Path
) -> None:
    """8192.0049 is 8192.00; a tool that adds in single precision may be just above it and say .01."""
    middle = 8192.0 + 5 / 1024
    data = folder(tmp_path, [middle - 1, middle - 1, middle + 1, middle + 1], kind)
    sql = "SELECT g, ROUND(AVG(v), 2) AS m FROM t GROUP BY g"
    found = checked(data, sql, "acro-default", f"g,m\n0,{text}\n1,{text}\n".encode())
    assert (Code.RECOMPUTED in codes(found)) is right
    assert (Code.LAST_DIGITS_DIFFER in codes(found)) is (text == "8192.01" and right)


@pytest.mark.parametrize(
    ("first", "second", "right"),
    [("0.5", "1.25", True), ("0.50", "1.25", True), ("0.5", "1.250", False), ("0.5", "1.3", False)],
)
def test_a_key_of_decimals_may_be_written_without_zeros(
    first: str, second: str, right: bool, tmp_path: Path
) -> None:
    """The bins of a histogram: SQL gives all literals of a CASE as many places as the longest has."""
    data = folder(tmp_path, [0.7, 2.0])
    sql = "SELECT CASE WHEN v < 1.25 THEN 0.5 ELSE 1.25 END AS bin, COUNT(*) AS n FROM t GROUP BY bin"
    found = checked(data, sql, "acro-default", f"bin,n\n{first},30\n{second},30\n".encode())
    assert (Code.ROW_EXTRA not in codes(found)) is right
    assert Code.THRESHOLD not in codes(found) or not right


@pytest.mark.parametrize(("zero", "right"), [("0", True), ("0.0", True), ("0.00", True), ("-0", False)])
def test_a_key_of_decimals_may_be_a_whole_number(zero: str, right: bool, tmp_path: Path) -> None:
    data = folder(tmp_path, [0.7, 2.0])
    sql = "SELECT CASE WHEN v < 1.25 THEN 0 ELSE 1.25 END AS bin, COUNT(*) AS n FROM t GROUP BY bin"
    found = checked(data, sql, "acro-default", f"bin,n\n{zero},30\n1.25,30\n".encode())
    assert (Code.ROW_EXTRA not in codes(found)) is right
