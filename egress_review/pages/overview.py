"""A large table of two keys at one look: a sign for each of its cells, where the checks found something.

A long table of thousands of rows shows nobody that one column of it is small throughout. A report holds a
bounded number of cells, those with findings first: a cell without a sign is one that nothing was found about,
or that is not there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from egress_review.pages.evidence import Place, evidence_by_place

FEWEST, MOST = 40, 120
"""Cells of a table from which it is worth a look, and levels of a key up to which it fits a page."""


@dataclass(frozen=True, slots=True)
class Mark:
    """One cell: the worst verdict of its numbers, and the name of the first of them if the page shows it."""

    verdict: Verdict
    suppressed: bool
    at: str = ""


@dataclass(frozen=True, slots=True)
class Overview:
    """Names of the two keys, their levels in order, margins last, and a mark or None for each pair."""

    keys: tuple[str, str]
    rows: tuple[tuple[str, tuple[Mark | None, ...]], ...]
    columns: tuple[str, ...]


def overview(report: OutputReport | None, names: dict[Place, str]) -> Overview | None:
    """The overview of a table of two keys, if something was found in it; else None.

    Args:
        names: of the numbers that the page shows.
    """
    if report is None or report.cells_total < FEWEST:
        return None
    keys = list(dict.fromkeys(name for cell in report.cells for name in cell.key))
    if len(keys) != 2:  # noqa: PLR2004 - a grid has two sides
        return None
    marks: dict[tuple[str, str], Mark] = {}
    for place, evidence in evidence_by_place(report).items():
        key = evidence.cell.key
        at = key.get(keys[0], ""), key.get(keys[1], "")
        mark = Mark(evidence.verdict, evidence.cell.suppressed, names.get(place, ""))
        marks[at] = max(marks.get(at, mark), mark, key=lambda one: (one.verdict.rank, one.suppressed))
    down, across = _levels([one for one, _ in marks]), _levels([one for _, one in marks])
    found = any(mark.suppressed or mark.verdict is not Verdict.PASS for mark in marks.values())
    if not found or max(len(down), len(across)) > MOST:
        return None
    rows = tuple((level, tuple(marks.get((level, other)) for other in across)) for level in down)
    return Overview((keys[0], keys[1]), rows, across)


def _levels(texts: Sequence[str]) -> tuple[str, ...]:
    """In the order of numbers, then of texts; what is empty, a margin mostly, last."""

    def order(text: str) -> tuple[bool, float, str]:
        try:
            return (not text, float(text), text)
        except ValueError:
            return (not text, float("inf"), text)

    return tuple(sorted(set(texts), key=order))
