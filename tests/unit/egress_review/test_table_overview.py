"""A large table of two keys at one look."""

from __future__ import annotations

from egress_review.checks.findings import FindingCode, Verdict
from egress_review.checks.report import CellEvidence, OutputReport
from egress_review.pages.evidence import place_of
from egress_review.pages.overview import MOST, overview


def cell(down: str, across: str, *codes: FindingCode, suppressed: bool = False) -> CellEvidence:
    return CellEvidence(
        {"age": down, "sex": across}, "n", "7", 7, 7, 7, "count(*)", "", None, suppressed, codes
    )


def report(*cells: CellEvidence, total: int = 400) -> OutputReport:
    return OutputReport("t.csv", "0" * 64, "csv", (), cells, total)


def test_every_cell_with_a_finding_has_its_place() -> None:
    small = cell("9", "F", FindingCode.THRESHOLD)
    cells = (
        small,
        cell("10", "M"),
        cell("", "M", FindingCode.COMPLEMENT_SMALL),
        cell("10", "F", suppressed=True),
    )
    grid = overview(report(*cells), {place_of(small): "c-1-2-3"})
    assert grid is not None
    assert (grid.keys, grid.columns) == (("age", "sex"), ("F", "M"))
    assert [name for name, _ in grid.rows] == ["9", "10", ""]
    marks = {(name, at): mark for name, row in grid.rows for at, mark in zip("FM", row, strict=True)}
    block, review = marks["9", "F"], marks["", "M"]
    assert block is not None
    assert review is not None
    assert (block.verdict, block.at) == (Verdict.BLOCK, "c-1-2-3")
    assert (review.verdict, review.at) == (Verdict.REVIEW, "")
    hidden = marks["10", "F"]
    assert hidden is not None
    assert hidden.suppressed
    assert marks["9", "M"] is None


def test_there_is_none_where_it_would_not_help() -> None:
    bad = cell("9", "F", FindingCode.THRESHOLD)
    assert overview(None, {}) is None
    assert overview(report(bad, total=4), {}) is None
    assert overview(report(cell("9", "F"), cell("10", "M")), {}) is None
    assert (
        overview(report(*(cell(str(at), "F", FindingCode.THRESHOLD) for at in range(MOST + 1))), {}) is None
    )
    one_key = CellEvidence({"age": "9"}, "n", "7", 7, 7, 7, findings=(FindingCode.THRESHOLD,))
    assert overview(report(one_key), {}) is None
