"""A hand-made data set of one table, written by the real writer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa

from hub.data import folder
from onggi.manifest import Column, Manifest, Table

TEXT = {"ko": "시험", "en": "test"}
COLUMNS = (
    ("person_id", "int64"),
    ("visits", "int32"),
    ("name", "string"),
    ("weight", "float64"),
    ("seen", "bool"),
    ("born", "date"),
)
BUCKETS = 4


def small_manifest(tables: tuple[Table, ...], **changed: Any) -> Manifest:
    values: dict[str, Any] = {
        "name": "small-set", "version": "1", "titles": TEXT, "description": TEXT, "synthetic": True,
        "tier": "synthetic", "custodian": "test", "licence": "CC0-1.0", "source": "test",
        "unit_column": "person_id", "identifier_columns": ("person_id",), "institution_column": None,
        "buckets": BUCKETS, "hash": "splitmix64", "tables": tables,
    }  # fmt: skip
    return Manifest(**values | changed)


def write_small(out: Path, rows: list[tuple[Any, ...]], **changed: Any) -> Manifest:
    """Write `rows` of `COLUMNS` as the table `things` of a data set in `out`."""
    arrow = pa.table(
        [pa.array([row[n] for row in rows], folder.ARROW_TYPES[kind]) for n, (_, kind) in enumerate(COLUMNS)],
        schema=folder.arrow_schema(COLUMNS),
    )
    with folder.new_folder(out) as staging:
        files = folder.write_bucketed(staging, "things", arrow, arrow["person_id"], BUCKETS)
        columns = tuple(Column(name, kind, TEXT) for name, kind in COLUMNS)
        manifest = small_manifest((Table("things", len(rows), columns, tuple(files)),), **changed)
        folder.write_manifest(staging, manifest)
    return manifest
