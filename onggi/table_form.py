"""The one form of a result table, used by the notebook that writes it and by the gate that recomputes it.

**Views.** A data set `x-y` is a DuckDB schema `x_y`; each of its tables is a view in it that selects the
columns of the manifest, in order, from the files of the manifest, in order, without a hive column (so the
bucket is no column). Of fractions only the values are believed: `without_range`. A table name that only one
data set of the query has is a view in the schema `main` too. `view_statements` is that rule; both sides run
it.

**Rows.** All rows of the result, ordered by `order_rows`: left to right over all columns, NULL last, NaN
after the other numbers, text by code point. An ORDER BY of the researcher therefore only matters together
with LIMIT. Whoever selects the group keys first gets a table ordered by its keys.

**Text.** UTF-8 without BOM, a header, records ended by LF, fields as in RFC 4180. NULL is an empty field,
empty text is `""`; a record of one column that is NULL is `""` too, since an empty line is no record.
Whole numbers in decimal, fractions as the shortest text that reads back as the same double (`repr`; `-0.0`
is `0.0`), DECIMAL with all its digits, booleans `true` and `false`, dates `2026-11-21`, timestamps
`2026-11-21T09:30:00` (fraction only if there is one; with time zone: in UTC with `Z`). Lists, structs,
blobs and intervals have no form and are refused.

Not guaranteed: that two runs add doubles in the same order. Both sides compute with one thread, which
has always given the same digits; who compares fractions still allows for the last ones.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, time
from decimal import Decimal
from pathlib import Path
from typing import Any

from onggi.errors import Invalid
from onggi.manifest import Column, Manifest, Table
from onggi.reasons import Reason

Row = Sequence[Any]
_MUST_BE_QUOTED = re.compile(r'[,"\r\n]')


def schema_name(dataset: str) -> str:
    """The SQL schema of a data set: hyphens become underscores, which no data-set name has."""
    return dataset.replace("-", "_")


def view_statements(datasets: Iterable[tuple[Manifest, Path | str]]) -> list[str]:
    """The SQL that makes the views over data sets, given as manifest and folder, one version of each."""
    pairs = [(manifest, Path(folder)) for manifest, folder in datasets]
    counted = Counter(table.name for manifest, _ in pairs for table in manifest.tables)
    statements: list[str] = []
    for manifest, folder in pairs:
        schema = quote_name(schema_name(manifest.name))
        statements.append(f"CREATE SCHEMA IF NOT EXISTS {schema}")
        for table in manifest.tables:
            view = f"{schema}.{quote_name(table.name)}"
            statements.append(f"CREATE VIEW {view} AS {_select(table, folder)}")
            if counted[table.name] == 1:
                statements.append(f"CREATE VIEW main.{quote_name(table.name)} AS SELECT * FROM {view}")  # noqa: S608 - quoted names
    return statements


def _select(table: Table, folder: Path) -> str:
    columns = ", ".join(map(_shown, table.columns))
    files = ", ".join(quote_text(str(folder / file.path)) for file in table.files)
    return f"SELECT {columns} FROM read_parquet([{files}], hive_partitioning = false, union_by_name = false)"  # noqa: S608 - quoted


def _shown(column: Column) -> str:
    name = quote_name(column.name)
    return f"{without_range(name)} AS {name}" if column.type == "float64" else name


def without_range(column: str) -> str:
    """A column of fractions of which DuckDB knows no range; never fails, so that TRY changes nothing.

    A Parquet file's least and greatest values leave NaN out, as its specification says. DuckDB 2.0.0
    concludes from them that `isnan` is false and nothing is beyond the greatest value, and skips rows.
    """
    return f"TRY({column})"


def quote_name(name: str) -> str:
    """A name as an SQL identifier."""
    return '"' + name.replace('"', '""') + '"'


def quote_text(text: str) -> str:
    """A text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def order_rows(rows: Iterable[Row]) -> list[Row]:
    """The rows in the one order that does not depend on who computed them."""
    return sorted(rows, key=lambda row: [_sort_key(value) for value in row])


def _sort_key(value: Any) -> tuple[int, Any]:
    if value is None:
        return (2, 0)
    if isinstance(value, float) and math.isnan(value):
        return (1, 0)
    return (0, value)


def csv_bytes(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """The bytes of a table file: header and rows, ordered and formatted.

    Raises:
        Invalid: if a column has no name or two have the same, or a value has no form.
    """
    return ordered_csv_bytes(columns, order_rows(rows))


def ordered_csv_bytes(columns: Sequence[str], rows: Iterable[Row]) -> bytes:
    """As `csv_bytes`, of rows that stand in their order.

    Raises:
        Invalid: as `csv_bytes`.
    """
    if len(set(columns)) != len(columns) or not all(columns):
        raise Invalid(Reason.FIELD_INVALID, field="columns", value=", ".join(columns)[:60])
    lines = [_record([_quoted(name) for name in columns])]
    lines.extend(_record([format_value(value) for value in row]) for row in rows)
    return "".join(lines).encode("utf-8")


def _record(fields: list[str]) -> str:
    return ('""' if fields == [""] else ",".join(fields)) + "\n"


def format_value(value: Any) -> str:
    """A value as the text of one CSV field.

    Raises:
        Invalid: if values of this type have no form.
    """
    if value is None:
        return ""
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return _fraction(value)
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, date | time) and getattr(value, "tzinfo", None) is None:
        return value.isoformat()
    raise Invalid(Reason.FIELD_INVALID, field="table", value=type(value).__name__)


def _quoted(text: str) -> str:
    if text and not _MUST_BE_QUOTED.search(text):
        return text
    return '"' + text.replace('"', '""') + '"'


def _fraction(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return repr(value + 0.0)
