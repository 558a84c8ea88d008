"""`acro-default` flags every cell that ACRO 1.0.2 flags, and says so by the rule that ACRO means.

What ACRO flags was written by `tests/support/acro_tables.py`, in an environment of its own.
"""

from __future__ import annotations

import importlib.util
import json
from functools import cache
from pathlib import Path

import pytest

from tests.support import acro_tables
from tests.support.acro_tables import MARGIN, Case
from tests.support.outside import checked, write_folder

FLAGS = Path(acro_tables.__file__).with_name("acro_flags.json")
SQL = {
    "count": "COUNT(value)", "sum": "SUM(value)", "mean": "AVG(value)", "median": "MEDIAN(value)",
    "std": "STDDEV(value)", "min": "MIN(value)", "max": "MAX(value)",
}  # fmt: skip
CODES = {
    "MinimumThresholdCheck": {"threshold"},
    "NKCheck": {"dominance_nk"},
    "PPercentCheck": {"p_percent"},
    "PresenceOfZeroCheck": {"zero_disclosive"},
    "MinimumDoFCheck": {"degrees_of_freedom", "zero_disclosive"},
}
TABLES = [(shape, seed) for shape in acro_tables.SHAPES for seed in acro_tables.SEEDS]


@cache
def expected() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = json.loads(FLAGS.read_text())
    return found


@pytest.mark.parametrize(("shape", "seed"), TABLES)
def test_every_cell_that_acro_flags_is_flagged(shape: str, seed: int, tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", acro_tables.rows_of(shape, seed))
    measures = ", ".join(f"{sql} AS m_{name}" for name, sql in SQL.items())
    sql = f"SELECT year, kind, {measures} FROM t GROUP BY CUBE (year, kind)"
    report = checked(folder, sql, "acro-default")
    cells = {
        (one.key["year"], one.key["kind"], one.measure): {str(code) for code in one.findings}
        for one in report.cells
    }
    for statistic in SQL:
        for margins in (False, True):
            for place, checks in expected()[Case(shape, seed, statistic, margins).name].items():
                year, kind = ("" if one == MARGIN else one for one in place.split("|"))
                found = cells[year, kind, f"m_{statistic}"]
                for check in checks:
                    assert found & CODES[check], (statistic, margins, place, check, found)


@pytest.mark.parametrize("shape", ["plain", "tails"])
def test_where_all_values_are_there_and_above_zero_the_rules_are_those_of_acro_and_no_more(
    shape: str, tmp_path: Path
) -> None:
    """Nothing beyond what ACRO flags, but for the rules that it lacks."""
    folder = write_folder(tmp_path / "data", acro_tables.rows_of(shape, 1))
    report = checked(folder, "SELECT year, kind, SUM(value) AS s FROM t GROUP BY year, kind", "acro-default")
    flagged = {f"{one.key['year']}|{one.key['kind']}" for one in report.cells if one.findings}
    assert flagged == set(expected()[Case(shape, 1, "sum", margins=False).name])


def test_what_having_leaves_out_is_not_called_nobody(tmp_path: Path) -> None:
    folder = write_folder(tmp_path / "data", acro_tables.rows_of("plain", 1))
    sql = "SELECT year, kind, COUNT(*) AS n FROM t GROUP BY year, kind HAVING COUNT(*) >= 25"
    report = checked(folder, sql, "acro-default")
    assert "zero_disclosive" not in {str(one.code) for one in report.findings}
    assert all(one.rows for one in report.cells)


@pytest.mark.skipif(importlib.util.find_spec("acro") is None, reason="acro==1.0.2 is not in this environment")
def test_the_flags_are_those_of_acro() -> None:
    assert {case.name: acro_tables.flagged(case) for case in acro_tables.cases()} == expected()


def test_a_margin_over_some_keys_has_cells_of_nobody_too(tmp_path: Path) -> None:
    """ACRO's own `crosstab(year, [grant_type, survivor], margins=True)`: a column of which nobody is."""
    rows = [{"year": year, "kind": kind, "alive": alive, "value": 2.0} for year, kind, alive in (
        *[(year, "G", alive) for year in (1, 2) for alive in ("y", "n") for _ in range(20)],
        *[(year, "N", "y") for year in (1, 2) for _ in range(20)],
    )]  # fmt: skip
    folder = write_folder(tmp_path / "data", rows)
    sets = "GROUPING SETS ((year, kind, alive), (kind, alive))"
    sql = f"SELECT year, kind, alive, COUNT(*) AS n FROM t GROUP BY {sets}"
    report = checked(folder, sql, "acro-default")
    nobody = {
        (one.key["year"], one.key["kind"], one.key["alive"])
        for one in report.cells
        if "zero_disclosive" in {str(code) for code in one.findings}
    }
    assert nobody == {("1", "N", "n"), ("2", "N", "n"), ("", "N", "n")}


def test_one_thin_cell_names_all_deviations_as_in_acro(tmp_path: Path) -> None:
    rows = [{"kind": kind, "value": float(at)} for kind, size in (("G", 5), ("N", 40)) for at in range(size)]
    folder = write_folder(tmp_path / "data", rows)
    sql = "SELECT kind, STDDEV(value) AS s, AVG(value) AS m FROM t GROUP BY kind"
    report = checked(folder, sql, "acro-default")
    thin = {(one.key["kind"], one.measure) for one in report.cells if "degrees_of_freedom" in one.findings}
    # Of several statistics its outcome names it over all of them.
    assert thin == {(kind, measure) for kind in "GN" for measure in "sm"}
    alone = checked(folder, "SELECT kind, STDDEV(value) AS s FROM t GROUP BY kind", "acro-default")
    assert {one.key["kind"] for one in alone.cells if "degrees_of_freedom" in one.findings} == {"G", "N"}
    assert sum(one.code == "degrees_of_freedom" for one in report.findings) == 1


def test_what_one_of_several_statistics_breaks_is_named_for_all_as_in_acro(tmp_path: Path) -> None:
    """Its masks lie over every column of a list of aggregates; the verdict stays that of the one."""
    rows = [
        {"kind": kind, "value": 1e6 if kind == "G" and not at else 1.0 + at}
        for kind in "GN"
        for at in range(30)
    ]
    folder = write_folder(tmp_path / "data", rows)
    sql = "SELECT kind, COUNT(value) AS n, SUM(value) AS s, MEDIAN(value) AS m FROM t GROUP BY kind"
    report = checked(folder, sql, "acro-default")
    named = {(one.key["kind"], one.measure) for one in report.cells if "dominance_nk" in one.findings}
    assert named == {("G", "n"), ("G", "s"), ("G", "m")}
    assert [dict(one.cell or {}) for one in report.findings if one.code == "dominance_nk"] == [{"kind": "G"}]


def test_a_category_that_nobody_has_stays_blocked_and_is_named(tmp_path: Path) -> None:
    """As of a categorical column with a level that no row has: ACRO flags its cells."""
    rows = [{"w": w, "kind": kind} for w in (1, 2) for kind in "GN" for _ in range(30)]
    folder = write_folder(tmp_path / "data", rows)
    sql = "SELECT w, kind, COUNT(*) AS n FROM t GROUP BY w, kind"
    report = checked(folder, sql, "acro-default", b"w,G,N,never\n1,30,30,0\n2,30,30,0\n")
    assert report.verdict == "block"
    named = {
        one.key["w"]: {str(code) for code in one.findings}
        for one in report.cells
        if one.key["kind"] == "never"
    }
    assert named == {key: {"row_extra", "threshold", "zero_disclosive"} for key in "12"}
    shown = checked(folder, sql, "acro-default", b"w,G,N,never\n1,30,30,9\n2,30,30,0\n")
    (nine,) = [one for one in shown.cells if one.value == "9"]
    assert [str(code) for code in nine.findings] == ["row_extra"]


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"w;n\n1;4\n", "csv_unreadable"),
        (b"w,n,n\n1,4,4\n", "csv_unreadable"),
        (b"\xef\xbb\xbfw,n\n1,4\n", "csv_unreadable"),
        (b"w,n,note\n1,4,x\n", "header_differs"),
        (b"w,n\n2,60\n", "row_missing"),
    ],
)
def test_a_table_that_cannot_be_read_still_says_which_cells_would_break_a_rule(
    body: bytes, code: str, tmp_path: Path
) -> None:
    rows = [{"w": w} for w, size in ((1, 4), (2, 60)) for _ in range(size)]
    folder = write_folder(tmp_path / "data", rows)
    report = checked(folder, "SELECT w, COUNT(*) AS n FROM t GROUP BY w", "acro-default", body)
    assert code in {str(one.code) for one in report.findings}
    assert "recomputed" not in {str(one.code) for one in report.findings}
    flagged = {one.key["w"]: one.findings for one in report.cells}
    assert flagged == {"1": ("threshold",), "2": ()}
    assert {one.value for one in report.cells if one.key["w"] == "1"} == {""}
    assert "threshold" not in {str(one.code) for one in report.findings}
