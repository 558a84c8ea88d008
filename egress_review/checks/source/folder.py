"""A folder of Parquet or CSV files of another system, described well enough to be checked against.

Every file, and every folder of files, is a table of that name; `manifest.json` may say more, in the small
form of `docs/how-to/check-from-outside.md`: the unit column, identifier columns, the institution, which files
make which table. Names are folded to lower case, as SQL without quotes reads them. Numbers that are NaN count
as missing, as the tools that write them mean it; times with a zone are read in UTC; columns of types that
have no one text form are not there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.scope import fold
from egress_review.checks.refusal import CheckStopped
from onggi.manifest import MANIFEST_FILE, MAX_MANIFEST_BYTES, Column, DataFile, Manifest, Table
from onggi.table_form import quote_name, quote_text, without_range

NAME, VERSION = "data", "1"
"""What a folder of another system is called in a report."""
ROW = "onggi_row"
"""The unit column of a folder that names no unit; nobody is counted by it."""
_ENDINGS = {".parquet": "parquet", ".pq": "parquet", ".csv": "csv"}
_MAX_FILES, _MAX_TABLES, _MAX_COLUMNS = 100_000, 200, 2_000
_TEXT = {"en": "", "ko": ""}
_READ = re.compile(
    r"(BOOLEAN|U?(TINY|SMALL|BIG|HUGE)INT|U?INTEGER|FLOAT|DOUBLE|DECIMAL\(.*\)|DATE|TIMESTAMP.*|VARCHAR|UUID|ENUM\(.*\))$",
    re.DOTALL,
)
"""Types that have one text form; columns of others, such as lists and bytes, are not seen."""
_TYPES = {"BOOLEAN": "bool", "DATE": "date", "VARCHAR": "string"}


@dataclass(frozen=True, slots=True)
class SmallManifest:
    """What a folder may say of itself; everything else is found out.

    Attributes:
        unit_column: whose privacy is protected; every table must have it.
        identifier_columns: more columns that must never leave.
        institution_column: who reported the row.
        tables: table → file, folder or glob below the folder; without it every file and folder is a table.
    """

    unit_column: str | None = None
    identifier_columns: Sequence[str] = ()
    institution_column: str | None = None
    tables: Mapping[str, str | Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Described:
    """A folder as a data set, and the statements that make its views.

    Attributes:
        single: columns of single precision, in which other tools also compute.
    """

    manifest: Manifest
    views: tuple[str, ...]
    single: frozenset[str] = frozenset()


def read_small_manifest(folder: Path) -> SmallManifest:
    """The folder's `manifest.json`, or one that says nothing.

    Raises:
        CheckStopped: `dataset_unreadable`, naming the key.
    """
    path = folder / MANIFEST_FILE
    if not path.exists():
        return SmallManifest()
    try:
        with path.open("rb") as file:
            body = json.loads(file.read(MAX_MANIFEST_BYTES))
    except (OSError, ValueError, RecursionError):
        raise _unreadable(MANIFEST_FILE) from None
    if not isinstance(body, dict):
        raise _unreadable(MANIFEST_FILE)
    # By hand: pydantic takes a tenth of a second to load, and every check starts a process.
    for key, value in body.items():
        if key not in _HOLDS or not _HOLDS[key](value):
            raise _unreadable(key)
    return SmallManifest(**body)


def _is_name(value: object) -> bool:
    return value is None or isinstance(value, str)


def _are_names(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(one, str) for one in value)


def _are_tables(value: object) -> bool:
    return isinstance(value, dict) and all(isinstance(one, str) or _are_names(one) for one in value.values())


_HOLDS: Mapping[str, Callable[[object], bool]] = {
    "unit_column": _is_name,
    "identifier_columns": _are_names,
    "institution_column": _is_name,
    "tables": _are_tables,
}
"""What each key of a small manifest may be."""


def describe_folder(folder: Path) -> Described:
    """Find out what tables, columns and rows a folder holds.

    Raises:
        CheckStopped: `dataset_unreadable`, naming the table or key.
    """
    small = read_small_manifest(folder)
    unit = fold(small.unit_column or ROW)
    found = dict(_tables(folder, small))
    if not found or len(found) > _MAX_TABLES:
        raise _unreadable("tables")
    views = [f"CREATE SCHEMA IF NOT EXISTS {quote_name(NAME)}"]
    tables = []
    single: set[str] = set()
    with duckdb.connect(":memory:") as database:
        for name, files in found.items():
            table, select, of_table = _describe(database, folder, name, files, unit)
            single |= of_table
            tables.append(table)
            shown = quote_name(name)
            views.append(f"CREATE VIEW {quote_name(NAME)}.{shown} AS {select}")
            views.append(f"CREATE VIEW main.{shown} AS SELECT * FROM {quote_name(NAME)}.{shown}")
    known = {column.name for table in tables for column in table.columns}
    named = [
        *map(fold, small.identifier_columns),
        *([fold(small.institution_column)] if small.institution_column else []),
    ]
    if not set(named) <= known:
        raise _unreadable(min(set(named) - known))
    return Described(_manifest(small, unit, tuple(tables)), tuple(views), frozenset(single))


def _manifest(small: SmallManifest, unit: str, tables: tuple[Table, ...]) -> Manifest:
    return Manifest(
        name=NAME,
        version=VERSION,
        titles=_TEXT,
        description=_TEXT,
        synthetic=False,
        tier="",
        custodian="",
        licence="",
        source="",
        unit_column=unit,
        identifier_columns=tuple(map(fold, small.identifier_columns)),
        institution_column=fold(small.institution_column) if small.institution_column else None,
        buckets=1,
        hash="",
        tables=tables,
    )


def _tables(folder: Path, small: SmallManifest) -> Iterator[tuple[str, list[Path]]]:
    if small.tables:
        for name, patterns in small.tables.items():
            yield fold(name), _matching(folder, [patterns] if isinstance(patterns, str) else patterns, name)
        return
    for path in sorted(folder.iterdir()):
        if path.is_dir():
            if files := _below(path):
                yield fold(path.name), files
        elif path.suffix.lower() in _ENDINGS:
            yield fold(path.stem), [path]


def _matching(folder: Path, patterns: Sequence[str], name: str) -> list[Path]:
    files: list[Path] = []
    for pattern in patterns:
        if pattern.startswith("/") or ".." in Path(pattern).parts:
            raise _unreadable(name)
        for path in sorted(folder.glob(pattern)):
            files.extend(_below(path) if path.is_dir() else [path])
    if not files:
        raise _unreadable(name)
    return files


def _below(folder: Path) -> list[Path]:
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _ENDINGS and path.is_file())
    if len(files) > _MAX_FILES:
        raise _unreadable(folder.name)
    return files


def _describe(
    database: duckdb.DuckDBPyConnection, folder: Path, name: str, files: Sequence[Path], unit: str
) -> tuple[Table, str, set[str]]:
    """A table, the SELECT that reads it, and its columns of single precision."""
    kinds = {_ENDINGS.get(path.suffix.lower(), "") for path in files}
    if len(kinds) != 1 or "" in kinds:
        raise _unreadable(name)
    reader = _reader(kinds.pop(), files)
    try:
        described = database.execute(f"DESCRIBE SELECT * FROM {reader}").fetchall()
        rows = int(database.execute(f"SELECT count(*) FROM {reader}").fetchall()[0][0])
    except duckdb.Error:
        raise _unreadable(name) from None
    types = {str(one[0]): str(one[1]) for one in described}
    columns = {fold(column): column for column in types}
    if len(columns) != len(types) or len(types) > _MAX_COLUMNS or (unit != ROW and unit not in columns):
        raise _unreadable(f"{name}: {unit}" if unit not in columns else name)
    columns = {folded: original for folded, original in columns.items() if _READ.match(types[original])}
    if unit != ROW and unit not in columns:
        raise _unreadable(f"{name}: {unit}")
    shown = [_column(original, types[original], folded) for folded, original in columns.items()]
    if unit == ROW:
        shown.append(f"0 AS {quote_name(ROW)}")
    made = tuple(Column(folded, _type(types[original]), _TEXT) for folded, original in columns.items())
    listed = tuple(
        DataFile(path.relative_to(folder).as_posix(), path.stat().st_size, "", 0) for path in files
    )
    single = {folded for folded, original in columns.items() if types[original] == "FLOAT"}
    return Table(name, rows, made, listed), f"SELECT {', '.join(shown)} FROM {reader}", single


def _reader(kind: str, files: Sequence[Path]) -> str:
    listed = f"[{', '.join(quote_text(str(path)) for path in files)}]"
    if kind == "parquet":
        return f"read_parquet({listed}, hive_partitioning = false, union_by_name = true)"
    missing = "['', 'NA', 'NaN', 'nan']"
    return (
        f"read_csv({listed}, header = true, sample_size = -1, nullstr = {missing}, hive_partitioning = false,"
        " union_by_name = true)"
    )


def _column(original: str, kind: str, folded: str) -> str:
    name = quote_name(original)
    if kind in {"FLOAT", "DOUBLE"}:
        return f"CASE WHEN isnan({without_range(name)}) THEN NULL ELSE {name} END AS {quote_name(folded)}"
    if kind == "TIMESTAMP WITH TIME ZONE":
        return f"timezone('UTC', {name}) AS {quote_name(folded)}"
    text = f"{name}::VARCHAR" if _type(kind) == "string" else name
    return f"{text} AS {quote_name(folded)}"


def _type(kind: str) -> str:
    if kind.startswith("TIMESTAMP"):
        return "timestamp"
    if "INT" in kind:
        return "int64"
    return "string" if kind.startswith(("ENUM", "UUID")) else _TYPES.get(kind, "float64")


def _unreadable(cause: str) -> CheckStopped:
    return CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=NAME, cause=cause)
