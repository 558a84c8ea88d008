"""Whether the numbers of a column are all written in one way, as a program writes them.

A table of another system may write its numbers in its own way; a way that changes from cell to cell could
carry a message.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from egress_review.checks.tables.csv_form import unquote

_FIXED = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?", re.ASCII)
_SCIENTIFIC = re.compile(r"-?[1-9](\.\d*[1-9])?e[-+]\d{2,3}", re.ASCII)
INFINITE = frozenset({"inf", "Infinity"})
"""What programs call it; in one column one of them does."""
NOTHING = frozenset({"", '""', "NaN", "nan", "NA", "<NA>", "None", "NULL"})
"""What stands in the place of a number or key that is missing."""
_SMALL, _LARGE = 1e-4, 1e5
"""Between them no program writes an exponent of its own accord."""
_MOST_DIGITS = 17
"""A double has no more."""


def one_style(fields: Sequence[str], nothing: frozenset[str]) -> bool:
    """Whether one program's way of writing gives all these raw fields.

    Args:
        nothing: what may stand for a missing number; then the same everywhere.
    """
    missing = {field for field in fields if unquote(field) in nothing}
    texts = [unquote(field) for field in fields if field not in missing]
    quoted = {field.startswith('"') for field in fields if field not in missing}
    plain = [text for text in texts if _FIXED.fullmatch(text)]
    long = any("." in text and len(text.lstrip("-0.").replace(".", "")) > _MOST_DIGITS for text in plain)
    called = {text.lstrip("-") for text in texts} & INFINITE
    several = len(called) > 1 or len(missing) > 1 or len(quoted) > 1
    if long or several or not all(map(_exponent, set(texts) - set(plain))):
        return False
    decimals = {len(text.partition(".")[2]) for text in plain}
    return len(decimals) <= 1 or all(map(_shortest, plain)) or all(map(_without_zero, plain))


def one_quoting(fields: Sequence[str]) -> bool:
    """Whether of the texts that need no quotes all have them, or none."""
    needless = [field for field in fields if field and not set(unquote(field)) & set(',"\r\n')]
    return len({field.startswith('"') for field in needless}) <= 1


def _exponent(text: str) -> bool:
    """Not a number at all is another check's matter."""
    try:
        size = abs(float(text))
    except ValueError:
        return True
    return not math.isfinite(size) or (
        _SCIENTIFIC.fullmatch(text) is not None and (size < _SMALL or size >= _LARGE)
    )


def _shortest(text: str) -> bool:
    """`13.0`, `0.1`: as Python writes a double."""
    whole, point, part = text.partition(".")
    return bool(point) and (part == "0" or not part.endswith("0")) and text != "-0.0" and bool(whole)


def _without_zero(text: str) -> bool:
    """`13`, `0.1`: as spreadsheets and R write one."""
    return "." not in text or not text.endswith("0")
