"""Cross tables with the headers that pandas writes over several lines are read; nothing else is guessed."""

from __future__ import annotations

from pathlib import Path

import pytest

from egress_review.checks.report import OutputReport
from tests.support.outside import checked, write_folder

COUNTS = "SELECT w, a, b, COUNT(*) FROM t GROUP BY w, a, b"
TWO = "SELECT w, a, AVG(v) AS mean, SUM(v) AS sum FROM t GROUP BY w, a"
SETS = "SELECT w, a, b, COUNT(*) FROM t GROUP BY GROUPING SETS ((w, a, b), (a, b), (w), ())"


def folder(tmp_path: Path) -> Path:
    rows = [
        {"w": w, "a": a, "b": b, "v": 1.0 + at % 2}
        for w in (1, 2)
        for a, b in (("x", "p"), ("x", "q"), ("y", "p"))
        for at in range(20)
    ]
    return write_folder(tmp_path / "data", rows)


def report(tmp_path: Path, sql: str, body: str) -> OutputReport:
    return checked(folder(tmp_path), sql, "acro-default", body.encode())


def codes(found: OutputReport) -> set[str]:
    return {str(one.code) for one in found.findings}


def test_two_levels_of_columns(tmp_path: Path) -> None:
    found = report(tmp_path, COUNTS, "a,x,x,y,y\nb,p,q,p,q\nw,,,,\n1,20,20,20,0\n2,20,20,20,0\n")
    assert codes(found) == {"recomputed", "zero_disclosive"}
    assert {one.key["b"] for one in found.cells} == {"p", "q"}


def test_two_levels_of_columns_with_margins(tmp_path: Path) -> None:
    body = "a,x,x,y,All\nb,p,q,p,\nw,,,,\n1,20,20,20,60\n2,20,20,20,60\nAll,40,40,40,120\n"
    assert "recomputed" in codes(report(tmp_path, SETS, body))


@pytest.mark.parametrize("labels", ["mean,mean,sum,sum", "mean v,mean v,sum v,sum v"])
def test_a_list_of_aggregates(tmp_path: Path, labels: str) -> None:
    body = f",{labels}\na,x,y,x,y\nw,,,,\n1,1.5,1.5,60.0,30.0\n2,1.5,1.5,60.0,30.0\n"
    assert codes(report(tmp_path, TWO, body)) == {"recomputed"}


def test_an_edited_number_behind_two_levels_is_found(tmp_path: Path) -> None:
    found = report(tmp_path, COUNTS, "a,x,x,y,y\nb,p,q,p,q\nw,,,,\n1,20,21,20,0\n2,20,20,20,0\n")
    assert "value_differs" in codes(found)


def test_a_number_for_nobody_is_found(tmp_path: Path) -> None:
    found = report(tmp_path, COUNTS, "a,x,x,y,y\nb,p,q,p,q\nw,,,,\n1,20,20,20,7\n2,20,20,20,0\n")
    assert "row_extra" in codes(found)


def test_row_numbers_are_no_column(tmp_path: Path) -> None:
    sql = "SELECT w, COUNT(*) AS n FROM t GROUP BY w"
    assert codes(report(tmp_path, sql, ",w,n\n0,1,60\n1,2,60\n")) == {"recomputed"}


@pytest.mark.parametrize("first", ["0\n7", "1\n0", "0\n", "x\ny"])
def test_a_column_without_a_name_that_says_something_stays_unread(tmp_path: Path, first: str) -> None:
    one, two = first.split("\n")
    sql = "SELECT w, COUNT(*) AS n FROM t GROUP BY w"
    assert codes(report(tmp_path, sql, f",w,n\n{one},1,60\n{two},2,60\n")) == {"csv_unreadable"}


@pytest.mark.parametrize(
    "head", ["a,x,x,y,y\nb,p,q,p,q\n", "a,x,x,y,y\nb,p,p,p,q\nw,,,,\n", "a,x,x,y,y\nb,p,q,p,q\nw,,,,hi\n"]
)
def test_another_header_stays_unread(tmp_path: Path, head: str) -> None:
    assert codes(report(tmp_path, COUNTS, f"{head}1,20,20,20,0\n2,20,20,20,0\n")) == {"csv_unreadable"}


def test_a_sum_of_nothing_may_be_zero(tmp_path: Path) -> None:
    rows = [{"w": 1 + at // 20, "v": None if at < 20 else 1.0} for at in range(40)]
    data = write_folder(tmp_path / "data", rows)
    sql = "SELECT w, SUM(v) AS s FROM t GROUP BY w"
    assert "value_differs" not in codes(checked(data, sql, "acro-default", b"w,s\n1,0.0\n2,20.0\n"))
    assert "value_differs" in codes(checked(data, sql, "acro-default", b"w,s\n1,0.0\n2,0.0\n"))
