"""`onggi.table`: a result table and its claim, written side by side, so that the gate can compute it again.

The query runs on DuckDB over views of the granted data sets, made as `onggi.table_form` says and as the
gate makes them. Before the query runs, DuckDB is closed to every other file and its settings are
locked: not to hold the researcher, who is in a sandbox, but so that a query that works here asks for
nothing that the gate does not have.
"""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from onggi.claim import Claim, Scalar, claim_file
from onggi.clock import SystemClock, to_text
from onggi.errors import Invalid
from onggi.notebook.catalogue import Dataset, choose, granted
from onggi.notebook.speech import speaking
from onggi.reasons import Reason
from onggi.table_form import Row, csv_bytes, order_rows, quote_text, schema_name, view_statements

if TYPE_CHECKING:
    import pandas as pd

MAX_TABLE_ROWS = 1_000_000
_MAX_DETAIL = 600
# One thread adds doubles in one order, the gate's: an average then comes out the same to the last digit.
_CONFIG: Mapping[str, str | int] = {
    "threads": 1,
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


@speaking
def table(
    sql: str,
    to: str | Path,
    parameters: Mapping[str, Scalar] | None = None,
    *,
    versions: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Run one SELECT, write its result to `to` and its claim beside it, and give the result.

    Args:
        sql: one SELECT; tables are `nafld.person`, or `person` where only one data set has it.
        to: the file to write, ending in `.csv`; an older one is replaced.
        parameters: values of `$name` in the SQL.
        versions: of data sets, by name, where not the newest granted is meant.

    Raises:
        Invalid: not one SELECT, no data set in it, or DuckDB refuses it (says why).
        NotFound: a data set or version is not granted.
    """
    path = Path(to)
    if path.suffix != ".csv":
        raise Invalid(Reason.FIELD_INVALID, field="to", value=f"{path.name} (.csv)")
    available = _one_version_each(granted(), versions or {})
    used = _datasets_in(sql, available)
    columns, rows = _run(sql, dict(parameters or {}), used)
    content = csv_bytes(columns, rows)
    claim = Claim(
        sql=sql,
        datasets=tuple((one.name, one.version) for one in used),
        columns=tuple(columns),
        created=to_text(SystemClock().now()),
        output_sha256=hashlib.sha256(content).hexdigest(),
        parameters=dict(parameters or {}),
    )
    _replace(Path(claim_file(str(path))), claim.to_bytes())
    _replace(path, content)
    return _as_frame(columns, rows)


def _one_version_each(available: Sequence[Dataset], versions: Mapping[str, str]) -> list[Dataset]:
    names = dict.fromkeys([*(one.name for one in available), *versions])
    return [choose(name, versions.get(name), available) for name in sorted(names)]


def _datasets_in(sql: str, available: Sequence[Dataset]) -> list[Dataset]:
    """The data sets whose tables the query names, in order of name.

    Raises:
        Invalid: it is not one SELECT, or names no table of a data set.
    """
    named = _tables_in(sql)
    used = [one for one in available if _names(one, available) & named]
    if not used:
        known = ", ".join(f"{schema_name(one.name)}.{name}" for one in available for name in one.tables)
        raise Invalid(Reason.SQL_READS_NO_DATA, known=known or "-")
    return used


def _tables_in(sql: str) -> set[tuple[str, str]]:
    """Schema (empty if there is none) and name of every table that the query names, lower case.

    Raises:
        Invalid: it is not one SELECT.
    """
    import duckdb

    try:
        with duckdb.connect() as database:
            statements = database.extract_statements(sql)
            if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
                raise Invalid(Reason.SQL_NOT_ONE_SELECT)
            tree = database.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0]
    except duckdb.Error as error:
        raise _failed(error) from None
    return set(_base_tables(json.loads(tree)))


def _base_tables(node: Any) -> Iterator[tuple[str, str]]:
    """The tables in DuckDB's syntax tree; names of WITH are among them, which does no harm."""
    if isinstance(node, dict):
        if node.get("type") == "BASE_TABLE":
            schema = node["schema_name"].lower()
            yield "" if schema == "main" else schema, node["table_name"].lower()
        node = list(node.values())
    if isinstance(node, list):
        for inner in node:
            yield from _base_tables(inner)


def _names(dataset: Dataset, available: Sequence[Dataset]) -> set[tuple[str, str]]:
    """Every schema and name under which the query may name a table of the data set."""
    elsewhere = {name for other in available if other is not dataset for name in other.tables}
    qualified = {(schema_name(dataset.name), name) for name in dataset.tables}
    return qualified | {("", name) for name in dataset.tables if name not in elsewhere}


def _run(sql: str, parameters: Mapping[str, Scalar], used: Sequence[Dataset]) -> tuple[list[str], list[Row]]:
    """The header and the ordered rows.

    Raises:
        Invalid: DuckDB refuses the query, or it gives too many rows.
    """
    import duckdb

    try:
        with duckdb.connect(config={**_CONFIG, "temp_directory": tempfile.gettempdir()}) as database:
            for statement in view_statements([(one.manifest, one.path) for one in used]):
                database.execute(statement)
            folders = ", ".join(quote_text(one.path) for one in used)
            database.execute(f"SET allowed_directories = [{folders}]")
            database.execute("SET enable_external_access = false")
            database.execute("SET lock_configuration = true")
            result = database.execute(sql, parameters) if parameters else database.execute(sql)
            columns = [column[0] for column in result.description or ()]
            rows = result.fetchmany(MAX_TABLE_ROWS + 1)
    except duckdb.Error as error:
        raise _failed(error) from None
    if len(rows) > MAX_TABLE_ROWS:
        raise Invalid(Reason.TABLE_TOO_LONG, limit=MAX_TABLE_ROWS)
    return columns, order_rows(rows)


def _failed(error: Exception) -> Invalid:
    return Invalid(Reason.SQL_FAILED, detail=str(error).strip()[:_MAX_DETAIL])


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(content)
    beside.replace(path)


def _as_frame(columns: list[str], rows: list[Row]) -> pd.DataFrame:
    import pandas as pd

    frame: pd.DataFrame = pd.DataFrame.from_records(
        [tuple(row) for row in rows], columns=columns, coerce_float=True
    )
    return frame
