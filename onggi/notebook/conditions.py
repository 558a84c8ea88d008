"""Row conditions of `onggi.read`, with one meaning in every engine.

`[("a", ">", 1), ("b", "in", ["x", "y"])]` means both; a list of such lists means any of them. A missing
value meets no condition, as in SQL. The value must fit the column's type, so that no engine converts it
in its own way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from onggi.errors import Invalid, NotFound
from onggi.manifest import Table
from onggi.reasons import Reason

_OPERATORS = {
    "==": "==",
    "=": "==",
    "!=": "!=",
    "<": "<",
    "<=": "<=",
    ">": ">",
    ">=": ">=",
    "in": "in",
    "not in": "not in",
}
_SETS = ("in", "not in")
_PARTS = 3


@dataclass(frozen=True, slots=True)
class Condition:
    """A column, an operator (`==`, `!=`, `<`, `<=`, `>`, `>=`, `in`, `not in`) and a value, a tuple
    for the last two.
    """

    column: str
    operator: str
    value: Any


Alternatives = tuple[tuple[Condition, ...], ...]


def conditions(where: object, table: Table) -> Alternatives:
    """Understand the `where` of `onggi.read`: alternatives of conditions that must all hold.

    Raises:
        NotFound: a column is not there.
        Invalid: an operator is unknown or a value does not fit its column.
    """
    if where is None:
        return ()
    if not isinstance(where, Iterable) or isinstance(where, str | Mapping):
        raise _wrong(where)
    listed = list(where)
    groups = listed if listed and all(_is_group(one) for one in listed) else [listed]
    types = {column.name: column.type for column in table.columns}
    found = tuple(tuple(_condition(one, table, types) for one in group) for group in groups)
    if not all(found):
        raise _wrong(where)
    return found


def check_columns(columns: Sequence[str], table: Table) -> None:
    """Go on if the table has all these columns.

    Raises:
        NotFound: naming the first that it has not, and those that it has.
    """
    there = [column.name for column in table.columns]
    for name in columns:
        if name not in there:
            raise NotFound(Reason.COLUMN_UNKNOWN, column=name, table=table.name, known=", ".join(there))


def _is_group(value: object) -> bool:
    return isinstance(value, list | tuple) and all(isinstance(one, list | tuple) for one in value)


def _condition(value: object, table: Table, types: Mapping[str, str]) -> Condition:
    if not isinstance(value, list | tuple) or len(value) != _PARTS:
        raise _wrong(value)
    column, operator, operand = value
    check_columns([column], table)
    if operator not in _OPERATORS:
        raise _wrong(f"{operator}: {' '.join(_OPERATORS)}")
    if operator in _SETS:
        if not isinstance(operand, list | tuple | set | frozenset) or not operand:
            raise _wrong(f"{column} {operator} {operand}")
        members = tuple(_fitting(column, one, types[column]) for one in operand)
        return Condition(column, operator, members)
    return Condition(column, _OPERATORS[operator], _fitting(column, operand, types[column]))


def _fitting(column: str, value: Any, kind: str) -> Any:
    """The value as a plain Python value, if the column's type takes it. NumPy scalars are unpacked."""
    plain = value.item() if type(value).__module__ == "numpy" and hasattr(value, "item") else value
    truth, moment = isinstance(plain, bool), isinstance(plain, datetime)
    fits = {
        "bool": truth,
        "date": isinstance(plain, date) and not moment,
        "float64": isinstance(plain, int | float) and not truth,
        "int32": isinstance(plain, int | float) and not truth,
        "int64": isinstance(plain, int | float) and not truth,
        "string": isinstance(plain, str),
        "timestamp": moment and plain.tzinfo is None,
    }
    if not fits[kind] or plain != plain:  # noqa: PLR0124 - NaN alone differs from itself
        raise _wrong(f"{column} ({kind}): {value!r}")
    return plain


def _wrong(value: object) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field="where", value=str(value)[:80])
