"""A first look at a table, for reviewers: plain cells, never interpreted, each with its evidence.

A CSV file is shown as it stands. What is no CSV is not parsed in this process: of it, and of a table whose
numbers are spread over columns, the numbers are listed that the checks read, one a line.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice, zip_longest

from egress_review.checks.report import OutputReport
from egress_review.domain import Output
from egress_review.pages.evidence import Evidence, Place, evidence_by_place, key_columns, place_of
from egress_review.vault import Vault
from onggi.errors import NotFound

_PREVIEWED = "csv"
_MAX_BYTES = 2 * 1024 * 1024
_MAX_COLUMNS = 60
_MAX_CELL = 200


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: its text, and what stands behind it if it is a number that the checks looked at."""

    text: str
    evidence: Evidence | None = None


@dataclass(frozen=True, slots=True)
class Preview:
    """The first rows of a table; `cut` if there are more rows or columns than shown.

    Attributes:
        listed: one number a line: after the columns of the header stand the number's column and the number.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    cut: bool
    listed: bool = False

    @property
    def measures(self) -> frozenset[int]:
        """Places of the columns that hold numbers that the checks looked at."""
        return frozenset(place for row in self.rows for place, cell in enumerate(row) if cell.evidence)

    def names(self, prefix: str) -> dict[Place, str]:
        """The names by which a page links to the numbers: `prefix-row-column`, from 1."""
        return {
            place_of(cell.evidence.cell): f"{prefix}-{row}-{column}"
            for row, cells in enumerate(self.rows, 1)
            for column, cell in enumerate(cells, 1)
            if cell.evidence
        }


def preview(vault: Vault, output: Output, max_rows: int) -> Preview | None:
    """The first rows of an output that the checks took for a CSV table; None for anything else.

    Raises:
        Tampered: if the vault's bytes are not those that were submitted.
    """
    if output.sha256 is None or output.report is None or output.report.file_type != _PREVIEWED:
        return None
    try:
        with vault.verified(output.sha256) as content:
            head = content.read(_MAX_BYTES + 1)
    except NotFound:
        return None
    return table(head, output.report, max_rows)


def listing(report: OutputReport | None, max_rows: int) -> Preview | None:
    """The numbers that the checks read, one a line, those with findings first; None if there are none."""
    if report is None or not report.cells:
        return None
    known = evidence_by_place(report)
    keys = sorted(key_columns(report))[:_MAX_COLUMNS]
    rows = tuple(
        (
            *(Cell(one.key.get(name, "")[:_MAX_CELL]) for name in keys),
            Cell(one.measure[:_MAX_CELL]),
            Cell(one.value[:_MAX_CELL], known[place_of(one)]),
        )
        for one in report.cells[:max_rows]
    )
    return Preview(tuple(keys), rows, report.cells_total > len(rows), listed=True)


def table(head: bytes, report: OutputReport, max_rows: int) -> Preview | None:
    """The beginning of a CSV file as a table; None if it cannot be read as one."""
    text = head[:_MAX_BYTES].decode("utf-8-sig", errors="replace")
    try:
        lines = list(islice(csv.reader(io.StringIO(text, newline="")), max_rows + 2))
    except csv.Error:
        return None
    if not lines:
        return None
    header, body = lines[0], lines[1 : max_rows + 1]
    known, keys = evidence_by_place(report), key_columns(report)
    rows = tuple(_row(header, line, known, keys) for line in body)
    wide = any(len(line) > _MAX_COLUMNS for line in lines)
    cut = len(lines) > max_rows + 1 or len(head) > _MAX_BYTES or wide
    return Preview(tuple(one[:_MAX_CELL] for one in header[:_MAX_COLUMNS]), rows, cut)


def _row(
    header: list[str], line: list[str], known: Mapping[Place, Evidence], keys: frozenset[str]
) -> tuple[Cell, ...]:
    named = frozenset((name, value) for name, value in zip(header, line, strict=False) if name in keys)
    shown = zip_longest(line[:_MAX_COLUMNS], header[: len(line[:_MAX_COLUMNS])], fillvalue="")
    return tuple(Cell(value[:_MAX_CELL], known.get((name, named))) for value, name in shown)
