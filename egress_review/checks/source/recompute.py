"""Computes a proven query from the source, with DuckDB.

Guarantees: DuckDB reads exactly the Parquet files that the manifests list, at their listed sizes, and
nothing else: no file, network, extension or setting can be reached from a query once `open_source`
returned. The contents of the files were hashed when the data set was registered; that is not repeated here.
"""

from __future__ import annotations

import stat
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Key, Query
from egress_review.checks.refusal import CheckStopped
from onggi.errors import OnggiError
from onggi.manifest import Manifest, read_manifest
from onggi.table_form import quote_text, view_statements

ENGINE = f"duckdb {duckdb.__version__}"


@dataclass(frozen=True, slots=True)
class Group:
    """One row of the recomputed table and what stands behind it.

    Attributes:
        values: as published, in the order of the query's items.
        rows: source rows.
        persons: distinct persons in the group.
        contributors: for each measure, distinct persons who contribute a value.
    """

    values: tuple[Any, ...]
    rows: int
    persons: int
    contributors: tuple[int, ...]

    def key(self, query: Query) -> tuple[Any, ...]:
        """The values of the query's keys."""
        return tuple(
            value for value, item in zip(self.values, query.items, strict=True) if isinstance(item, Key)
        )


def load_manifest(folder: Path, name: str, version: str) -> Manifest:
    """The manifest of a granted data-set version, its files checked for kind and size.

    Raises:
        CheckStopped: `dataset_unreadable`.
    """
    try:
        manifest = read_manifest(folder)
    except OnggiError as error:
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=name, cause=error.reason.value) from None
    if (manifest.name, manifest.version) != (name, version):
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=name, cause="manifest")
    for table in manifest.tables:
        for file in table.files:
            _check_file(folder / file.path, file.size, name)
    return manifest


def _check_file(path: Path, size: int, dataset: str) -> None:
    try:
        found = path.lstat()
    except OSError:
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=dataset, cause=path.name) from None
    if not stat.S_ISREG(found.st_mode) or found.st_size != size:
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset=dataset, cause=path.name)


def open_source(
    datasets: Iterable[tuple[Manifest, Path]], scratch: Path, memory_bytes: int
) -> duckdb.DuckDBPyConnection:
    """A DuckDB over the data sets' views that can reach nothing else.

    Args:
        scratch: a folder for what does not fit `memory_bytes`.

    Raises:
        CheckStopped: `dataset_unreadable`, if a view cannot be made.
    """
    pairs = list(datasets)
    source = duckdb.connect(":memory:")
    # One thread: sums of doubles come out the same every time, and a box has few processors.
    source.execute("SET threads = 1")
    source.execute(f"SET memory_limit = '{memory_bytes // 1024**2}MiB'")
    source.execute(f"SET temp_directory = {quote_text(str(scratch))}")
    source.execute("SET autoinstall_known_extensions = false")
    source.execute("SET autoload_known_extensions = false")
    source.execute("SET TimeZone = 'UTC'")
    try:
        for statement in view_statements(pairs):
            source.execute(statement)
    except duckdb.Error as error:
        raise CheckStopped(FindingCode.DATASET_UNREADABLE, dataset="", cause=type(error).__name__) from None
    files = [
        str(folder / file.path)
        for manifest, folder in pairs
        for table in manifest.tables
        for file in table.files
    ]
    source.execute(f"SET allowed_paths = [{', '.join(quote_text(path) for path in files)}]")
    source.execute("SET enable_external_access = false")
    source.execute("SET lock_configuration = true")
    return source


def recompute(source: duckdb.DuckDBPyConnection, query: Query, most: int) -> list[Group]:
    """The groups of a query, at most `most`.

    Raises:
        CheckStopped: `too_many_cells`, `memory_limit` or `query_failed`.
    """
    try:
        found = source.execute(query.evidence_sql(most)).fetchall()
    except duckdb.OutOfMemoryException:
        raise CheckStopped(FindingCode.MEMORY_LIMIT) from None
    except duckdb.Error as error:
        raise CheckStopped(FindingCode.QUERY_FAILED, cause=type(error).__name__) from None
    if len(found) > most:
        raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=most)
    return [_group(row, len(query.items)) for row in found]


def persons_without_filter(
    source: duckdb.DuckDBPyConnection, query: Query, most: int
) -> dict[tuple[Any, ...], int] | None:
    """Persons of each group if the query filtered nothing, by the group's key values; None if not known.

    Raises:
        CheckStopped: as `recompute`, but not for too many groups.
    """
    if query.narrowed:
        return None
    try:
        groups = recompute(source, query.unfiltered(), most)
    except CheckStopped as stopped:
        if stopped.finding.code is FindingCode.TOO_MANY_CELLS:
            return None
        raise
    return {group.key(query): group.persons for group in groups}


def _group(row: Sequence[Any], items: int) -> Group:
    return Group(
        values=tuple(row[:items]),
        rows=int(row[items]),
        persons=int(row[items + 1]),
        contributors=tuple(int(count) for count in row[items + 2 :]),
    )
