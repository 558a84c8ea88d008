"""Reads a submitted table of any form into raw fields, or says why it cannot be read in one way only.

Guarantees: a Parquet or XLSX file goes on only if writing its values again, in the one form of
`onggi.file_forms`, gives its very bytes. So it holds the values that are compared with the source and nothing
else: no hidden sheet, comment, formula, metadata, spare page or time of writing. Another system's file has
another form; it goes on marked `foreign`, which no verdict of pass survives, unless it shows that it hides.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.tables.csv_form import MAX_COLUMNS, RawTable, read_csv
from egress_review.checks.tables.sniff import has_hidden
from onggi.errors import Invalid
from onggi.file_forms import XLSX_PARTS, number_text, parquet_bytes, xlsx_bytes
from onggi.table_form import format_value

_HIDING = (
    "comment",
    "vba",
    "externallink",
    "embedding",
    "drawing",
    "media",
    "customxml",
    "docprops",
    "activex",
)
_PLAIN_PARTS = frozenset(
    {
        *XLSX_PARTS,
        "docProps/app.xml",
        "docProps/core.xml",
        "xl/sharedStrings.xml",
        "xl/styles.xml",
        "xl/theme/theme1.xml",
    }
)
"""Parts of a spreadsheet of one sheet, as other programs write them."""


def read_table(content: bytes, file_type: str, most_rows: int, *, own_form: bool = True) -> RawTable:
    """The table in a file that `sniff` let through.

    Args:
        file_type: one of `sniff.TABLES`.
        own_form: whether the file must be as `onggi.table` writes it.

    Raises:
        CheckStopped: `csv_unreadable`, `file_not_canonical`, `hidden_data` or `too_many_cells`.
    """
    if file_type == "parquet":
        return _parquet(content, most_rows, own_form=own_form)
    if file_type == "xlsx":
        return _xlsx(content, most_rows, own_form=own_form)
    return read_csv(content.decode("utf-8"), most_rows, own_form=own_form)


def _parquet(content: bytes, most_rows: int, *, own_form: bool) -> RawTable:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = pq.ParquetFile(pa.BufferReader(content))
        if file.metadata.num_rows > most_rows:
            raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=most_rows)
        columns = [str(name) for name in file.schema_arrow.names]
        if len(columns) > MAX_COLUMNS or len(set(columns)) != len(columns) or not all(columns):
            raise CheckStopped(FindingCode.FILE_NOT_CANONICAL, type="parquet", part="header")
        read = file.read()
    except (pa.ArrowException, OSError, ValueError):
        raise CheckStopped(FindingCode.FILE_NOT_CANONICAL, type="parquet", part="file") from None
    rows = [tuple(row.values()) for row in read.to_pylist()] if columns else []
    if read.schema.metadata and (own_form or set(read.schema.metadata) != {b"pandas"}):
        raise CheckStopped(FindingCode.HIDDEN_DATA, part="metadata")
    return _held(content, columns, rows, "parquet", own_form=own_form)


def _xlsx(content: bytes, most_rows: int, *, own_form: bool) -> RawTable:
    from python_calamine import CalamineWorkbook

    _hold_parts(content, own_form=own_form)
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(content))
        values = book.get_sheet_by_index(0).to_python(skip_empty_area=False)
    except Exception:  # noqa: BLE001 - a parser of hostile files; whatever it says, the file is not ours
        raise CheckStopped(FindingCode.FILE_NOT_CANONICAL, type="xlsx", part="file") from None
    if len(values) > most_rows + 1:
        raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=most_rows)
    columns = [str(name) for name in (values[0] if values else [])]
    if not columns or len(columns) > MAX_COLUMNS or len(set(columns)) != len(columns) or not all(columns):
        raise CheckStopped(FindingCode.FILE_NOT_CANONICAL, type="xlsx", part="header")
    rows = [tuple(None if value == "" else value for value in row) for row in values[1:]]
    return _held(content, columns, rows, "xlsx", own_form=own_form)


def _hold_parts(content: bytes, *, own_form: bool) -> None:
    """Go on if the archive has exactly the parts of ours, none compressed; or those of one plain sheet."""
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError, NotImplementedError):
        raise CheckStopped(FindingCode.FILE_NOT_CANONICAL, type="xlsx", part="file") from None
    names = [one.filename for one in parts]
    for name in names:
        if not own_form and name in _PLAIN_PARTS:
            continue
        known = name.lower()
        another = known.startswith("xl/worksheets/sheet") and known != XLSX_PARTS[-1]
        if another or any(word in known for word in _HIDING):
            raise CheckStopped(FindingCode.HIDDEN_DATA, part=name)
    if not own_form and len(set(names)) == len(names) and _PLAIN_PARTS >= set(names) >= set(XLSX_PARTS):
        return
    if names != list(XLSX_PARTS) or any(one.compress_type != zipfile.ZIP_STORED for one in parts):
        raise CheckStopped(FindingCode.FILE_NOT_CANONICAL, type="xlsx", part="parts")


def _held(
    content: bytes, columns: list[str], rows: list[tuple[Any, ...]], file_type: str, *, own_form: bool
) -> RawTable:
    """The raw fields, if these values give these bytes or may give others."""
    if has_hidden("".join(columns)):
        raise CheckStopped(FindingCode.HIDDEN_CHARACTERS)
    write = parquet_bytes if file_type == "parquet" else xlsx_bytes
    try:
        again = write(columns, rows)
        fields = tuple(tuple(_field(value, file_type) for value in row) for row in rows)
    except Invalid:
        raise CheckStopped(FindingCode.FILE_NOT_CANONICAL, type=file_type, part="values") from None
    if again != content and own_form:
        raise CheckStopped(FindingCode.FILE_NOT_CANONICAL, type=file_type, part="bytes")
    return RawTable(tuple(columns), fields, canonical=True, form=file_type, foreign=again != content)


def _field(value: Any, file_type: str) -> str:
    if file_type == "xlsx" and isinstance(value, float) and value == value:  # noqa: PLR0124 - not NaN
        return number_text(value)
    return format_value(value)
