"""Runs a query on DuckDB over views of the granted data sets, made as `onggi.table_form` says.

Before the query runs, DuckDB is closed to every other file and its settings are locked: not to hold the
researcher, who is in a sandbox, but so that a query that works here asks for nothing that the gate does not
have.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from onggi.claim import Scalar
from onggi.errors import Invalid
from onggi.notebook.catalogue import Dataset, choose
from onggi.reasons import Reason
from onggi.table_form import Row, order_rows, quote_text, schema_name, view_statements

if TYPE_CHECKING:
    import duckdb
    import pandas as pd

MAX_TABLE_ROWS = 1_000_000
_MAX_DETAIL = 600
# One thread adds doubles in one order, the gate's: an average then comes out the same to the last digit.
_CONFIG: Mapping[str, str | int] = {
    "threads": 1,
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
}


def one_version_each(available: Sequence[Dataset], versions: Mapping[str, str]) -> list[Dataset]:
    """One version of each data set: the newest, unless another is asked for.

    Raises:
        NotFound: a data set or version is not granted.
    """
    names = dict.fromkeys([*(one.name for one in available), *versions])
    return [choose(name, versions.get(name), available) for name in sorted(names)]


def datasets_in(sql: str, available: Sequence[Dataset]) -> list[Dataset]:
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


def run(sql: str, parameters: Mapping[str, Scalar], used: Sequence[Dataset]) -> tuple[list[str], list[Row]]:
    """The header and the ordered rows.

    Raises:
        Invalid: DuckDB refuses the query, or it gives too many rows.
    """
    with _result(sql, parameters, used) as result:
        columns = [column[0] for column in result.description or ()]
        rows = result.fetchmany(MAX_TABLE_ROWS + 1)
    if len(rows) > MAX_TABLE_ROWS:
        raise Invalid(Reason.TABLE_TOO_LONG, limit=MAX_TABLE_ROWS)
    return columns, order_rows(rows)


def frame(sql: str, parameters: Mapping[str, Scalar], used: Sequence[Dataset]) -> pd.DataFrame:
    """The rows as DuckDB gives them to pandas: what a model is fitted on, here and in the gate.

    Raises:
        Invalid: DuckDB refuses the query.
    """
    with _result(sql, parameters, used) as result:
        return result.df()


@contextmanager
def _result(
    sql: str, parameters: Mapping[str, Scalar], used: Sequence[Dataset]
) -> Iterator[duckdb.DuckDBPyConnection]:
    import duckdb

    try:
        with duckdb.connect(config={**_CONFIG, "temp_directory": tempfile.gettempdir()}) as database:
            for statement in view_statements([(one.manifest, one.path) for one in used]):
                database.execute(statement)
            folders = ", ".join(quote_text(one.path) for one in used)
            database.execute(f"SET allowed_directories = [{folders}]")
            database.execute("SET enable_external_access = false")
            database.execute("SET lock_configuration = true")
            yield database.execute(sql, parameters) if parameters else database.execute(sql)
    except duckdb.Error as error:
        raise _failed(error) from None


def _failed(error: Exception) -> Invalid:
    return Invalid(Reason.SQL_FAILED, detail=str(error).strip()[:_MAX_DETAIL])
