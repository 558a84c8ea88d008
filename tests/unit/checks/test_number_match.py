from decimal import Decimal
from typing import Any

import pytest

from egress_review.checks.tables.number_match import Match, compare
from onggi.claim import Rounding, RoundingMethod

BIG = 2**53 + 1


@pytest.mark.parametrize(
    ("raw", "expected", "match"),
    [
        ("43", 43, Match.SAME),
        ("42", 43, Match.DIFFERS),
        (str(BIG), BIG, Match.SAME),
        (str(BIG - 1), BIG, Match.DIFFERS),  # the same as a double
        (f"{BIG}.0", BIG, Match.OTHER_FORM),
        ("043", 43, Match.OTHER_FORM),
        ("+43", 43, Match.OTHER_FORM),
        ("4.3e1", 43, Match.OTHER_FORM),
        ("1,234", 1234, Match.UNREADABLE),
        ("1.234,5", 1234.5, Match.UNREADABLE),
        ("1 234", 1234, Match.UNREADABLE),
        ("4３", 43, Match.UNREADABLE),  # a full-width 3
        ("<10", 43, Match.DIFFERS),
        ("", 43, Match.DIFFERS),
        ("NaN", 43, Match.DIFFERS),
        ("1.5", 1.5, Match.SAME),
        ("1.50", 1.5, Match.OTHER_FORM),
        ("1.5000000001", 1.5, Match.NEAR),
        ("1.5000000000001", 1.5, Match.CLOSE),
        ("1.500001", 1.5, Match.DIFFERS),
        ("-1.5", 1.5, Match.DIFFERS),
        ("-12.25", -12.25, Match.SAME),
        ("0.0", -0.0, Match.SAME),
        ("1e-30", 0.0, Match.DIFFERS),
        ("NaN", float("nan"), Match.SAME),
        ("Infinity", float("inf"), Match.SAME),
        ("1e999", 1.5, Match.DIFFERS),
        ("1.10", Decimal("1.10"), Match.SAME),
        ("1.1", Decimal("1.10"), Match.OTHER_FORM),
        ("1.1000000001", Decimal("1.10"), Match.DIFFERS),
        ("9" * 5000, 43, Match.DIFFERS),
        ("1e" + "9" * 300, 43, Match.DIFFERS),
    ],
)
def test_a_number_is_held_against_the_recomputed_one(raw: str, expected: Any, match: Match) -> None:
    assert compare(raw, expected, 1e-9) is match


@pytest.mark.parametrize(
    ("raw", "expected", "match"),
    [
        ("45", 43, Match.SAME),
        ("40", 43, Match.DIFFERS),
        ("43", 43, Match.NOT_ROUNDED),
        ("42", 43, Match.DIFFERS),
        ("045", 43, Match.OTHER_FORM),
        ("0", 2, Match.SAME),
        ("45.0", 43, Match.UNREADABLE),
        ("x", 43, Match.DIFFERS),
    ],
)
def test_a_rounded_count_is_the_nearest_multiple(raw: str, expected: int, match: Match) -> None:
    assert compare(raw, expected, 1e-9, rounding=Rounding(RoundingMethod.BASE, 5)) is match


@pytest.mark.parametrize(
    ("raw", "expected", "match"),
    [
        ("0", 0, Match.SAME),
        ("3", 1, Match.SAME),
        ("3", 6, Match.SAME),
        ("9", 7, Match.SAME),
        ("45", 43, Match.SAME),
        ("3", 0, Match.DIFFERS),
        ("0", 1, Match.DIFFERS),
        ("39", 43, Match.DIFFERS),
        ("43", 43, Match.NOT_ROUNDED),
        ("42", 43, Match.DIFFERS),
    ],
)
def test_midpoint_six_is_the_middle_of_the_band(raw: str, expected: int, match: Match) -> None:
    rounding = Rounding(RoundingMethod.MIDPOINT6, 6)
    assert compare(raw, expected, 1e-9, rounding) is match
