"""Cross tables with the headers that pandas writes over several lines are read; nothing else is guessed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
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


@pytest.mark.parametrize(
    ("numbers", "blanks", "right"), [("0\n1", "a,", True), ("0\n2", "a,", False), ("0\n1", ",", False)]
)
def test_row_numbers_beside_those_who_miss_the_key(
    numbers: str, blanks: str, right: bool, tmp_path: Path
) -> None:
    """`reset_index().to_csv()` of a cross table in which some miss the key that is spread over columns."""
    rows = [{"w": 1 + at % 2, "k": "a" if at % 3 else None} for at in range(120)]
    data = write_folder(tmp_path / "data", rows)
    one, two = numbers.split("\n")
    body = f",w,{blanks}\n{one},1,40,20\n{two},2,40,20\n"
    found = checked(data, "SELECT w, k, COUNT(*) FROM t GROUP BY w, k", "acro-default", body.encode())
    assert codes(found) == {"recomputed" if right else "csv_unreadable"}


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


def test_each_column_has_a_type_of_its_own(tmp_path: Path) -> None:
    """pandas writes `20.0` beside `60`: a blank makes fractions of a column, and a margin has none."""
    body = "a,x,x,y,All\nb,p,q,p,\nw,,,,\n1,20.0,20.0,20.0,60\n2,20.0,20.0,20.0,60\nAll,40.0,40.0,40.0,120\n"
    assert "recomputed" in codes(report(tmp_path, SETS, body))
    mixed = body.replace("2,20.0,", "2,20,")
    assert "form_not_canonical" in codes(report(tmp_path, SETS, mixed))
    wide = "w,x,y\n1,40.0,20\n2,40.0,20\n"
    assert codes(report(tmp_path, "SELECT w, a, COUNT(*) FROM t GROUP BY w, a", wide)) == {"recomputed"}
    mixed = wide.replace("2,40.0,", "2,40,")
    assert "form_not_canonical" in codes(
        report(tmp_path, "SELECT w, a, COUNT(*) FROM t GROUP BY w, a", mixed)
    )


@pytest.mark.parametrize(
    ("header", "right"), [("w,v", True), ("w,mean", True), ("w,MEAN_V", True), ("w,x", False)]
)
def test_a_number_with_an_alias_may_be_called_by_its_statistic_or_column(
    header: str, right: bool, tmp_path: Path
) -> None:
    found = report(tmp_path, "SELECT w, AVG(v) AS mean_v FROM t GROUP BY w", f"{header}\n1,1.5\n2,1.5\n")
    assert codes(found) == ({"recomputed"} if right else {"header_differs"})


def test_two_numbers_are_told_apart_by_their_statistics(tmp_path: Path) -> None:
    sql = "SELECT w, AVG(v) AS m, COUNT(v) AS n FROM t GROUP BY w"
    assert codes(report(tmp_path, sql, "w,count,mean\n1,60,1.5\n2,60,1.5\n")) == {"recomputed"}
    assert "value_differs" in codes(report(tmp_path, sql, "w,mean,count\n1,60,1.5\n2,60,1.5\n"))


def test_a_long_table_may_have_all_combinations_of_nobody_or_none(tmp_path: Path) -> None:
    """As `stack` gives it. Which of them stand there must not be a choice."""
    lines = [
        "w,a,b,n",
        *(f"{w},{a},{b},{0 if a + b == 'yq' else 20}" for w in "12" for a in "xy" for b in "pq"),
    ]
    assert codes(report(tmp_path, COUNTS, "\n".join(lines) + "\n")) == {"recomputed", "zero_disclosive"}
    chosen = [line for line in lines if line != "2,y,q,0"]
    assert "row_extra" in codes(report(tmp_path, COUNTS, "\n".join(chosen) + "\n"))
    edited = [line.replace("2,y,q,0", "2,y,q,3") for line in lines]
    assert "row_extra" in codes(report(tmp_path, COUNTS, "\n".join(edited) + "\n"))


def test_an_empty_text_is_a_key_where_nobody_misses_it(tmp_path: Path) -> None:
    rows = [{"w": w, "v": 1.0} for w in ("", "x") for _ in range(20)]
    data = write_folder(tmp_path / "texts", rows)
    sql = "SELECT w, COUNT(*) AS n FROM t GROUP BY w"
    assert codes(checked(data, sql, "acro-default", b"w,n\n,20\nx,20\n")) == {"recomputed"}
    data = write_folder(tmp_path / "both", [*rows, *({"w": None, "v": 1.0} for _ in range(20))])
    assert "recomputed" not in codes(checked(data, sql, "acro-default", b"w,n\n,20\nx,20\n,20\n"))


@pytest.mark.parametrize("label", ["All", "everyone"])
def test_a_blank_behind_a_margin_is_the_margin_also_where_some_miss_the_key(
    label: str, tmp_path: Path
) -> None:
    rows = [
        {"w": w, "a": a, "b": b} for w in (1, 2) for a in ("x", None) for b in ("p", "q") for _ in range(20)
    ]
    data = write_folder(tmp_path / "data", rows)
    sql = "SELECT w, a, b, COUNT(*) AS n FROM t GROUP BY GROUPING SETS ((w, a, b), (w, a), (b), ())"
    body = f"w,a,p,q,{label}\n1,x,20,20,40\n1,,20,20,40\n2,x,20,20,40\n2,,20,20,40\n{label},,80,80,160\n"
    claim = {} if label == "All" else {"margin": label}
    assert codes(checked(data, sql, "acro-default", body.encode(), claim)) == {"recomputed"}


def test_a_cross_table_may_be_wide(tmp_path: Path) -> None:
    rows = [{"w": w, "a": a} for w in (1, 2) for a in range(200) for _ in range(12)]
    data = write_folder(tmp_path / "data", rows)
    head = ",".join(map(str, range(200)))
    body = f"w,{head}\n" + "".join(f"{w}{',12' * 200}\n" for w in (1, 2))
    found = checked(data, "SELECT w, a, COUNT(*) AS n FROM t GROUP BY w, a", "acro-default", body.encode())
    assert codes(found) == {"recomputed"}


def test_a_category_may_be_called_as_its_key(tmp_path: Path) -> None:
    """As `recommend` of the nursery data, with which ACRO is tested."""
    rows = [{"w": w, "rec": rec} for w in (1, 2) for rec in ("not", "rec", "very") for _ in range(20)]
    data = write_folder(tmp_path / "data", rows)
    sql = "SELECT w, rec, COUNT(*) AS n FROM t GROUP BY w, rec"
    body = b"w,not,rec,very\n1,20,20,20\n2,20,20,20\n"
    assert codes(checked(data, sql, "acro-default", body)) == {"recomputed"}
    assert "value_differs" in codes(checked(data, sql, "acro-default", body.replace(b"1,20,20", b"1,20,21")))
    assert "header_differs" in codes(checked(data, sql, "acro-default", b"w,rec,n,more\n1,not,20,1\n"))


@pytest.mark.parametrize(("width", "right"), [("float32", True), ("float64", False)])
@pytest.mark.parametrize("statistic", ["AVG", "MAX", "SUM"])
def test_tools_compute_in_the_precision_of_the_data(
    statistic: str, width: str, right: bool, tmp_path: Path
) -> None:
    """As in ACRO's own data, which Stata wrote."""
    values = np.array([367595008.0 + 32 * at for at in range(40)], dtype=width)
    folder = tmp_path / "data"
    folder.mkdir()
    pq.write_table(pa.table({"g": ["a"] * 40, "v": values}), folder / "t.parquet")
    expected = {"AVG": values.mean(dtype="float64"), "MAX": values.max(), "SUM": values.sum(dtype="float64")}
    shown = np.float32(expected[statistic])
    sql = f"SELECT g, {statistic}(v) AS s FROM t GROUP BY g"
    found = checked(folder, sql, "acro-default", f"g,s\na,{shown!s}\n".encode())
    assert ("recomputed" in codes(found)) is right
    assert ("value_differs" in codes(found)) is not right
    edited = checked(folder, sql, "acro-default", f"g,s\na,{float(shown) * 1.00001}\n".encode())
    assert "value_differs" in codes(edited)
