"""The full check of a data-set folder: the bytes are the manifest's, and the manifest is true of the
bytes.

`onggi.manifest.verify_files` proves the first half cheaply, before every use. This proves the second half
once, when a data set is built or taken in: columns and types, rows of each file, and that each row lies in
its unit's bucket, on which every sum over buckets rests.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hub.data import folder
from hub.data.bucketing import HASH_NAME, bucket_array
from onggi.errors import Invalid
from onggi.manifest import Manifest, Table, read_manifest, verify_files
from onggi.reasons import Reason


def verify(place: Path) -> Manifest:
    """Check the data set in the folder `place` and give its manifest.

    Raises:
        NotFound: there is no manifest.
        Invalid: the manifest is malformed, or says of a file what is not so.
        Tampered: a file is missing, changed, or not listed.
    """
    manifest = read_manifest(place)
    if manifest.hash != HASH_NAME:
        raise Invalid(Reason.FIELD_INVALID, field="hash", value=manifest.hash)
    verify_files(manifest, place)
    for table in manifest.tables:
        schema = folder.arrow_schema([(column.name, column.type) for column in table.columns])
        _check_table(manifest, table, place, schema)
    return manifest


def _check_table(manifest: Manifest, table: Table, place: Path, schema: Any) -> None:
    for file in table.files:
        with pq.ParquetFile(place / file.path) as parquet:
            if parquet.schema_arrow.remove_metadata() != schema:
                raise _untrue(f"{table.name}.columns", file.path)
            if parquet.metadata.num_rows != file.rows:
                raise _untrue(f"{table.name}.rows", file.path)
            number = int(file.path.split("bucket=")[1].split("/")[0])
            for batch in parquet.iter_batches(columns=[manifest.unit_column]):
                buckets = bucket_array(batch.column(0), manifest.buckets)
                if not pc.all(pc.equal(buckets, pa.scalar(number, pa.uint64())), skip_nulls=False).as_py():
                    raise _untrue(f"{table.name}.bucket", file.path)


def _untrue(field: str, value: str) -> Invalid:
    return Invalid(Reason.FIELD_INVALID, field=field, value=value)
