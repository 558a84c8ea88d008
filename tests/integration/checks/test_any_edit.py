"""No edit of a true table, at any place, leaves it passed."""

from __future__ import annotations

from collections.abc import Callable

from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from tests.support.check_tables import Source

Checker = Callable[..., OutputReport]
SQL = "SELECT sex, floor(age / 20) AS band, COUNT(*) AS n FROM small.person GROUP BY ALL"
SHARED = [HealthCheck.function_scoped_fixture]


@settings(max_examples=120, deadline=None, suppress_health_check=SHARED)
@given(at=st.integers(0, 10**6), new=st.text(max_size=2), cut=st.integers(0, 3))
def test_any_edit_is_found(source: Source, checked: Checker, at: int, new: str, cut: int) -> None:
    made = source.table(SQL)
    text = made.body.decode()
    place = at % (len(text) + 1)
    edited = text[:place] + new.encode("utf-8", "replace").decode() + text[place + cut :]
    assume(edited != text)
    assert checked(made.with_body(edited.encode())).verdict is not Verdict.PASS


@settings(max_examples=40, deadline=None, suppress_health_check=SHARED)
@given(order=st.permutations(range(6)))
def test_any_other_order_is_found(source: Source, checked: Checker, order: list[int]) -> None:
    made = source.table(SQL)
    head, *rows = made.body.decode().splitlines(keepends=True)
    assert len(rows) == 6
    moved = [rows[number] for number in order]
    assume(moved != rows)
    assert checked(made.with_body("".join([head, *moved]).encode())).verdict is Verdict.REVIEW
