# ruff: noqa: E501 - queries read best on one line
"""Tables in every form that may leave: long and wide, CSV, Parquet and XLSX, suppressed, rounded, with margins."""

from __future__ import annotations

import hashlib
import io
import zipfile
from collections.abc import Callable, Sequence
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.report import OutputReport
from onggi.file_forms import parquet_bytes, xlsx_bytes
from onggi.table_form import csv_bytes, order_rows, view_statements
from tests.support.check_tables import Made, Source

Checker = Callable[..., OutputReport]
WRITE = {"csv": csv_bytes, "parquet": parquet_bytes, "xlsx": xlsx_bytes}
BY_SEX = "SELECT sex, COUNT(DISTINCT person_id) AS n, AVG(cost) AS mean, MAX(age) AS oldest FROM small.person GROUP BY sex"
CROSS = "SELECT sex, ward, COUNT(DISTINCT p.person_id) AS n FROM small.person p JOIN small.visit v USING (person_id) WHERE ward <> 'A' GROUP BY sex, ward"


def codes(report: OutputReport) -> set[Code]:
    return {one.code for one in report.findings}


def rows_of(source: Source, sql: str) -> tuple[list[str], list[tuple[Any, ...]]]:
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        for statement in view_statements([(source.manifest, source.folder)]):
            database.execute(statement)
        found = database.execute(sql)
        return [one[0] for one in found.description or []], [
            tuple(row) for row in order_rows(found.fetchall())
        ]


def made(source: Source, sql: str, body: bytes, columns: Sequence[str], **said: object) -> Made:
    plain = source.made(sql, body, columns)
    return Made(body, {**plain.claim, **said})


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_a_table_is_proven_in_every_form(form: str, source: Source, checked: Checker) -> None:
    columns, rows = rows_of(source, BY_SEX)
    body = WRITE[form](columns, rows)
    report = checked(made(source, BY_SEX, body, columns, format=form), name=f"table.{form}")
    assert Code.RECOMPUTED in codes(report), report.findings
    assert report.file_type == form
    wrong = WRITE[form](columns, [(*rows[0][:1], rows[0][1] + 1, *rows[0][2:]), *rows[1:]])
    assert Code.VALUE_DIFFERS in codes(checked(made(source, BY_SEX, wrong, columns), name=f"table.{form}"))


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_a_count_above_2_to_the_53_is_exact_in_every_form(
    form: str, source: Source, checked: Checker
) -> None:
    sql = "SELECT sex, SUM(big) AS s FROM small.person GROUP BY sex"
    columns, rows = rows_of(source, sql)
    rows = [(sex, int(total)) for sex, total in rows]
    report = checked(made(source, sql, WRITE[form](columns, rows), columns), name=f"table.{form}")
    # A spreadsheet cannot hold it as a number, so it stands there as text.
    assert Code.RECOMPUTED in codes(report), report.findings
    off = [(sex, total - 1) for sex, total in rows]
    assert Code.VALUE_DIFFERS in codes(
        checked(made(source, sql, WRITE[form](columns, off), columns), name=f"table.{form}")
    )


def hidden_in_parquet(columns: list[str], rows: list[tuple[Any, ...]]) -> dict[str, bytes]:
    table = pq.read_table(pa.BufferReader(parquet_bytes(columns, rows)))

    def write(table: pa.Table, **options: Any) -> bytes:
        sink = pa.BufferOutputStream()
        pq.write_table(table, sink, **options)
        return bytes(sink.getvalue().to_pybytes())

    plain = parquet_bytes(columns, rows)
    return {
        "metadata": write(table.replace_schema_metadata({"note": "patient 12"})),
        "field": write(
            pa.table(
                table.columns,
                pa.schema([field.with_metadata({"note": "patient 12"}) for field in table.schema]),
            )
        ),
        "row groups": write(
            table,
            row_group_size=1,
            compression="none",
            store_schema=False,
            use_dictionary=False,
            write_statistics=False,
        ),
        "compressed": write(table),
        "between": plain[:4] + b"patient 12" + plain[4:],
        "behind": plain + b"patient 12",
        "type": write(
            table.set_column(1, columns[1], table.column(1).cast("int32")),
            compression="none",
            store_schema=False,
        ),
    }


def test_nothing_else_travels_in_a_parquet_file(source: Source, checked: Checker) -> None:
    columns, rows = rows_of(source, BY_SEX)
    for what, body in hidden_in_parquet(columns, rows).items():
        report = checked(made(source, BY_SEX, body, columns), name="table.parquet")
        assert report.verdict in {Verdict.BLOCK, Verdict.NOT_PROVEN}, what
        assert codes(report) <= {Code.FILE_NOT_CANONICAL, Code.HIDDEN_DATA}, (what, report.findings)


def rewritten(
    body: bytes,
    change: Callable[[str, bytes], bytes],
    more: dict[str, bytes] | None = None,
    compression: int = zipfile.ZIP_STORED,
) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(body)) as old, zipfile.ZipFile(written, "w") as new:
        parts = {name: change(name, old.read(name)) for name in old.namelist()} | (more or {})
        for name, part in parts.items():
            new.writestr(zipfile.ZipInfo(name), part, compression)
    return written.getvalue()


def hidden_in_xlsx(body: bytes) -> dict[str, bytes]:
    sheets = b'<sheet name="table" sheetId="1" r:id="rId1"/>'
    row = b"<row r="
    return {
        "properties": rewritten(
            body, lambda _, part: part, {"docProps/core.xml": b"<creator>patient 12</creator>"}
        ),
        "compressed": rewritten(body, lambda _, part: part, compression=zipfile.ZIP_DEFLATED),
        "styles": rewritten(body, lambda _, part: part, {"xl/styles.xml": b"<styleSheet/>"}),
        "comment": rewritten(body, lambda _, part: part, {"xl/comments1.xml": b"<comments/>"}),
        "sheet": rewritten(body, lambda _, part: part, {"xl/worksheets/sheet2.xml": b"<worksheet/>"}),
        "hidden": rewritten(
            body, lambda _, part: part.replace(sheets, sheets.replace(b"/>", b' state="hidden"/>'))
        ),
        "row": rewritten(body, lambda _, part: part.replace(row, b'<row hidden="1" r=')),
        "formula": rewritten(body, lambda _, part: part.replace(b"<v>", b"<f>1+1</f><v>", 1)),
        "xml comment": rewritten(
            body, lambda _, part: part.replace(b"<sheetData>", b"<sheetData><!--patient 12-->")
        ),
        "behind": body + b"patient 12",
        "before": b"PK\x03\x04patient 12" + body,
        "zip comment": body[:-2] + b"\x0a\x00patient 12",
    }


def test_nothing_else_travels_in_a_spreadsheet(source: Source, checked: Checker) -> None:
    columns, rows = rows_of(source, BY_SEX)
    body = xlsx_bytes(columns, rows)
    for what, changed in hidden_in_xlsx(body).items():
        assert changed != body, what
        report = checked(made(source, BY_SEX, changed, columns), name="table.xlsx")
        assert report.verdict in {Verdict.BLOCK, Verdict.NOT_PROVEN}, what
        assert Code.RECOMPUTED not in codes(report), what


WIDE = "sex,B,C\nF,20,5\nM,20,4\n"


def wide(source: Source, body: str, **said: object) -> Made:
    return made(source, CROSS, body.encode(), ["sex", "ward", "n"], wide="ward", **said)


def test_a_wide_table_is_read_cell_by_cell(source: Source, checked: Checker) -> None:
    report = checked(wide(source, WIDE))
    assert {(cell.key["sex"], cell.key["ward"], cell.value) for cell in report.cells} == {
        ("F", "B", "20"), ("M", "B", "20"), ("F", "C", "5"), ("M", "C", "4"),
    }  # fmt: skip
    assert Code.RECOMPUTED in codes(report)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("F,20,5", "F,20,6", Code.VALUE_DIFFERS),
        ("B,C", "C,B", Code.HEADER_DIFFERS),
        ("M,20,4\n", "", Code.ROW_MISSING),
        ("M,20,4\n", "M,20,4\nX,20,4\n", Code.ROW_EXTRA),
        ("M,20,4\n", "M,20,4\nM,20,4\n", Code.ROW_DUPLICATE),
        ("F,20,5\nM,20,4\n", "M,20,4\nF,20,5\n", Code.ROW_ORDER_DIFFERS),
        ("F,20,5", "F,20,", Code.VALUE_DIFFERS),
    ],
)
def test_a_wide_table_that_was_edited_is_found_out(
    old: str, new: str, code: Code, source: Source, checked: Checker
) -> None:
    assert old in WIDE
    report = checked(wide(source, WIDE.replace(old, new)))
    assert code in codes(report), report.findings
    assert code is Code.ROW_ORDER_DIFFERS or Code.RECOMPUTED not in codes(report)


def test_where_nobody_is_nothing_may_stand(source: Source, checked: Checker) -> None:
    sql = CROSS.replace(" WHERE ward <> 'A'", "")
    body = "sex,A,B,C\nF,,20,5\nM,1,20,4\n"
    said = {"columns": ["sex", "ward", "n"], "wide": "ward"}
    assert Code.RECOMPUTED in codes(checked(made(source, sql, body.encode(), **said)))
    extra = checked(made(source, sql, body.replace("F,,", "F,77,").encode(), **said))
    assert [one.cell for one in extra.findings if one.code is Code.ROW_EXTRA] == [{"sex": "F", "ward": "A"}]
    assert Code.RECOMPUTED not in codes(extra)


def test_a_suppressed_cell_is_handed_on_as_one(source: Source, checked: Checker) -> None:
    report = checked(wide(source, WIDE.replace(",5", ",<10").replace(",4", ",<10"), suppressed=["<10"]))
    assert {Code.RECOMPUTED, Code.SUPPRESSED_NEEDED} <= codes(report), report.findings
    assert {cell.value for cell in report.cells if cell.suppressed} == {"<10"}


@pytest.mark.parametrize(
    ("body", "marks", "code"),
    [
        (WIDE.replace(",5", ",* 5"), ["*"], Code.SUPPRESSED_SHOWS_NUMBER),
        (WIDE.replace(",5", ",5*"), ["*"], Code.SUPPRESSED_SHOWS_NUMBER),
        (WIDE.replace(",5", ",<10"), [], Code.VALUE_DIFFERS),
        (WIDE.replace(",20,", ",<10,"), ["<10"], Code.VALUE_DIFFERS),
        (WIDE.replace(",5", ",*").replace(",4", ",c"), ["*", "c"], Code.MARKS_DIFFER),
        (WIDE.replace(",5", ",5"), ["*"], None),
        (WIDE.replace(",5", ","), [""], None),
    ],
)
def test_a_mark_says_the_truth_and_nothing_more(
    body: str, marks: list[str], code: Code | None, source: Source, checked: Checker
) -> None:
    report = checked(wide(source, body, suppressed=marks))
    if code is None:
        assert Code.RECOMPUTED in codes(report), report.findings
    else:
        assert code in codes(report), report.findings
        assert report.verdict is not Verdict.PASS


def test_rounding_is_verified_on_the_bytes(source: Source, checked: Checker) -> None:
    said = {"method": "midpoint6", "base": 6}
    rounded = wide(source, "sex,B,C\nF,21,3\nM,21,3\n", rounding=said)
    assert Code.RECOMPUTED in codes(checked(rounded))
    report = checked(wide(source, "sex,B,C\nF,20,3\nM,21,3\n", rounding=said))
    assert Code.ROUNDING_NOT_DONE in codes(report)
    assert report.verdict is Verdict.BLOCK
    assert Code.VALUE_DIFFERS in codes(checked(wide(source, "sex,B,C\nF,27,3\nM,21,3\n", rounding=said)))


MARGINS = "SELECT region, COUNT(DISTINCT person_id) AS n FROM small.person GROUP BY ROLLUP (region)"


def test_a_margin_beside_a_missing_value_needs_a_label(source: Source, checked: Checker) -> None:
    columns, rows = rows_of(source, MARGINS)
    body = csv_bytes(columns, rows)
    assert codes(checked(made(source, MARGINS, body, columns))) == {Code.MARGIN_AMBIGUOUS}
    labelled = body.replace(b",600\n", b"total,600\n")
    assert labelled != body
    # The order is that of the values: a margin stands where NULL does.
    report = checked(made(source, MARGINS, labelled, columns, margin="total"))
    assert {Code.RECOMPUTED} <= codes(report), report.findings
    assert {cell.key["region"]: cell.value for cell in report.cells}["total"] == "600"
    taken = checked(made(source, MARGINS, body.replace(b",600\n", b"other,600\n"), columns, margin="other"))
    assert codes(taken) == {Code.MARGIN_AMBIGUOUS}


def test_a_hash_is_of_these_bytes(source: Source) -> None:
    assert wide(source, WIDE).claim["output_sha256"] == hashlib.sha256(WIDE.encode()).hexdigest()


@pytest.mark.parametrize("encoding", ["cp949", "utf-16", "utf-8-sig", "euc-kr"])
def test_another_encoding_is_never_misread(encoding: str, source: Source, checked: Checker) -> None:
    sql = "SELECT region, COUNT(*) AS n FROM small.person GROUP BY region"
    columns, rows = rows_of(source, sql)
    body = csv_bytes(columns, rows).decode().encode(encoding)
    report = checked(made(source, sql, body, columns))
    assert report.verdict in {Verdict.BLOCK, Verdict.NOT_PROVEN}
    assert Code.RECOMPUTED not in codes(report)


@pytest.mark.parametrize(
    "body",
    [
        "sex;n\nF;300\nM;300\n", "sex\tn\nF\t300\nM\t300\n", ",sex,n\n0,F,300\n1,M,300\n", "F,300\nM,300\n", "sex,n,n\nF,300,300\nM,300,300\n",
        'sex,n\nF,"300,0"\nM,"300,0"\n', 'sex,n\nF,"3,00"\nM,300\n', "sex,n\nF,300%\nM,300%\n", "sex,n\nF,3e2\nM,300\n", "sex,n\r\nF,300\r\nM,300\r\n",
        "sex,n\nF,300\nM,300", "sex,n\n F,300\nM,300\n", "sex,n\nF,３００\nM,300\n", "# comment\nsex,n\nF,300\nM,300\n",
    ],
)  # fmt: skip
def test_a_file_that_could_be_misread_is_never_proven(body: str, source: Source, checked: Checker) -> None:
    sql = "SELECT sex, COUNT(*) AS n FROM small.person GROUP BY sex"
    assert checked(source.made(sql, body.encode(), ["sex", "n"])).verdict in {
        Verdict.BLOCK,
        Verdict.NOT_PROVEN,
    }
