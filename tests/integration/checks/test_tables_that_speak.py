# ruff: noqa: E501 - queries read best on one line
"""Tables that agree with the source and are still no plain counts: none of them may pass unread."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from tests.support.check_tables import Source

Checker = Callable[..., OutputReport]

SMUGGLED = [
    # a key whose form spells a message, without one literal of the query
    ("SELECT lower(sex) || sex || sex || lower(sex) || sex AS k, COUNT(*) AS n FROM small.person GROUP BY k", Code.TEXT_FROM_QUERY),
    ("SELECT sex || 104 || 101 || 108 || 108 || 111 AS k, COUNT(*) AS n FROM small.person GROUP BY k", Code.TEXT_FROM_QUERY),
    ("SELECT sex || (1 = 1) || (1 = 0) || (1 = 1) AS k, COUNT(*) AS n FROM small.person GROUP BY k", Code.TEXT_FROM_QUERY),
    ("SELECT (age // 40) + 104 * 999 * 999 + 101 * 999 + 108 AS k, COUNT(*) AS n FROM small.person GROUP BY k", Code.TEXT_FROM_QUERY),
    (f"SELECT {'abs(' * 30}age // 40{')' * 30} AS k, COUNT(*) AS n FROM small.person GROUP BY k", Code.TEXT_FROM_QUERY),
    # the same in the header
    (f'SELECT sex, COUNT(*) AS "{"patient 12 has diabetes " * 3}" FROM small.person GROUP BY sex', Code.HEADER_LONG),
    # a count that a join makes say what one person's value is: person 6 is weighed by their age
    ("SELECT COUNT(*) AS n FROM small.person p JOIN small.person q ON p.big = q.big WHERE (p.age < 60 AND q.age = 20) OR (p.cost < -7.9 AND q.age <= p.age)", Code.DOMINANCE_NOT_CHECKED),
    ("SELECT sex, COUNT(DISTINCT cost) AS n FROM small.person GROUP BY sex", Code.DOMINANCE_NOT_CHECKED),
    # differences within a row, and from the group without the filter
    ("SELECT COUNT(*) FILTER (WHERE age > 30) AS a, COUNT(*) FILTER (WHERE age > 30 AND NOT (age = 44 AND cost > 8)) AS b FROM small.person", Code.DIFFERENCE_SMALL),
    ("SELECT COUNT(*) AS n FROM small.person WHERE NOT (age = 44 AND cost > 8)", Code.LEFT_OUT_SMALL),
    ("SELECT sex, COUNT(*) AS n FROM small.person WHERE NOT (age = 44 AND cost > 8) GROUP BY sex", Code.LEFT_OUT_SMALL),
    ("SELECT COUNT(*) AS n FROM small.person p JOIN small.person q ON p.person_id = q.person_id AND NOT (p.age = 44 AND p.cost > 8)", Code.FILTER_NOT_COMPARED),
    ("SELECT COUNT(*) AS n FROM small.person p JOIN small.person q ON p.person_id = q.person_id AND p.age = p.person_id", None),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "code"), SMUGGLED)
def test_what_speaks_is_read_by_people(sql: str, code: Code | None, source: Source, checked: Checker) -> None:
    report = checked(source.table(sql))
    assert report.verdict is not Verdict.PASS, sql
    if code is not None:
        assert code in {one.code for one in report.findings}, report.findings


def test_researchers_are_not_told_how_few(source: Source, checked: Checker) -> None:
    report = checked(source.table("SELECT COUNT(*) AS n FROM small.person WHERE NOT (age = 44 AND cost > 8)"))
    (found,) = (one for one in report.findings if one.code is Code.LEFT_OUT_SMALL)
    assert int(found.params["left_out"]) in range(1, 10)
    assert set(found.for_researcher().params) == {"minimum"}
