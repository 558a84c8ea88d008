"""`onggi.table`: a result table and its claim, side by side, so that the gate can compute it again."""

from __future__ import annotations

import errno
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from onggi.claim import Claim, Format, Scalar, claim_file
from onggi.clock import SystemClock, to_text
from onggi.errors import Invalid, Unavailable
from onggi.file_forms import parquet_bytes, xlsx_bytes
from onggi.manifest import Manifest, Table
from onggi.notebook.builder import Built, Named, Parts, build, named
from onggi.notebook.catalogue import Dataset, granted
from onggi.notebook.crate import describe
from onggi.notebook.foreseen import warn_of
from onggi.notebook.query import datasets_in, one_version_each, run
from onggi.notebook.result import result_table
from onggi.notebook.shaping import label_margins, widen
from onggi.notebook.speech import speaking
from onggi.reasons import Reason
from onggi.table_form import Row, ordered_csv_bytes, schema_name

if TYPE_CHECKING:
    import pandas as pd

TOTAL = "total"
"""What stands in a key column where a margin sums over it."""
_WRITE = {Format.CSV: ordered_csv_bytes, Format.PARQUET: parquet_bytes, Format.XLSX: xlsx_bytes}
NO_FILE = "0" * 64
"""The SHA-256 of a claim whose file is not written yet."""


@speaking
def table(  # noqa: PLR0913 - a table is said in one call; all but two arguments have names
    sql: str | None = None,
    to: str | Path | None = None,
    parameters: Mapping[str, Scalar] | None = None,
    *,
    rows: Named = (),
    cols: Named = (),
    measures: Named = "persons",
    where: object = None,
    margins: bool | str = False,
    table: str | None = None,
    shape: str | None = None,
    versions: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Compute a table, write it to `to` and its claim beside it, and give it.

    Either `sql` says what, or `table` with `rows`, `cols`, `measures`, `where` and `margins`.

    Args:
        sql: one SELECT; tables are `nafld.person`, or `person` where only one data set has it.
        to: the file to write, ending in `.csv`, `.parquet` or `.xlsx`; an older one is replaced. Without it
            nothing is written.
        parameters: values of `$name` in the SQL.
        rows, cols: columns that name groups, or name → expression. `cols`, at most one, become columns.
        measures: `persons`, `rows`, `n(x)`, `sum(x)`, `mean(x)`, `median(x)`, `std(x)`, `q25(x)`, or SQL
            aggregates; or name → one of these.
        where: SQL, or conditions as for `onggi.read`.
        margins: whether totals are added, or what to call them.
        table: the table, or tables joined as SQL joins them.
        shape: `long` or `wide`; wide if there are `cols`.
        versions: of data sets, by name, where not the newest granted is meant.

    What the gate will certainly not prove about `sql` is said as a warning when there is a file to write.

    Raises:
        Invalid: not one SELECT, no data set in it, DuckDB refuses it (says why), or `to` ends otherwise.
        NotFound: a data set or version is not granted.
    """
    format_ = _format(to)
    available = one_version_each(granted(), versions or {})
    if (sql is None) == (table is None):
        raise Invalid(Reason.FIELD_INVALID, field="sql", value=str(table))
    values = dict(parameters or {})
    if sql is not None:
        used = datasets_in(sql, available)
        if to is not None:
            warn_of(sql)
        columns, found = run(sql, values, used)
        claim = _claim(sql, columns, values, used, format_)
        return _finish(to, columns, found, claim, used)
    label = (TOTAL if margins is True else margins) or ""
    used = datasets_in(f"SELECT 1 FROM {table}", available)  # noqa: S608 - the researcher's own SQL
    built, spread = _build(table or "", used, Parts(rows, cols, measures, where, bool(margins), shape))
    _, found = run(built.grouped, values, used)
    long = label_margins(found, built, label)
    names = [*built.keys, *built.measures]
    claim = replace(_claim(built.sql, names, values, used, format_), wide=spread, margin=label)
    header, shown = widen(long, built, spread, label) if spread else (names, long)
    return _finish(to, header, shown, claim, used)


def _format(to: str | Path | None) -> Format:
    if to is None:
        return Format.CSV
    ending = Path(to).suffix.removeprefix(".")
    if ending not in set(Format):
        endings = ", ".join(f".{one.value}" for one in Format)
        raise Invalid(Reason.FILE_FORM_UNKNOWN, name=Path(to).name, endings=endings)
    return Format(ending)


def _build(source: str, used: Sequence[Dataset], parts: Parts) -> tuple[Built, str]:
    """The query, and the key that becomes columns (or "")."""
    across = list(named(parts.cols, "cols"))
    wide = parts.shape == "wide" if parts.shape is not None else bool(across)
    if parts.shape not in {None, "long", "wide"} or len(across) > 1 or wide > bool(across):
        raise Invalid(Reason.FIELD_INVALID, field="cols", value=", ".join(across) or str(parts.shape))
    built = build(source, parts, used[0].manifest.unit_column, _table(source, used))
    return built, across[0] if wide else ""


def _table(source: str, used: Sequence[Dataset]) -> Table | None:
    """The table, where the source is one and not a join."""
    schema, _, name = source.strip().lower().rpartition(".")
    for one in used:
        if schema in {"", schema_name(one.name)} and name in one.tables:
            return one.manifest.table(name)
    return None


def _claim(
    sql: str, columns: Sequence[str], values: Mapping[str, Scalar], used: Sequence[Dataset], format_: Format
) -> Claim:
    return Claim(
        sql=sql,
        datasets=tuple((one.name, one.version) for one in used),
        columns=tuple(columns),
        created=to_text(SystemClock().now()),
        output_sha256=NO_FILE,
        parameters=values,
        format=format_,
    )


def _finish(
    to: str | Path | None, header: Sequence[str], rows: Sequence[Row], claim: Claim, used: Sequence[Dataset]
) -> pd.DataFrame:
    written = None if to is None else write(Path(to), header, rows, claim, [one.manifest for one in used])
    return result_table(header, rows, claim.sql, written)


def write(
    path: Path, header: Sequence[str], rows: Sequence[Row], claim: Claim, manifests: Sequence[Manifest]
) -> Claim:
    """Write a table, its claim beside it, and their entries in the folder's RO-Crate; give the claim.

    Args:
        rows: in the order of the file.
        claim: of the table; its format decides the form, its SHA-256 is filled in.

    Raises:
        Invalid: a value has no form, two columns have one name, or nothing can be written there.
        Unavailable: the disk is full.
    """
    content = _WRITE[claim.format](header, rows)
    whole = replace(claim, output_sha256=hashlib.sha256(content).hexdigest())
    try:
        _replace(path.with_name(claim_file(path.name)), whole.to_bytes())
        _replace(path, content)
        describe(path, len(content), whole, manifests)
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT}:
            raise Unavailable(Reason.DISK_FULL, path=path) from error
        raise Invalid(Reason.FILE_NOT_WRITABLE, name=path) from error
    return whole


def _replace(path: Path, content: bytes) -> None:
    """Write a file whole or not at all."""
    beside = path.with_name(f".{path.name}.part")
    beside.write_bytes(content)
    beside.replace(path)
