"""Parquet and XLSX files of other systems are read and never pass unmarked; what visibly hides is refused."""

from __future__ import annotations

import io
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from egress_review.checks.findings import VERDICTS, FindingCode, Verdict
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.tables.csv_form import RawTable
from egress_review.checks.tables.read_table import read_table
from egress_review.checks.tables.sniff import sniff
from onggi.file_forms import parquet_bytes, xlsx_bytes

COLUMNS, ROWS = ["w", "n"], [("a", 12), ("b", 30)]


def spreadsheet(**parts: str) -> bytes:
    """Ours, compressed as others do, with more parts."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(xlsx_bytes(COLUMNS, ROWS))) as ours,
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as made,
    ):
        for name, text in parts.items():
            made.writestr(name.replace("__", "/") + ".xml", text)
        for name in ours.namelist():
            made.writestr(name, ours.read(name))
    return out.getvalue()


def parquet(key: str) -> bytes:
    out = io.BytesIO()
    table = pa.table({"w": ["a", "b"], "n": [12, 30]})
    pq.write_table(table.replace_schema_metadata({key: "{}"}), out)
    return out.getvalue()


def read(content: bytes, *, own_form: bool) -> RawTable:
    return read_table(content, sniff("t", content).file_type, 100, own_form=own_form)


@pytest.mark.parametrize("content", [spreadsheet(docProps__app="<x/>"), parquet("pandas")])
def test_another_programs_file_is_read_and_marked(content: bytes) -> None:
    table = read(content, own_form=False)
    assert (table.columns, table.rows) == (("w", "n"), (("a", "12"), ("b", "30")))
    assert table.foreign
    assert VERDICTS[FindingCode.FILE_MAY_CARRY_MORE] is Verdict.REVIEW
    with pytest.raises(CheckStopped):
        read(content, own_form=True)


@pytest.mark.parametrize("content", [xlsx_bytes(COLUMNS, ROWS), parquet_bytes(COLUMNS, ROWS)])
def test_a_file_in_our_form_is_not_marked(content: bytes) -> None:
    assert not read(content, own_form=False).foreign


@pytest.mark.parametrize(
    "content",
    [spreadsheet(xl__worksheets__sheet2="<x/>"), spreadsheet(xl__comments1="<x/>"), parquet("note")],
)
def test_what_shows_that_it_hides_is_refused(content: bytes) -> None:
    with pytest.raises(CheckStopped) as stopped:
        read(content, own_form=False)
    assert stopped.value.finding.code is FindingCode.HIDDEN_DATA
