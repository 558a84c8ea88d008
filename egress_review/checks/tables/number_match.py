"""Compares one published number with the recomputed one, exactly or to the last digits."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import Enum
from typing import Any

from onggi.claim import MIDPOINT_BASE, Rounding, RoundingMethod
from onggi.table_form import format_value

_PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_SEPARATED = re.compile(r"[-+]?\d[\d.,'’_\s]*")
_MAX_DIGITS = 400
_OTHER_ORDER = 1e-12
"""What adding doubles in another order changes; digits further left can be chosen."""


class Match(Enum):
    """How a published value compares with the recomputed one.

    Attributes:
        CLOSE: other last digits, as another order of adding gives.
        NEAR: within the tolerance, but further away than that.
    """

    SAME = "same"
    CLOSE = "close"
    NEAR = "near"
    OTHER_FORM = "other_form"
    DIFFERS = "differs"
    NOT_ROUNDED = "not_rounded"
    UNREADABLE = "unreadable"


def compare(raw: str, expected: Any, tolerance: float, rounding: Rounding | None = None) -> Match:
    """Compare the text of a field, quotes removed, with a recomputed number that is not NULL.

    Args:
        tolerance: relative, for doubles only; whole numbers and DECIMAL are compared exactly.
        rounding: how a whole number was declared to be rounded.
    """
    if len(raw) > _MAX_DIGITS:
        return Match.DIFFERS
    if isinstance(expected, int) and rounding is not None:
        return _rounded(raw, expected, rounding)
    canonical = format_value(expected)
    if raw == canonical:
        return Match.SAME
    if not _PLAIN.fullmatch(raw):
        return Match.UNREADABLE if _SEPARATED.fullmatch(raw) else Match.DIFFERS
    if isinstance(expected, float):
        return _double(raw, expected, tolerance)
    return Match.OTHER_FORM if Decimal(raw) == Decimal(expected) else Match.DIFFERS


def _rounded(raw: str, expected: int, rounding: Rounding) -> Match:
    """A count rounded as declared; half way between two multiples both neighbours are right."""
    if not raw.isascii() or not raw.lstrip("-").isdigit():
        return Match.UNREADABLE if _SEPARATED.fullmatch(raw) else Match.DIFFERS
    published = int(raw)
    if not _on_grid(published, rounding):
        return Match.NOT_ROUNDED if published == expected else Match.DIFFERS
    if rounding.method is RoundingMethod.MIDPOINT6:
        right = published == _middle(expected)
    else:
        right = 2 * abs(published - expected) <= rounding.base
    if not right:
        return Match.DIFFERS
    return Match.SAME if raw == str(published) else Match.OTHER_FORM


def _on_grid(published: int, rounding: Rounding) -> bool:
    if rounding.method is RoundingMethod.MIDPOINT6:
        return published == 0 or published % MIDPOINT_BASE == MIDPOINT_BASE // 2
    return published % rounding.base == 0


def _middle(count: int) -> int:
    """The middle of the band of six that holds a count."""
    return 0 if count == 0 else -(-count // MIDPOINT_BASE) * MIDPOINT_BASE - MIDPOINT_BASE // 2


def _double(raw: str, expected: float, tolerance: float) -> Match:
    published = float(raw)
    if not math.isfinite(published) or not math.isfinite(expected):
        return Match.DIFFERS
    if not math.isclose(published, expected, rel_tol=tolerance, abs_tol=0.0):
        return Match.DIFFERS
    if not math.isclose(published, expected, rel_tol=_OTHER_ORDER, abs_tol=0.0):
        return Match.NEAR
    return Match.CLOSE if raw == format_value(published) else Match.OTHER_FORM
