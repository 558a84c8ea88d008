"""Each number of a preview carries what the checks found about it, and nobody else's."""

from __future__ import annotations

from dataclasses import replace

from egress_review.checks.report import CellEvidence, Finding, FindingCode, OutputReport, Verdict
from egress_review.pages.evidence import about_cells
from egress_review.pages.preview import listing, table

CSV = b"sex,n,mean\nF,40,1.5\nM,3,2.5\n"


def cell(sex: str, measure: str, persons: int, *codes: FindingCode) -> CellEvidence:
    return CellEvidence({"sex": sex}, measure, "", persons, persons, persons, findings=codes)


def report(*cells: CellEvidence, findings: tuple[Finding, ...] = ()) -> OutputReport:
    return OutputReport("t.csv", "0" * 64, "csv", findings, cells, len(cells))


def test_a_number_carries_its_own_evidence() -> None:
    small = Finding(FindingCode.THRESHOLD, {"column": "n", "minimum": "10", "persons": "3"}, {"sex": "M"})
    cells = cell("F", "n", 40), cell("M", "n", 3, FindingCode.THRESHOLD), cell("F", "mean", 40)
    found = table(CSV, report(*cells, findings=(small,)), 10)
    assert found is not None
    (f_key, f_count, f_mean), (_, m_count, m_mean) = found.rows
    assert f_key.evidence is None
    assert f_count.evidence is not None
    assert f_count.evidence.verdict is Verdict.PASS
    assert f_mean.evidence is not None
    assert m_mean.evidence is None
    assert m_count.evidence is not None
    assert (m_count.evidence.verdict, m_count.evidence.findings) == (Verdict.BLOCK, (small,))


def test_the_worst_of_several_findings_colours_the_cell() -> None:
    codes = (FindingCode.COMPLEMENT_SMALL, FindingCode.THRESHOLD)
    found = table(CSV, report(cell("M", "n", 3, *codes)), 10)
    assert found is not None
    evidence = found.rows[1][1].evidence
    assert evidence is not None
    assert evidence.verdict is Verdict.BLOCK
    assert evidence.others == codes  # in a long report the cell still names what it has no room to say


def test_a_finding_on_another_column_stays_there() -> None:
    other = Finding(FindingCode.THRESHOLD, {"column": "mean", "minimum": "10"}, {"sex": "M"})
    found = table(CSV, report(cell("M", "n", 3, FindingCode.THRESHOLD), findings=(other,)), 10)
    assert found is not None
    evidence = found.rows[1][1].evidence
    assert evidence is not None
    assert evidence.findings == ()


def test_a_short_row_has_no_more_cells_than_it_has() -> None:
    found = table(b"sex,n\nF\nM,3,9\n", report(cell("M", "n", 3)), 10)
    assert found is not None
    assert [len(row) for row in found.rows] == [1, 3]


def test_what_is_marked_as_suppressed_objects_to_nothing() -> None:
    hidden = replace(cell("M", "n", 3, FindingCode.THRESHOLD), suppressed=True)
    found = table(CSV, report(hidden), 10)
    assert found is not None
    evidence = found.rows[1][1].evidence
    assert evidence is not None
    assert evidence.verdict is Verdict.PASS
    assert evidence.others == (FindingCode.THRESHOLD,)


def test_the_numbers_of_a_file_that_is_not_opened_here_are_listed() -> None:
    first = replace(cell("M", "n", 3, FindingCode.THRESHOLD), value="3")
    grand = replace(cell("", "n", 43), key={}, value="43")
    found = listing(replace(report(first, grand), cells_total=9), 10)
    assert found is not None
    assert found.header == ("sex",)
    assert [[one.text for one in row] for row in found.rows] == [["M", "n", "3"], ["", "n", "43"]]
    assert found.measures == {2}
    assert found.cut
    assert found.names("c-1") == {
        ("n", frozenset({("sex", "M")})): "c-1-1-3",
        ("n", frozenset()): "c-1-2-3",
    }
    assert listing(report(first, grand), 1) is not None
    assert listing(report(), 10) is None
    assert listing(None, 10) is None


def test_a_finding_leads_to_its_cell() -> None:
    found = table(CSV, report(cell("F", "n", 40), cell("F", "mean", 40), cell("M", "n", 3)), 10)
    assert found is not None
    about = (
        Finding(FindingCode.THRESHOLD, {"column": "mean"}, {"sex": "F"}),
        Finding(FindingCode.ROW_ORDER_DIFFERS, {}, {"sex": "M"}),
        Finding(FindingCode.THRESHOLD, {"column": "mean"}, {"sex": "X"}),
        Finding(FindingCode.RECOMPUTED),
    )
    assert about_cells(about, found.names("c-7")) == ("c-7-1-3", "c-7-2-2", "", "")
