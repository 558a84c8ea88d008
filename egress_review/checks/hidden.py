"""Where numbers are hidden in a table: by the levels of the row's keys, in a form that a report can carry."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from egress_review.checks.text import MAX_TEXT, is_sound
from onggi.errors import Invalid
from onggi.reasons import Reason
from onggi.table_form import format_value

Level = str | None
"""The text of a key's value; None where a margin sums over the key."""

_MOST_KEYS = 64
_MOST_MEASURES = 1024


@dataclass(frozen=True, slots=True)
class HiddenRow:
    """The numbers of one row in whose place the file shows a mark.

    Attributes:
        levels: of the query's keys, in order.
        measures: indices among the query's measures.
    """

    levels: tuple[Level, ...]
    measures: tuple[int, ...]

    def to_json(self) -> list[list[Any]]:
        """The wire form."""
        return [list(self.levels), list(self.measures)]


def hidden_row_from_json(body: object) -> HiddenRow:
    """Read a row from a hostile source.

    Raises:
        Invalid: if it is not one.
    """
    if not isinstance(body, list) or [isinstance(one, list) for one in body] != [True, True]:
        raise _refuse("form")
    shown, measures = body
    if len(shown) > _MOST_KEYS or not all(map(_is_level, shown)):
        raise _refuse("levels")
    if not 0 < len(measures) <= _MOST_MEASURES or not all(map(_is_index, measures)):
        raise _refuse("measures")
    return HiddenRow(tuple(shown), tuple(measures))


def _is_level(one: object) -> bool:
    return one is None or (isinstance(one, str) and len(one) <= MAX_TEXT and is_sound(one))


def _is_index(one: object) -> bool:
    return isinstance(one, int) and not isinstance(one, bool) and 0 <= one < _MOST_MEASURES


def _refuse(where: str) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field="hidden", value=where)


def levels(key: Iterable[Any], grouping: int) -> tuple[Level, ...]:
    """The levels of a group; bit n of `grouping` is set where key n is a margin's.

    A missing value is "", an empty text is two quotes; what no report can carry is named by its hash.
    """
    return tuple(None if grouping >> at & 1 else _level(value) for at, value in enumerate(key))


def _level(value: Any) -> str:
    if value is None:
        return ""
    text = '""' if value == "" else format_value(value)
    if len(text) <= MAX_TEXT and is_sound(text):
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"
