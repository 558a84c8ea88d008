"""The SQL of a table said by its rows, columns and measures: `onggi.table(rows=…, cols=…, measures=…)`.

Whatever is made here is an ordinary query that the researcher sees, and could have written.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from onggi.errors import Invalid
from onggi.manifest import Table
from onggi.notebook.conditions import Condition, conditions
from onggi.reasons import Reason
from onggi.table_form import format_value, quote_name, quote_text

GROUPING = "_onggi_grouping"
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_CALL = re.compile(r"([a-z]+)([0-9]{0,2})\((.+)\)", re.DOTALL)
_STATISTICS = {
    "max": "MAX",
    "mean": "AVG",
    "median": "MEDIAN",
    "min": "MIN",
    "mode": "MODE",
    "n": "COUNT",
    "std": "STDDEV_SAMP",
    "sum": "SUM",
    "var": "VAR_SAMP",
}
_OPERATORS = {"==": "=", "!=": "<>", "in": "IN", "not in": "NOT IN"}
Named = str | Sequence[str] | Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Built:
    """A query made of parts.

    Attributes:
        sql: the query, as it stands in the claim.
        grouped: the same with one more column, which says of which keys a row is the margin: bit n of key n.
        keys, measures: names, in order.
    """

    sql: str
    grouped: str
    keys: tuple[str, ...]
    measures: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """What a table is said to be.

    Attributes:
        rows, cols, measures: names and expressions; a name alone is a column, or a word of `measure_sql`.
        where: SQL, or conditions as for `onggi.read`.
        margins: whether totals over every key and all of them are added.
        shape: `long`, `wide` or None.
    """

    rows: Named
    cols: Named
    measures: Named
    where: object
    margins: bool
    shape: str | None


def build(source: str, parts: Parts, unit: str, table: Table | None) -> Built:
    """The query of a table.

    Args:
        source: what stands after FROM: a table, or tables joined.
        unit: the column that names the person.
        table: the table, where `source` is one; conditions are checked against it.

    Raises:
        Invalid: names the argument that is not understood.
    """
    grouped_by = {**named(parts.rows, "rows"), **named(parts.cols, "cols")}
    counted = named(parts.measures, "measures")
    names = [*grouped_by, *counted]
    if not counted or len(set(names)) != len(names):
        raise Invalid(Reason.FIELD_INVALID, field="measures", value=", ".join(names)[:60])
    items = [_item(name, sql) for name, sql in grouped_by.items()]
    items += [_item(name, measure_sql(word, unit)) for name, word in counted.items()]
    asked = _where(parts.where, table)
    tail = f"\nFROM {source}{f'{chr(10)}WHERE {asked}' if asked else ''}"
    if grouped_by:
        listed = ", ".join(grouped_by.values())
        tail += f"\nGROUP BY CUBE ({listed})" if parts.margins else f"\nGROUP BY {listed}"
    grouping = ", ".join(reversed(grouped_by.values()))
    said = f"GROUPING({grouping})" if parts.margins and grouped_by else "0"
    select = "SELECT " + ",\n       ".join(items)
    return Built(
        sql=select + tail,
        grouped=f"{select},\n       {said} AS {quote_name(GROUPING)}{tail}",
        keys=tuple(grouped_by),
        measures=tuple(counted),
    )


def measure_sql(word: str, unit: str) -> str:
    """The aggregate that a word means: `persons`, `rows`, `mean(x)`, `q25(x)` …; SQL stays as it is."""
    if word == "persons":
        return f"COUNT(DISTINCT {quote_name(unit)})"
    if word == "rows":
        return "COUNT(*)"
    found = _CALL.fullmatch(word)
    if found and not found[2] and found[1] in _STATISTICS:
        return f"{_STATISTICS[found[1]]}({found[3]})"
    if found and found[1] == "q" and found[2]:
        return f"QUANTILE_CONT({found[3]}, 0.{found[2]:0>2})"
    return word


def named(value: Named, where: str) -> dict[str, str]:
    """Names and their expressions.

    Raises:
        Invalid: naming `where`, if one is empty.
    """
    if isinstance(value, Mapping):
        pairs = dict(value)
    else:
        pairs = {one: one for one in ([value] if isinstance(value, str) else value)}
    for name, sql in pairs.items():
        if not str(name).strip() or not str(sql).strip():
            raise Invalid(Reason.FIELD_INVALID, field=where, value=str(name)[:60])
    return pairs


def _item(name: str, sql: str) -> str:
    return sql if sql == name and _PLAIN.fullmatch(name) else f"{sql} AS {quote_name(name)}"


def _where(where: object, table: Table | None) -> str:
    if where is None or isinstance(where, str):
        return where or ""
    if table is None:
        raise Invalid(Reason.FIELD_INVALID, field="where", value=str(where)[:60])
    alternatives = [" AND ".join(map(_condition, group)) for group in conditions(where, table)]
    return alternatives[0] if len(alternatives) == 1 else " OR ".join(f"({one})" for one in alternatives)


def _condition(one: Condition) -> str:
    operator = _OPERATORS.get(one.operator, one.operator)
    value = (
        f"({', '.join(map(_literal, one.value))})" if isinstance(one.value, tuple) else _literal(one.value)
    )
    return f"{quote_name(one.column)} {operator} {value}"


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return quote_text(value)
    text = format_value(value)
    kind = {"date": "DATE ", "datetime": "TIMESTAMP "}.get(type(value).__name__, "")
    return f"{kind}{quote_text(text)}" if kind else text
