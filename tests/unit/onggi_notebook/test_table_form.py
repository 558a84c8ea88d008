import csv
import io
import math
import random
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.errors import Invalid
from onggi.table_form import csv_bytes, format_value, order_rows, schema_name, view_statements
from tests.support.small_dataset import write_small


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        ("", '""'),
        ("가", "가"),
        ("a,b", '"a,b"'),
        ('say "hi"', '"say ""hi"""'),
        ("two\nlines", '"two\nlines"'),
        ("cr\r", '"cr\r"'),
        (True, "true"),
        (False, "false"),
        (2**70, "1180591620717411303424"),
        (0.1, "0.1"),
        (3.0, "3.0"),
        (-0.0, "0.0"),
        (1e300, "1e+300"),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (Decimal("1.50"), "1.50"),
        (Decimal("1E+3"), "1000"),
        (date(2026, 11, 21), "2026-11-21"),
        (datetime(2026, 11, 21, 9, 30), "2026-11-21T09:30:00"),  # noqa: DTZ001 - SQL's TIMESTAMP has no zone
        (datetime(2026, 11, 21, 9, 30, 0, 500_000), "2026-11-21T09:30:00.500000"),  # noqa: DTZ001 - as above
    ],
)
def test_each_kind_of_value_has_one_text(value: Any, text: str) -> None:
    assert format_value(value) == text


@pytest.mark.parametrize("value", [[1], {"a": 1}, b"x", timedelta(1), datetime(2026, 11, 21, tzinfo=UTC)])
def test_what_has_no_form_is_refused(value: Any) -> None:
    with pytest.raises(Invalid):
        format_value(value)


def test_rows_have_one_order() -> None:
    rows: list[tuple[Any, ...]] = [
        ("b", 1.0),
        ("a", None),
        ("a", math.nan),
        ("a", -2.0),
        (None, 0.0),
        ("가", 1.0),
        ("Z", 9.0),
    ]
    expected = csv_bytes(["k", "v"], rows)
    assert expected.decode() == "k,v\nZ,9.0\na,-2.0\na,NaN\na,\nb,1.0\n가,1.0\n,0.0\n"
    for seed in range(20):
        random.Random(seed).shuffle(rows)
        assert csv_bytes(["k", "v"], rows) == expected


def test_a_lone_missing_value_is_no_empty_line() -> None:
    assert csv_bytes(["a"], [(None,), (1,)]) == b'a\n1\n""\n'


@pytest.mark.parametrize("columns", [["a", "a"], ["a", ""]])
def test_columns_need_names_of_their_own(columns: list[str]) -> None:
    with pytest.raises(Invalid):
        csv_bytes(columns, [(1, 2)])


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=10)


@given(st.lists(st.tuples(texts, texts), max_size=8))
def test_texts_read_back(rows: list[tuple[str, str]]) -> None:
    raw = csv_bytes(["a", "b"], rows).decode("utf-8")
    read = list(csv.reader(io.StringIO(raw, newline=""), lineterminator="\n", strict=True))
    assert read == [["a", "b"], *([one, two] for one, two in order_rows(rows))]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_fractions_read_back_to_the_last_bit(value: float) -> None:
    assert float(format_value(value)) == value


ROWS = [(number, number % 3, "가", 0.5, None, date(2000, 1, 1)) for number in range(30)]


def test_views_show_the_manifest_and_nothing_else(tmp_path: Path) -> None:
    one = write_small(tmp_path / "it's" / "1", ROWS)
    two = write_small(tmp_path / "two" / "1", ROWS[:7], name="other")
    with duckdb.connect() as database:
        for statement in view_statements([(one, tmp_path / "it's" / "1"), (two, tmp_path / "two" / "1")]):
            database.execute(statement)
        described = database.execute("DESCRIBE small_set.things").fetchall()
        assert [row[0] for row in described] == [column.name for column in one.tables[0].columns]
        assert database.execute("SELECT count(*) FROM small_set.things").fetchall() == [(30,)]
        assert database.execute("SELECT count(*) FROM other.things").fetchall() == [(7,)]
        with pytest.raises(duckdb.CatalogException):
            database.execute("SELECT * FROM things")


def test_an_unambiguous_table_needs_no_schema(tmp_path: Path) -> None:
    manifest = write_small(tmp_path / "1", ROWS)
    (tmp_path / "1" / "things" / "bucket=000" / "part-9.parquet").write_bytes(b"slipped in")
    with duckdb.connect() as database:
        for statement in view_statements([(manifest, tmp_path / "1")]):
            database.execute(statement)
        assert database.execute("SELECT count(*), sum(visits) FROM things").fetchall() == [(30, 30)]


def test_schema_names_differ_as_dataset_names_do() -> None:
    assert schema_name("a-b") == "a_b"
