"""What a notebook does to make a table and its claim, and a small data set to do it on."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb

from egress_review.checks.job import CheckJob, DatasetFolder, OutputToCheck
from egress_review.checks.policy import CheckPolicy
from onggi.claim import Claim, Scalar
from onggi.manifest import MANIFEST_FILE, Column, DataFile, Manifest, Table, read_manifest
from onggi.models.fit import fit
from onggi.models.spec import ModelSpec
from onggi.table_form import csv_bytes, view_statements

CREATED = "2026-11-21T09:30:00.000Z"
TEXT = {"en": "test", "ko": "시험"}
_TYPES = {
    "BIGINT": "int64",
    "BOOLEAN": "bool",
    "DATE": "date",
    "DOUBLE": "float64",
    "INTEGER": "int32",
    "TIMESTAMP": "timestamp",
    "VARCHAR": "string",
}


@dataclass(frozen=True)
class Made:
    """A table file's bytes and its claim."""

    body: bytes
    claim: dict[str, Any]

    def edited(self, old: str, new: str) -> Made:
        """The same table with one text changed, as by hand; the claim follows the new bytes."""
        assert old in self.body.decode(), self.body.decode()
        body = self.body.decode().replace(old, new, 1).encode()
        return self.with_body(body)

    def with_body(self, body: bytes) -> Made:
        return Made(body, {**self.claim, "output_sha256": hashlib.sha256(body).hexdigest()})


@dataclass(frozen=True)
class Source:
    """A data-set version and its folder."""

    folder: Path

    @property
    def manifest(self) -> Manifest:
        return read_manifest(self.folder)

    @property
    def granted(self) -> DatasetFolder:
        return DatasetFolder(self.manifest.name, self.manifest.version, str(self.folder))

    def table(self, sql: str, parameters: Mapping[str, Scalar] | None = None) -> Made:
        """Run `sql` as a notebook would, with its own DuckDB, and write file and claim."""
        database = duckdb.connect()
        for statement in view_statements([(self.manifest, self.folder)]):
            database.execute(statement)
        found = database.execute(sql, dict(parameters or {}) or None)
        columns = [one[0] for one in found.description or []]
        return self.made(sql, csv_bytes(columns, found.fetchall()), columns, parameters)

    def model(self, spec: ModelSpec, sql: str) -> Made:
        """Fit a model over the rows of `sql` and write its table, as `onggi.model` does."""
        with duckdb.connect() as database:
            for statement in view_statements([(self.manifest, self.folder)]):
                database.execute(statement)
            fitted = fit(spec, database.execute(sql).df())
        body = csv_bytes(fitted.columns, fitted.rows)
        made = self.made(sql, body, fitted.columns)
        return Made(body, {**made.claim, "model": spec.to_json()})

    def made(
        self, sql: str, body: bytes, columns: Sequence[str], parameters: Mapping[str, Scalar] | None = None
    ) -> Made:
        manifest = self.manifest
        claim = Claim(
            sql=sql,
            datasets=((manifest.name, manifest.version),),
            columns=tuple(columns),
            created=CREATED,
            output_sha256=hashlib.sha256(body).hexdigest(),
            parameters=dict(parameters or {}),
        )
        return Made(body, claim.to_json())


@dataclass
class Vault:
    """A folder of submitted files."""

    folder: Path
    policy: CheckPolicy = field(default_factory=CheckPolicy)

    def keep(
        self, body: bytes, name: str = "table.csv", claim: Mapping[str, Any] | None = None
    ) -> OutputToCheck:
        sha256 = hashlib.sha256(body).hexdigest()
        path = self.folder / sha256
        path.write_bytes(body)
        return OutputToCheck(name, sha256, str(path), claim)

    def job(self, output: OutputToCheck, *sources: Source) -> CheckJob:
        return CheckJob((output,), tuple(one.granted for one in sources), self.policy)


def small_source(
    folder: Path, tables: Mapping[str, tuple[str, str]], name: str = "small", buckets: int = 1
) -> Source:
    """Write a data set.

    Args:
        folder: must not exist.
        tables: name → (columns as `name TYPE, …`, SELECT that fills them).
    """
    database = duckdb.connect()
    made = []
    for table, (columns, select) in tables.items():
        database.execute(f"CREATE TABLE {table} ({columns})")
        database.execute(f"INSERT INTO {table} {select}")
        files = tuple(_bucket(database, folder, table, bucket, buckets) for bucket in range(buckets))
        rows = sum(file.rows for file in files)
        pairs = [one.strip().split(" ") for one in columns.split(",")]
        described = tuple(Column(column, _TYPES[kind], TEXT) for column, kind in pairs)
        made.append(Table(table, rows, described, files))
    manifest = Manifest(
        name=name,
        version="1",
        titles=TEXT,
        description=TEXT,
        synthetic=True,
        tier="open",
        custodian="test",
        licence="CC0-1.0",
        source="test",
        unit_column="person_id",
        identifier_columns=("person_id",),
        institution_column=None,
        buckets=buckets,
        hash="none",
        tables=tuple(made),
    )
    (folder / MANIFEST_FILE).write_bytes(manifest.canonical())
    return Source(folder)


def _bucket(
    database: duckdb.DuckDBPyConnection, folder: Path, table: str, bucket: int, buckets: int
) -> DataFile:
    """Write the persons of one bucket; nobody is in the first."""
    relative = f"{table}/bucket={bucket:03d}/part-0.parquet"
    path = folder / relative
    path.parent.mkdir(parents=True)
    rows = f"SELECT * FROM {table}"
    if buckets > 1:  # persons may be texts where all are in one
        rows += f" WHERE coalesce(abs(person_id) % {buckets}, 0) = {bucket}"
    database.execute(f"COPY ({rows}) TO '{path}' (FORMAT parquet)")
    counted = database.execute(f"SELECT count(*) FROM ({rows})").fetchall()[0][0]
    raw = path.read_bytes()
    return DataFile(relative, len(raw), hashlib.sha256(raw).hexdigest(), counted)
