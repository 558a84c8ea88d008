"""The one form of a Parquet and of an XLSX table: the same values always give the same bytes.

The gate reads the values of a submitted file, writes them again by these functions and compares the bytes:
whatever else a file of these kinds can carry (metadata, other sheets, comments, formulas, spare pages,
styles, the time of writing) would make them differ. Both sides run the same version of pyarrow; XLSX is
written here.

A column whose values are of one kind (truth value, whole number, double, date, timestamp) keeps it; any other
column is text. Spreadsheets hold whole numbers up to 2^53 exactly; larger ones, dates, and what is not finite
are text there.
"""

from __future__ import annotations

import html
import io
import math
import zipfile
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from onggi.errors import Invalid
from onggi.reasons import Reason
from onggi.table_form import Row, format_value

MAX_SHEET_ROWS = 1_048_576
_EXACT = 2**53
_INT64 = 2**63
_NAMESPACE = "http://schemas.openxmlformats.org"
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_NAMESPACE}/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        '<Override PartName="/xl/workbook.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
        '<Override PartName="/xl/worksheets/sheet1.xml" ContentType="application/'
        'vnd.openxmlformats-officedocument.spreadsheetml.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_NAMESPACE}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{_NAMESPACE}/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
        "</Relationships>"
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_NAMESPACE}/spreadsheetml/2006/main" '
        f'xmlns:r="{_NAMESPACE}/officeDocument/2006/relationships">'
        '<sheets><sheet name="table" sheetId="1" r:id="rId1"/></sheets></workbook>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_NAMESPACE}/package/2006/relationships"><Relationship Id="rId1" '
        f'Type="{_NAMESPACE}/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
        "</Relationships>"
    ),
}
XLSX_PARTS = (*_PARTS, "xl/worksheets/sheet1.xml")
"""The parts of a spreadsheet of ours, in order."""


def parquet_bytes(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """The bytes of a Parquet table: one row group, no metadata, plain pages without compression.

    Raises:
        Invalid: a value has no form.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    arrays = [_array([row[at] for row in rows]) for at in range(len(columns))]
    sink = pa.BufferOutputStream()
    pq.write_table(
        pa.table(arrays, names=list(columns)),
        sink,
        compression="none",
        row_group_size=max(1, len(rows)),
        store_schema=False,
        use_dictionary=False,
        version="2.6",
        write_statistics=False,
    )
    return bytes(sink.getvalue().to_pybytes())


def _array(values: Sequence[Any]) -> Any:
    import pyarrow as pa

    kinds = {type(value) for value in values if value is not None}
    small = all(abs(value) < _INT64 for value in values if isinstance(value, int))
    types = {
        bool: pa.bool_(),
        int: pa.int64(),
        float: pa.float64(),
        date: pa.date32(),
        datetime: pa.timestamp("us"),
    }
    if len(kinds) == 1 and small:
        kind = next(iter(kinds))
        aware = any(value.tzinfo is not None for value in values if isinstance(value, datetime))
        if kind in types and not aware:
            return pa.array(values, types[kind])
    return pa.array([None if value is None else plain_text(value) for value in values], pa.string())


def plain_text(value: Any) -> str:
    """A value as text without the quotes of CSV.

    Raises:
        Invalid: values of this type have no form.
    """
    return value if isinstance(value, str) else format_value(value)


def xlsx_bytes(columns: Sequence[str], rows: Sequence[Row]) -> bytes:
    """The bytes of a spreadsheet of one sheet: a header and rows, nothing compressed, no time of writing.

    Raises:
        Invalid: a value has no form, or there are more rows than a sheet holds.
    """
    if len(rows) >= MAX_SHEET_ROWS:
        raise Invalid(Reason.TABLE_TOO_LONG, limit=MAX_SHEET_ROWS - 1)
    lines = [_line(number, row) for number, row in enumerate([list(columns), *rows], start=1)]
    sheet = (
        f'<worksheet xmlns="{_NAMESPACE}/spreadsheetml/2006/main"><sheetData>{"".join(lines)}</sheetData>'
        "</worksheet>"
    )
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_STORED) as archive:
        for name, body in {**_PARTS, XLSX_PARTS[-1]: sheet}.items():
            part = zipfile.ZipInfo(name)
            part.create_system = 0
            archive.writestr(part, _HEAD + body)
    return written.getvalue()


def _line(number: int, row: Row) -> str:
    cells = [_cell(f"{_letters(at)}{number}", value) for at, value in enumerate(row)]
    return f'<row r="{number}">{"".join(cells)}</row>'


def _letters(at: int) -> str:
    name = ""
    at += 1
    while at:
        at, rest = divmod(at - 1, 26)
        name = chr(ord("A") + rest) + name
    return name


def _cell(place: str, value: Any) -> str:
    if value is None or value == "":
        return ""
    if isinstance(value, bool):
        return f'<c r="{place}" t="b"><v>{int(value)}</v></c>'
    if isinstance(value, float) and math.isfinite(value):
        return f'<c r="{place}"><v>{number_text(value)}</v></c>'
    if isinstance(value, int) and abs(value) <= _EXACT:
        return f'<c r="{place}"><v>{value}</v></c>'
    text = plain_text(value)
    if any(ord(sign) < ord(" ") and sign not in "\t\n" for sign in text):
        raise Invalid(Reason.FIELD_INVALID, field="table", value="control")
    shown = html.escape(text, quote=False)
    return f'<c r="{place}" t="inlineStr"><is><t xml:space="preserve">{shown}</t></is></c>'


def number_text(value: float) -> str:
    """A double as a spreadsheet shows it: without `.0`."""
    whole = value.is_integer() and abs(value) <= _EXACT
    return str(int(value)) if whole else repr(value)
