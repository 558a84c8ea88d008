"""How other tools write the keys and numbers of a table, and the one form in which they are compared."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from decimal import Context, Decimal
from typing import Any

from egress_review.checks.tables.csv_form import unquote
from egress_review.checks.tables.style import INFINITE, NOTHING
from onggi.table_form import format_value

_LONGEST = 40
_PLAIN = re.compile(r"-?\d{1,38}(\.\d{1,38})?", re.ASCII)
_WIDE = Context(prec=80)


def other_texts(value: Any) -> Iterator[str]:
    """Ways in which other tools write a key, besides the one of `onggi.table_form`."""
    if value is None:
        yield from NOTHING
    elif isinstance(value, bool):
        yield from (str(value), str(value).upper())
    elif isinstance(value, int | float | Decimal):
        yield from _of_number(value)
    elif isinstance(value, datetime):
        yield str(value)
        if value.time() == datetime.min.time():
            yield value.date().isoformat()
    elif isinstance(value, str):
        yield f'"{value}"'
        if not value:
            yield ""
    elif hasattr(value, "isoformat"):
        yield f"{value.isoformat()} 00:00:00"


def _of_number(value: float | Decimal) -> Iterator[str]:
    if not math.isfinite(value):
        return
    if value == int(value):
        yield from (str(int(value)), f"{int(value)}.0")
    elif isinstance(value, Decimal):
        # SQL fills all literals of a CASE with zeros, up to the longest one.
        yield f"{value:f}".rstrip("0")


def scale_of(values: Sequence[Any]) -> int:
    """The decimal places of a column of DECIMAL; 0 of any other."""
    places = [value.as_tuple().exponent for value in values if isinstance(value, Decimal)]
    return max((-one for one in places if isinstance(one, int)), default=0)


def decimal_form(field: str, scale: int) -> str:
    """A number with exactly so many places, where it has no more; anything else as `number_form`."""
    text = unquote(field)
    if not _PLAIN.fullmatch(text) or len(text.partition(".")[2].rstrip("0")) > scale:
        return number_form(field, whole=False)
    return format(Decimal(text).quantize(Decimal(1).scaleb(-scale), context=_WIDE), "f")


def number_form(field: str, *, whole: bool | None) -> str:
    """A number's text in the one form; anything else as it is.

    Args:
        whole: whether the column holds whole numbers; None if that is not known.
    """
    text = unquote(field)
    if text in NOTHING:
        return ""
    try:
        value = float(text) if len(text) <= _LONGEST and "_" not in text and " " not in text else None
    except ValueError:
        value = None
    if value is not None and text.lstrip("-") in INFINITE:
        return format_value(value)
    if value is None or not math.isfinite(value):
        return field
    if value == int(value) and whole is not False and abs(value) < 2**53:
        return str(int(value)) if "." in text or "e" in text.lower() else text
    return text if whole else format_value(value)
