"""What another tool's table may be called, and which groups it may leave out, without a word to people."""

from __future__ import annotations

from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from tests.support.outside import checked, write_folder

MEAN = "SELECT w, AVG(v) FROM t GROUP BY w"
CROSS = "SELECT w, a, COUNT(*) AS n FROM t GROUP BY w, a"
WIDE = "w,x,y\n1,40,20\n2,40,20\n"


def folder(tmp_path: Path, *, unknown: bool = False) -> Path:
    rows = [
        {"w": w, "a": a, "v": 1.0 + at % 2}
        for w in (1, 2)
        for a in ("x", "x", "y", *([None] if unknown else []))
        for at in range(20)
    ]
    return write_folder(tmp_path / "data", rows)


def codes(found: OutputReport) -> set[Code]:
    return {one.code for one in found.findings}


@pytest.mark.parametrize(
    "header", ["mean", "Mean", "AVG", "v", "mean(v)", "v_mean", "avg(v)", "mean v", "value", "1"]
)
def test_a_name_that_tools_give_says_no_more_than_the_query(header: str, tmp_path: Path) -> None:
    body = f"w,{header}\n1,1.5\n2,1.5\n".encode()
    assert codes(checked(folder(tmp_path), MEAN, "acro-default", body)) == {Code.RECOMPUTED}


@pytest.mark.parametrize("header", ["patient 12", "mEaN", "sum", "mean w", "12", "mean(v) ", "median"])
def test_any_other_name_is_for_people(header: str, tmp_path: Path) -> None:
    found = checked(folder(tmp_path), MEAN, "acro-default", f"w,{header}\n1,1.5\n2,1.5\n".encode())
    assert codes(found) == {Code.RECOMPUTED, Code.HEADER_SAYS_MORE}
    assert found.verdict is Verdict.REVIEW
    assert {one.measure for one in found.cells} == {"value_2"}


@pytest.mark.parametrize("named", ["", " AS mean"])
def test_labels_over_several_columns_are_read_too(named: str, tmp_path: Path) -> None:
    sql = f"SELECT w, a, AVG(v){named} FROM t GROUP BY w, a"
    for label, more in (("mean", False), ("patient 12", True)):
        body = f",{label},{label}\n,v,v\na,x,y\nw,,\n1,1.5,1.5\n2,1.5,1.5\n".encode()
        found = checked(folder(tmp_path), sql, "acro-default", body)
        assert (Code.HEADER_SAYS_MORE in codes(found)) is more, found.findings
        assert Code.RECOMPUTED in codes(found)


@pytest.mark.parametrize("body", ["w,x,y,patient 12\n1,40,20,\n2,40,20,0\n", WIDE + "patient 12,0,0\n"])
def test_a_category_that_nobody_has_is_a_row_too_many(body: str, tmp_path: Path) -> None:
    assert Code.ROW_EXTRA in codes(checked(folder(tmp_path), CROSS, "acro-default", body.encode()))


def test_groups_of_the_unknown_that_pandas_leaves_out_are_named(tmp_path: Path) -> None:
    found = checked(folder(tmp_path, unknown=True), CROSS, "acro-default", WIDE.encode())
    assert codes(found) == {Code.ROW_MISSING, Code.NULL_GROUPS_MISSING}
    assert found.verdict is Verdict.BLOCK
    (hint,) = (one for one in found.findings if one.code is Code.NULL_GROUPS_MISSING)
    assert hint.params == {"columns": "a"}


def test_a_claim_may_say_that_they_are_left_out(tmp_path: Path) -> None:
    data, claim = folder(tmp_path, unknown=True), {"nulls": "dropped"}
    assert codes(checked(data, CROSS, "acro-default", WIDE.encode(), claim)) == {Code.RECOMPUTED}
    margins = CROSS.replace("GROUP BY w, a", "GROUP BY CUBE (w, a)")
    whole = "w,x,y,All\n1,40,20,60\n2,40,20,60\nAll,80,40,120\n"
    assert codes(checked(data, margins, "acro-default", whole.encode(), claim)) == {Code.RECOMPUTED}


def test_who_is_left_out_with_them_is_not_hidden(tmp_path: Path) -> None:
    """Three persons without a category: the margin of all, less the one of the table, is theirs."""
    rows = [{"p": at, "a": "xy"[at % 2] if at > 2 else None} for at in range(60)]
    data = write_folder(tmp_path / "data", rows, manifest={"unit_column": "p"})
    sql = "SELECT a, COUNT(*) AS n FROM t GROUP BY CUBE (a)"
    found = checked(data, sql, "sdap", b"a,n\nx,28\ny,29\nAll,57\n", {"nulls": "dropped"})
    assert codes(found) == {Code.RECOMPUTED, Code.LEFT_OUT_SMALL}


def test_a_missing_group_of_the_known_is_only_missing(tmp_path: Path) -> None:
    found = checked(folder(tmp_path, unknown=True), CROSS, "acro-default", b"w,x\n1,40\n2,40\n")
    assert Code.NULL_GROUPS_MISSING not in codes(found)
    assert Code.ROW_MISSING in codes(found)


@pytest.mark.parametrize(
    ("group", "body"),
    [
        ("w, a", "w,x,y,\n1,40,20,20\n2,40,20,20\n"),
        ("CUBE (w, a)", "w,x,y,,All\n1,40,20,20,80\n2,40,20,20,80\nAll,80,40,40,160\n"),
        ("w, a", ",n,n,n\n,v,v,v\na,x,y,nan\nw,,,\n1,40,20,20\n2,40,20,20\n"),
    ],
)
def test_a_column_without_a_name_is_of_those_who_miss_the_key(group: str, body: str, tmp_path: Path) -> None:
    """As ACRO 1.0.2 writes them."""
    data, sql = folder(tmp_path, unknown=True), f"SELECT w, a, COUNT(v) FROM t GROUP BY {group}"
    assert codes(checked(data, sql, "acro-default", body.encode())) == {Code.RECOMPUTED}
    assert Code.VALUE_DIFFERS in codes(
        checked(
            data, sql, "acro-default", body.replace(",20\n", ",21\n").replace(",20,80\n", ",21,80\n").encode()
        )
    )


@pytest.mark.parametrize(
    "body", ["w,x,y,\n1,40,20,0\n2,40,20,0\n", "w,x,y,All,\n1,40,20,60,60\n2,40,20,60,60\n"]
)
def test_where_nobody_misses_it_such_a_column_is_not_passed_over(body: str, tmp_path: Path) -> None:
    found = checked(folder(tmp_path), CROSS, "acro-default", body.encode())
    assert Code.RECOMPUTED not in codes(found)
