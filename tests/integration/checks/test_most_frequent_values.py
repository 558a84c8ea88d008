"""The most frequent value is recomputed, with all that are as frequent, and with those who hold it."""

from __future__ import annotations

from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.report import OutputReport
from tests.support.outside import checked, write_folder

SQL = "SELECT g, MODE(v) AS m FROM t GROUP BY g"


def folder(tmp_path: Path) -> Path:
    """Of `a` 7 is the value of twelve persons, of `b` 1 and 2 are of ten each, of `c` all values differ.

    In `d` 5 has the most rows, and all are of one person.
    """
    values = {
        "a": [7] * 12 + [1, 2, 3, 4, 5],
        "b": [2, 1] * 10 + [9],
        "c": list(range(15)),
        "d": [*range(10, 22)],
    }
    rows = [{"p": f"{g}{at}", "g": g, "v": v} for g, some in values.items() for at, v in enumerate(some)]
    return write_folder(
        tmp_path / "data",
        [*rows, *({"p": "d0", "g": "d", "v": 5} for _ in range(12))],
        manifest={"unit_column": "p"},
    )


def report(tmp_path: Path, profile: str, sql: str = SQL, **shown: int) -> OutputReport:
    values = {"a": 7, "b": 1, "c": 0, "d": 5} | shown
    body = "g,m\n" + "".join(f"{g},{v}\n" for g, v in values.items())
    return checked(folder(tmp_path), sql, profile, body.encode())


def flagged(found: OutputReport, code: Code) -> set[str]:
    return {one.key["g"] for one in found.cells if code in one.findings}


@pytest.mark.parametrize("shown", [1, 2])
def test_any_of_the_most_frequent_is_right(shown: int, tmp_path: Path) -> None:
    found = report(tmp_path, "sdap", b=shown, c=shown)
    assert Code.RECOMPUTED in {one.code for one in found.findings}
    assert {one.statistic for one in found.cells} == {"mode(v)"}


@pytest.mark.parametrize(("group", "shown"), [("a", 1), ("b", 9), ("b", 3), ("c", 15), ("d", 10)])
def test_any_other_is_not(group: str, shown: int, tmp_path: Path) -> None:
    found = report(tmp_path, "sdap", SQL, **{group: shown})
    assert flagged(found, Code.VALUE_DIFFERS) == {group}


def test_a_value_of_a_few_persons_is_theirs(tmp_path: Path) -> None:
    """By persons the twelve rows of one person are one; by rows they are twelve."""
    assert flagged(report(tmp_path, "sdap"), Code.SINGLE_PERSON_STATISTIC) == {"c", "d"}
    assert flagged(report(tmp_path, "acro-default"), Code.SINGLE_PERSON_STATISTIC) == {"c"}


def test_margins_have_a_most_frequent_value_of_their_own(tmp_path: Path) -> None:
    found = report(tmp_path, "sdap", SQL.replace("GROUP BY g", "GROUP BY CUBE (g)"), Total=5)
    assert Code.VALUE_DIFFERS not in {one.code for one in found.findings}
    wrong = report(tmp_path, "sdap", SQL.replace("GROUP BY g", "GROUP BY CUBE (g)"), Total=7)
    assert len([one for one in wrong.findings if one.code is Code.VALUE_DIFFERS]) == 1


@pytest.mark.parametrize("sql", ["MODE(g)", "MODE()", "MODE(DISTINCT v)", "MODE() WITHIN GROUP (ORDER BY v)"])
def test_other_forms_are_not_proven(sql: str, tmp_path: Path) -> None:
    found = report(tmp_path, "sdap", f"SELECT g, {sql} AS m FROM t GROUP BY g")
    assert {one.code for one in found.findings} <= {Code.AGGREGATE_NOT_PROVABLE, Code.SQL_NOT_SUPPORTED}
