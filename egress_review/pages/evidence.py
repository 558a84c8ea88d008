"""What stands behind each number of a table, for the reviewer's eye: a heat-map and its evidence.

Every line of evidence is a sentence of the catalogue with the numbers that the checks found; nothing is
interpreted anew here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from egress_review.checks.findings import VERDICTS, FindingCode, Verdict
from egress_review.checks.report import CellEvidence, Finding, OutputReport

Place = tuple[str, frozenset[tuple[str, str]]]
"""A number's place: its column, and the keys of its row."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What stands behind one number.

    Attributes:
        cell: the counts.
        findings: on this cell, the worst first.
        others: codes of more; a report holds a bounded number of findings in full.
        verdict: the worst of all, or *passed*; *passed* where a mark stands in its place.
    """

    cell: CellEvidence
    findings: tuple[Finding, ...]
    others: tuple[FindingCode, ...]
    verdict: Verdict


def place_of(cell: CellEvidence) -> Place:
    """Where a number stands."""
    return cell.measure, frozenset(cell.key.items())


def evidence_by_place(report: OutputReport) -> Mapping[Place, Evidence]:
    """The evidence for every number that the report holds, by its place."""
    about = _findings_by_cell(report.findings)
    return {
        place_of(cell): _evidence(cell, about.get(frozenset(cell.key.items()), ())) for cell in report.cells
    }


def about_cells(findings: Sequence[Finding], places: Mapping[Place, str]) -> tuple[str, ...]:
    """For each finding the name of the cell that it is about, or "" if it is about none that is shown.

    Args:
        places: names of the cells that are shown.
    """
    rows: dict[frozenset[tuple[str, str]], str] = {}
    for (_, key), name in places.items():
        rows.setdefault(key, name)
    return tuple(_about(one, places, rows) for one in findings)


def _about(
    finding: Finding, places: Mapping[Place, str], rows: Mapping[frozenset[tuple[str, str]], str]
) -> str:
    if finding.cell is None:
        return ""
    key = frozenset(finding.cell.items())
    return places.get((finding.params.get("column", ""), key)) or rows.get(key, "")


def key_columns(report: OutputReport) -> frozenset[str]:
    """The columns that name rows."""
    return frozenset(name for cell in report.cells for name in cell.key)


def _evidence(cell: CellEvidence, about: Sequence[Finding]) -> Evidence:
    own = [
        one for one in about
        if one.code in cell.findings and one.params.get("column", cell.measure) == cell.measure
    ]  # fmt: skip
    told = {one.code for one in own}
    return Evidence(
        cell,
        tuple(sorted(own, key=lambda one: -one.verdict.rank)),
        tuple(code for code in cell.findings if code not in told),
        _verdict(cell),
    )


def _verdict(cell: CellEvidence) -> Verdict:
    if cell.suppressed:
        return Verdict.PASS
    return max((VERDICTS[code] for code in cell.findings), key=lambda one: one.rank, default=Verdict.PASS)


def _findings_by_cell(findings: Sequence[Finding]) -> dict[frozenset[tuple[str, str]], tuple[Finding, ...]]:
    placed = [(frozenset(one.cell.items()), one) for one in findings if one.cell is not None]
    placed.sort(key=lambda one: sorted(one[0]))
    return {place: tuple(one for _, one in group) for place, group in groupby(placed, key=lambda one: one[0])}
