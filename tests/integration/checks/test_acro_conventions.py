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
