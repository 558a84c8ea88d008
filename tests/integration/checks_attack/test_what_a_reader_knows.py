"""What a hidden number is known to be by its mark, its row and HAVING, without any other table."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from tests.support.outside import answer, checked, write_folder

ROLLUP = "SELECT ward, COUNT(*) AS n FROM t GROUP BY ROLLUP (ward)"


def asked(
    tmp_path: Path, wards: Mapping[str, int], sql: str = ROLLUP, mark: str = "", also: tuple[str, ...] = ()
) -> OutputReport:
    """The report on a table of persons by ward; counts below ten have a mark in their place."""
    rows = [
        {"person": f"{ward}{at}", "ward": ward, "ill": at % 2 == 0}
        for ward, size in wards.items()
        for at in range(size)
    ]
    folder = write_folder(tmp_path / "data", rows, manifest={"unit_column": "person"})
    lines = answer(folder, sql).decode().splitlines()
    if mark:
        lines = [
            f"{line.rpartition(',')[0]},{mark}" if line.rpartition(",")[2] in set("123456789") else line
            for line in lines
        ]
    body = "".join(f"{line}\n" for line in lines).encode()
    return checked(folder, sql, "sdap", body, {"suppressed": [mark, *also]} if mark else None)


def codes(report: OutputReport) -> list[Code]:
    return [one.code for one in report.findings]


@pytest.mark.parametrize(
    ("having", "found"),
    [
        ("COUNT(*) >= 10", 2),
        ("COUNT(*) > 9", 2),
        ("COUNT(DISTINCT person) >= 10", 2),
        ("COUNT(DISTINCT person) >= 10 AND COUNT(*) >= 10", 2),
        ("n >= 10", 2),
        ("COUNT(*) >= 15", 0),
    ],
)
def test_what_having_leaves_out_is_less_than_it_asks_for(tmp_path: Path, having: str, found: int) -> None:
    """Two groups that are left out have 18 persons together: each fewer than ten, so nine."""
    report = asked(tmp_path, {"A": 1000, "B": 9, "C": 9}, f"{ROLLUP} HAVING {having}")
    assert codes(report).count(Code.CELL_RECOVERABLE) == found
    assert (report.verdict is Verdict.BLOCK) == bool(found)


def test_what_having_shows_is_no_bound_of_a_part_of_it(tmp_path: Path) -> None:
    """HAVING asks for ill persons; the groups that it leaves out may be of any size."""
    sql = (
        "SELECT ward, COUNT(*) AS n, COUNT(*) FILTER (WHERE ill) AS ill FROM t"
        " GROUP BY ROLLUP (ward) HAVING COUNT(*) FILTER (WHERE ill) >= 20"
    )
    report = asked(tmp_path, {"A": 1000, "B": 30, "C": 30}, sql)
    assert Code.CELL_RECOVERABLE not in codes(report)


def test_a_group_that_is_listed_has_somebody(tmp_path: Path) -> None:
    """Two hidden counts of two persons together, each of a row that stands there: one each."""
    found = [one for one in asked(tmp_path, {"A": 1000, "B": 1, "C": 1}, mark="*").findings if one.cell]
    assert {one.code for one in found} >= {Code.CELL_RECOVERABLE}
    assert Code.CELL_RECOVERABLE not in codes(asked(tmp_path, {"A": 1000, "B": 3, "C": 4}, mark="*"))


def test_a_mark_that_is_declared_and_not_used_takes_nothing_back(tmp_path: Path) -> None:
    report = asked(tmp_path, {"A": 1000, "B": 9, "C": 9}, mark="<10", also=("*",))
    assert codes(report).count(Code.CELL_RECOVERABLE) == 2


@pytest.mark.parametrize(
    ("mark", "verdict"),
    [
        ("*", Verdict.PASS),
        ("…", Verdict.PASS),
        ("비공개", Verdict.PASS),
        ("<10", Verdict.PASS),
        ("three", Verdict.REVIEW),
        ("III", Verdict.REVIEW),
        ("3 persons", Verdict.REVIEW),
        ("1-9", Verdict.REVIEW),
        ("under 10", Verdict.REVIEW),
        ("*****", Verdict.REVIEW),
    ],
)
def test_a_mark_that_is_a_word_is_read_by_people(tmp_path: Path, mark: str, verdict: Verdict) -> None:
    """Three persons in each of two groups: who hides them behind "three" has published them."""
    sql = "SELECT ward, COUNT(*) AS n FROM t GROUP BY ward"
    report = asked(tmp_path, {"A": 1000, "B": 3, "C": 3}, sql, mark=mark)
    assert report.verdict is verdict, codes(report)


def test_a_share_of_counts_that_are_rounded_is_not_rounded(tmp_path: Path) -> None:
    """Midpoints may stand for three of sixty; 0.05 beside them says that it is three."""
    rows = [{"person": at, "ward": "AB"[at % 2], "ill": at in {0, 2, 4} or at % 4 == 1} for at in range(120)]
    folder = write_folder(tmp_path / "data", rows, manifest={"unit_column": "person"})
    counted = "SELECT ward, COUNT(*) AS n, COUNT(*) FILTER (WHERE ill) AS ill"
    body = b"ward,n,ill\nA,57,3\nB,57,27\n"
    claim = {"rounding": {"method": "midpoint6", "base": 6}}
    sql = f"{counted} FROM t GROUP BY ward"
    assert Code.THRESHOLD not in codes(checked(folder, sql, "opensafely-midpoint6", body, claim))
    body = b"ward,n,ill,share\nA,57,3,0.05\nB,57,27,0.5\n"
    sql = f"{counted}, COUNT(*) FILTER (WHERE ill) / COUNT(*) AS share FROM t GROUP BY ward"
    report = checked(folder, sql, "opensafely-midpoint6", body, claim)
    (found,) = [one for one in report.findings if one.code is Code.THRESHOLD]
    assert dict(found.cell or {}) == {"ward": "A"}
    assert found.params["column"] == "share"
