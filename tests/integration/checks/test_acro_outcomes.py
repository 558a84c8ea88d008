"""Tables as ACRO 1.0.2 gives them and pandas saves them: each is read, each cell that it flags is flagged.

What ACRO gave and flagged was written by `tests/support/acro_outcomes.py`, in an environment of its own.
"""

from __future__ import annotations

import importlib.util
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.report import CellEvidence, OutputReport
from hub.data import nafld
from tests.support import acro_outcomes
from tests.support.acro_outcomes import LEVELS, MARGIN, SINGLE, SIZES, Asked
from tests.support.compute import COMPUTE_PYTHON
from tests.support.outside import checked

OUTCOMES = Path(acro_outcomes.__file__).with_suffix(".json")
CODES = {
    "MinimumThresholdCheck": {Code.THRESHOLD},
    "NKCheck": {Code.DOMINANCE_NK},
    "PPercentCheck": {Code.P_PERCENT},
    "PresenceOfZeroCheck": {Code.ZERO_DISCLOSIVE},
    "MinimumDoFCheck": {Code.DEGREES_OF_FREEDOM},
}
NOBODYS = "never"
"""A level of a categorical column that no row has: its name is nowhere in the data."""


@cache
def outcomes() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(OUTCOMES.read_text())["tables"]
    return found


ASKED = {one.name: one for one in acro_outcomes.asked() if one.name in outcomes()}


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The data that ACRO had, as Parquet."""
    made = {}
    for size in map(str, SIZES):
        table = pa.Table.from_pylist(acro_outcomes.rows_of(size))
        at = table.schema.get_field_index(SINGLE)
        folder = tmp_path_factory.mktemp(f"data{size}")
        pq.write_table(table.set_column(at, SINGLE, table[SINGLE].cast(pa.float32())), folder / "t.parquet")
        made[size] = folder
    return made


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("nafld") / "1"
    nafld.build(folder, COMPUTE_PYTHON)
    return folder


def report_on(name: str, folder: Path) -> OutputReport:
    made = outcomes()[name]
    return checked(folder, made["claim"]["sql"], "acro-default", made["csv"].encode(), made["claim"])


def flagged(one: Asked, report: OutputReport) -> Iterator[tuple[Any, set[Code] | None]]:
    """Each mark of ACRO's with what is found on its cell; None where there is no such cell."""
    cells: dict[tuple[str | None, ...], list[CellEvidence]] = {}
    for cell in report.cells:
        key = (*(_same(cell.key[name]) for name in one.keys), cell.statistic.split("(")[0])
        cells.setdefault(key, []).append(cell)
    for labels, statistic, checks in outcomes()[one.name]["flags"]:
        found = cells.get((*map(_same, labels), statistic))
        codes = None if found is None else {code for cell in found for code in cell.findings}
        for check in checks:
            yield (labels, statistic, check), codes


def _same(text: str | None) -> str | None:
    """A key as ACRO's labels and the report both give it; a margin is its label or blank."""
    if text in (None, "", MARGIN):
        return None
    return text.removesuffix(".0").removesuffix(" 00:00:00").removesuffix("T00:00:00").lower()


def hold(one: Asked, report: OutputReport) -> None:
    missed = []
    for (labels, statistic, check), codes in flagged(one, report):
        # What lies outside of a mask of ACRO's carries the names of all checks.
        wanted = CODES.get(check)
        if not codes or (wanted is not None and not codes & wanted and not _outside(one, labels)):
            missed.append((labels, statistic, check, codes))
    assert not missed, missed[:5]


def _outside(one: Asked, labels: Sequence[str | None]) -> bool:
    named = [checks for found, _, checks in outcomes()[one.name]["flags"] if found == labels]
    return any("PresenceOfLinkedTableCheck" in checks for checks in named)


@pytest.mark.parametrize("name", [name for name, one in ASKED.items() if one.data != "nafld"])
def test_every_cell_that_acro_flags_is_flagged(name: str, folders: dict[str, Path]) -> None:
    one = ASKED[name]
    report = report_on(name, folders[one.data])
    hold(one, report)
    codes = {found.code for found in report.findings}
    if NOBODYS in outcomes()[name]["csv"]:
        assert codes & {Code.ROW_EXTRA, Code.RECOMPUTED}
        return
    assert Code.RECOMPUTED in codes, [found for found in report.findings if found.cell is None]


@pytest.mark.parametrize("name", [name for name, one in ASKED.items() if one.data == "nafld"])
def test_every_cell_that_acro_flags_in_the_cohort_is_flagged(name: str, cohort: Path) -> None:
    report = report_on(name, cohort)
    hold(ASKED[name], report)
    assert Code.RECOMPUTED in {found.code for found in report.findings}


def test_the_tables_are_of_many_kinds() -> None:
    kinds = Counter((one.call, one.form, one.margins) for one in ASKED.values())
    assert len(kinds) >= 8
    assert {key for one in ASKED.values() for key in one.keys} >= set(LEVELS)
    assert sum(len(made["flags"]) for made in outcomes().values()) > 1_000


@pytest.mark.skipif(importlib.util.find_spec("acro") is None, reason="acro==1.0.2 is not in this environment")
def test_the_outcomes_are_those_of_acro() -> None:
    for name, one in ASKED.items():
        if one.data != "nafld":
            made = acro_outcomes.outcome(one, acro_outcomes.frame_of(one.data, Path()))
            # Of several most frequent values ACRO shows any.
            assert (made["claim"], made["flags"]) == (outcomes()[name]["claim"], outcomes()[name]["flags"])
