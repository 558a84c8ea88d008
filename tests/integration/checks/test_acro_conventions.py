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
    assert thin == {("G", "s"), ("N", "s")}
    assert sum(one.code == "degrees_of_freedom" for one in report.findings) == 1
