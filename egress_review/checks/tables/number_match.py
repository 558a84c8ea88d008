"""Compares one published number with the recomputed one, exactly or to the last digits."""

from __future__ import annotations

import math
import re
from decimal import Decimal
from enum import Enum
from typing import Any

from onggi.table_form import format_value

_PLAIN = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)([eE][-+]?\d{1,3})?", re.ASCII)
_SEPARATED = re.compile(r"[-+]?\d[\d.,'’_\s]*")
_MAX_DIGITS = 400


class Match(Enum):
    """How a published value compares with the recomputed one."""

    SAME = "same"
    CLOSE = "close"
    OTHER_FORM = "other_form"
    DIFFERS = "differs"
    UNREADABLE = "unreadable"


def compare(raw: str, expected: Any, tolerance: float, rounding: int | None = None) -> Match:
    """Compare the text of a field, quotes removed, with a recomputed number that is not NULL.

    Args:
        tolerance: relative, for doubles only; whole numbers and DECIMAL are compared exactly.
        rounding: base that a whole number was declared to be rounded to.
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


def _rounded(raw: str, expected: int, base: int) -> Match:
    """A count rounded to the nearest multiple of `base`; at the middle both neighbours are right."""
    if not raw.isascii() or not raw.lstrip("-").isdigit():
        return Match.UNREADABLE if _SEPARATED.fullmatch(raw) else Match.DIFFERS
    published = int(raw)
    if published % base or 2 * abs(published - expected) > base:
        return Match.DIFFERS
    return Match.SAME if raw == str(published) else Match.OTHER_FORM


def _double(raw: str, expected: float, tolerance: float) -> Match:
    published = float(raw)
    if not math.isfinite(published) or not math.isfinite(expected):
        return Match.DIFFERS
    if not math.isclose(published, expected, rel_tol=tolerance, abs_tol=0.0):
        return Match.DIFFERS
    return Match.CLOSE if raw == format_value(published) else Match.OTHER_FORM
