"""Brings the rows of a query into the form of its file: margins by their label, long or wide."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from onggi.errors import Invalid
from onggi.notebook.builder import Built
from onggi.reasons import Reason
from onggi.table_form import Row, format_value
from onggi.wide_form import lay_out


def label_margins(rows: Sequence[Row], built: Built, label: str) -> list[Row]:
    """The rows without their grouping column; where a key is a margin's, `label` stands.

    Raises:
        Invalid: a value of the data reads like the label.
    """
    shown: list[Row] = []
    for row in rows:
        *values, grouping = row
        for at in range(len(built.keys)):
            if int(grouping) >> at & 1:
                values[at] = label
            elif label and values[at] == label:
                raise Invalid(Reason.FIELD_INVALID, field="margins", value=label)
        shown.append(tuple(values))
    return shown


def widen(rows: Sequence[Row], built: Built, spread: str, label: str) -> tuple[list[str], list[Row]]:
    """Header and rows of the wide table; the columns of margins, called `label`, stand last.

    Raises:
        Invalid: the table has no wide form: two columns would have one name, or there would be too many.
    """
    keys = [tuple(format_value(value) for value in row[: len(built.keys)]) for row in rows]
    layout = lay_out(keys, built.keys, spread, built.measures, format_value(label) if label else "")
    at = built.keys.index(spread)
    width = len(built.keys) - 1
    wide: list[list[Any]] = [[None] * len(layout.header) for _ in layout.rows]
    for row, (line, column) in zip(rows, layout.places, strict=True):
        wide[line][:width] = [value for place, value in enumerate(row[: len(built.keys)]) if place != at]
        wide[line][column : column + len(built.measures)] = row[len(built.keys) :]
    return list(layout.header), [tuple(line) for line in wide]
