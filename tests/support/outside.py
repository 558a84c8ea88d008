"""Tables of another system: a folder of files, SQL, and what `onggi check` is given."""

from __future__ import annotations

import hashlib
import json
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from egress_review.checks.job import DatasetFolder
from egress_review.checks.order import Order
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.report import CellEvidence, OutputReport
from egress_review.checks.rules.document import shipped
from egress_review.checks.worker import check
from onggi.table_form import csv_bytes


def write_folder(
    folder: Path,
    rows: Sequence[Mapping[str, Any]],
    table: str = "t",
    manifest: Mapping[str, Any] | None = None,
) -> Path:
    """A folder with one Parquet file, and a small manifest if one is given."""
    folder.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(list(rows)), folder / f"{table}.parquet")
    if manifest is not None:
        (folder / "manifest.json").write_text(json.dumps(manifest))
    return folder


def answer(folder: Path, sql: str, table: str = "t") -> bytes:
    """What a plain DuckDB gives for the SQL, as a CSV file."""
    with duckdb.connect() as database:
        database.execute(f"CREATE VIEW {table} AS SELECT * FROM '{folder / table}.parquet'")
        found = database.execute(sql)
        return csv_bytes([one[0] for one in found.description or []], found.fetchall())


def checked(
    folder: Path, sql: str, profile: str, body: bytes | None = None, claim: Mapping[str, Any] | None = None
) -> OutputReport:
    """The report on a file about `folder`: the worker's own function, without its box."""
    content = answer(folder, sql) if body is None else body
    with tempfile.TemporaryDirectory() as scratch:
        file = Path(scratch) / "output.csv"
        file.write_bytes(content)
        policy = CheckPolicy(profile=shipped(profile), report_cells=100_000, canonical=False)
        datasets = (DatasetFolder("data", "1", str(folder), outside=True),)
        sha256 = hashlib.sha256(content).hexdigest()
        said = {"sql": sql, "format": "csv", **(claim or {})}
        return check(Order("output.csv", sha256, str(file), scratch, said, datasets, policy))


def cell(report: OutputReport, statistic: str, **key: str) -> CellEvidence:
    """The one cell of a statistic and a key."""
    (found,) = [one for one in report.cells if one.statistic == statistic and dict(one.key) == key]
    return found
