"""Fields of forms and addresses, read strictly."""

from __future__ import annotations

from onggi.errors import Invalid
from onggi.reasons import Reason

_MOST_DIGITS = 6


def whole_number(field: str, text: str) -> int:
    """A number of a few decimal digits.

    Raises:
        Invalid: naming the field.
    """
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise Invalid(Reason.FIELD_INVALID, field=field[:40], value=text[:40])
    return int(text)
