"""How a data-set version comes to lie in a folder: Parquet by bucket, a manifest, and all or nothing.

Guarantees: the folder appears under its name only when every file and the manifest are written and on the
disk; the same rows give the same bytes under the same pyarrow, since no time, path or library metadata is
put in.
"""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hub.data.bucketing import bucket_array
from onggi import words
from onggi.errors import Conflict, Unavailable
from onggi.manifest import MANIFEST_FILE, Column, DataFile, Manifest, Table
from onggi.reasons import Reason

ARROW_TYPES = {
    "bool": pa.bool_(),
    "date": pa.date32(),
    "float64": pa.float64(),
    "int32": pa.int32(),
    "int64": pa.int64(),
    "string": pa.string(),
    "timestamp": pa.timestamp("us"),
}
_ROW_GROUP_ROWS = 256 * 1024
_BLOCK = 1024 * 1024


@contextmanager
def new_folder(out: Path) -> Iterator[Path]:
    """A staging folder beside `out` that becomes `out` if the block ends well, and nothing otherwise.

    Raises:
        Conflict: `out` exists.
        Unavailable: the disk is full.
    """
    if out.exists():
        raise Conflict(Reason.FILE_EXISTS, name=out)
    _sweep(out)
    staging = out.parent / f".{out.name}.{os.getpid()}.partial"
    try:
        staging.mkdir(parents=True)
        yield staging
        _sync(staging)
        staging.rename(out)
        _sync(out.parent)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Unavailable(Reason.DISK_FULL, path=out) from None
        raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)


def _sweep(out: Path) -> None:
    """Remove what builders left beside `out` that were killed; one that still runs keeps its own."""
    for left in out.parent.glob(f".{out.name}.*.partial"):
        pid = left.suffixes[-2].removeprefix(".")
        if not Path("/proc", pid).exists():
            shutil.rmtree(left, ignore_errors=True)


def write_bucketed(folder: Path, table: str, rows: Any, units: Any, buckets: int) -> list[DataFile]:
    """Write an Arrow table that fits into memory, split by the bucket of `units`, one unit for each row."""
    numbers = bucket_array(units, buckets)
    return [
        write_bucket(folder, table, bucket, rows.filter(pc.equal(numbers, pa.scalar(bucket, pa.uint64()))))
        for bucket in range(buckets)
    ]


def write_bucket(folder: Path, table: str, bucket: int, rows: Any) -> DataFile:
    """Write one bucket's rows of a table, an Arrow table, and say what was written."""
    relative = f"{table}/bucket={bucket:03d}/part-0.parquet"
    path = folder / relative
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(
        rows.replace_schema_metadata(None),
        path,
        compression="zstd",
        row_group_size=_ROW_GROUP_ROWS,
        store_schema=False,
    )
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
        os.fsync(file.fileno())
    path.chmod(0o444)
    return DataFile(relative, path.stat().st_size, digest.hexdigest(), rows.num_rows)


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write `manifest.json`, whose bytes are the canonical ones."""
    path = folder / MANIFEST_FILE
    with path.open("xb") as file:
        file.write(manifest.canonical())
        file.flush()
        os.fsync(file.fileno())
    path.chmod(0o444)


def described(dataset: str, columns: Sequence[tuple[str, str]], table: str) -> tuple[Column, ...]:
    """Columns given as (name, type), with their descriptions from the catalogues.

    The key is `data.<dataset>_<table>_<column>`, or `data.<dataset>_<column>` where tables share a meaning.
    """
    return tuple(Column(name, kind, _sentences(dataset, table, name)) for name, kind in columns)


def sentence(name: str, **params: object) -> dict[str, str]:
    """The sentence `data.<name>` in every language."""
    return {language: words.say(language, f"data.{name}", **params) for language in words.LANGUAGES}


def _sentences(dataset: str, table: str, column: str) -> dict[str, str]:
    own, shared = f"{dataset}_{table}_{column}", f"{dataset}_{column}"
    return sentence(own if f"data.{own}" in words.catalogue("en") else shared)


def arrow_schema(columns: Sequence[tuple[str, str]]) -> Any:
    """The Arrow schema of columns given as (name, type)."""
    return pa.schema([(name, ARROW_TYPES[kind]) for name, kind in columns])


def as_table(dataset: str, name: str, columns: Sequence[tuple[str, str]], files: Sequence[DataFile]) -> Table:
    """The manifest's entry of a table from what was written."""
    return Table(name, sum(file.rows for file in files), described(dataset, columns, name), tuple(files))


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
