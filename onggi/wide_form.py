"""A wide table: one key of a long table becomes columns, one for each of its values and each measure.

The gate lays out the recomputed table with the same function, and so reads a wide file cell by cell.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from onggi.errors import Invalid
from onggi.reasons import Reason

MISSING = "(missing)"
EMPTY = "(empty)"
MAX_WIDE = 1_000
"""Columns of a wide table."""


@dataclass(frozen=True, slots=True)
class Layout:
    """Where the cells of a long table stand in the wide one.

    Attributes:
        header: of the wide table.
        rows: the keys of the wide rows, in order.
        places: for each long row, its wide row and the wide column of its first measure.
    """

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    places: tuple[tuple[int, int], ...]


def lay_out(
    keys: Sequence[tuple[str, ...]],
    names: Sequence[str],
    spread: str,
    measures: Sequence[str],
    margin: str = "",
) -> Layout:
    """Lay out a long table.

    Args:
        keys: the texts of the keys of each long row, as CSV fields, in canonical order.
        names: of the keys.
        spread: the name of the key that becomes columns.
        measures: names of the measures.
        margin: the field that a margin has; its columns stand last.

    Raises:
        Invalid: two columns would have one name, there would be too many, or two rows have one key.
    """
    at = list(names).index(spread)
    values = sorted(
        {key[at] for key in keys}, key=lambda field: (bool(margin) and field == margin, _order(field))
    )
    rows = tuple(dict.fromkeys(_without(key, at) for key in keys))
    if len(values) * len(measures) > MAX_WIDE:
        raise Invalid(Reason.FIELD_INVALID, field="wide", value=f"{len(values)} × {len(measures)}")
    header = [name for name in names if name != spread]
    for value in values:
        title = heading(value)
        header += [title] if len(measures) == 1 else [f"{title} {measure}" for measure in measures]
    if len(set(header)) != len(header) or len(set(keys)) != len(keys):
        raise Invalid(Reason.FIELD_INVALID, field="wide", value=spread)
    row_of: Mapping[tuple[str, ...], int] = {row: number for number, row in enumerate(rows)}
    column_of = {value: len(names) - 1 + number * len(measures) for number, value in enumerate(values)}
    places = tuple((row_of[_without(key, at)], column_of[key[at]]) for key in keys)
    return Layout(tuple(header), rows, places)


def heading(field: str) -> str:
    """What a value of the spread key is called in the header."""
    if field in {"", '""'}:
        return EMPTY if field else MISSING
    return field[1:-1].replace('""', '"') if field.startswith('"') else field


def _without(key: tuple[str, ...], at: int) -> tuple[str, ...]:
    return key[:at] + key[at + 1 :]


def _order(field: str) -> tuple[int, float, str]:
    """Numbers by value, then texts, a missing value last."""
    if not field:
        return (2, 0.0, "")
    try:
        return (0, float(field), field)
    except ValueError:
        return (1, 0.0, heading(field))
