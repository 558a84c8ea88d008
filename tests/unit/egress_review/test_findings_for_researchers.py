"""What a researcher reads of findings holds no more of the file's own words than the session has paid for."""

from __future__ import annotations

from egress_review.checks.report import Finding, FindingCode, for_researcher
from onggi.submission import FINDINGS_BYTES


def extra(text: str) -> Finding:
    return Finding(FindingCode.ROW_EXTRA, {}, {"k": text})


def test_few_findings_are_all_told() -> None:
    found = [extra("a"), Finding(FindingCode.NO_CLAIM)]
    assert for_researcher(found, FINDINGS_BYTES) == tuple(found)


def test_rows_made_to_be_read_here_are_cut() -> None:
    found = [extra("가" * 100) for _ in range(200)]
    told = for_researcher(found, FINDINGS_BYTES)
    assert 0 < len(told) < 200
    assert sum(len(one.cell["k"].encode()) for one in told if one.cell) <= FINDINGS_BYTES


def test_values_of_the_data_are_left_out_and_cost_nothing() -> None:
    found = [
        Finding(FindingCode.VALUE_DIFFERS, {"column": name, "submitted": "4" * 300, "recomputed": "43"})
        for name in "abcdefghi"
    ]
    told = for_researcher(found, 9)
    assert len(told) == 9
    assert set(told[0].params) == {"column"}


def test_what_reads_the_same_is_told_once() -> None:
    """How many cells of other projects' tables can be calculated is nothing for those who asked."""
    cells = [
        Finding(FindingCode.CELL_RECOVERABLE, {"column": "n", "witness": f"rel-{at}"}) for at in range(9)
    ]
    assert for_researcher(cells) == (Finding(FindingCode.CELL_RECOVERABLE, {"column": "n"}),)
