# ruff: noqa: E501 - rows and forms read best on one line
"""Queries put together at random, many of them after a person's number: none that is read prints one.

The persons and visits of these data have numbers that nothing else can be taken for.
"""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped
from onggi.claim import Claim
from onggi.manifest import Column, Manifest, Table

TEXT = {"en": "t", "ko": "t"}
ROWS = """
CREATE SCHEMA demo;
CREATE TABLE demo.person AS
  SELECT 777000000 + n AS person_id, chr((65 + n % 3)::INT) AS sex, 20 + n % 7 AS age, n % 5 AS cost FROM range(60) AS r(n);
CREATE TABLE demo.visit AS
  SELECT 555000000 + n AS visit_id, 777000000 + n % 70 AS person_id, chr((70 + n % 3)::INT) AS ward, n % 4 AS days
  FROM range(150) AS r(n);
"""
TABLES = {"person": ("person_id", "sex", "age", "cost"), "visit": ("visit_id", "person_id", "ward", "days")}
KINDS = {"sex": "string", "ward": "string"}
MANIFEST = Manifest(
    "demo", "1", TEXT, TEXT, True, "open", "c", "l", "s", "person_id", ("person_id", "visit_id"), None, 1, "none",
    tuple(
        Table(name, 0, tuple(Column(one, KINDS.get(one, "int64"), TEXT) for one in columns), ())
        for name, columns in TABLES.items()
    ),
)  # fmt: skip

COLUMN = st.sampled_from(
    ["person_id", "visit_id", "sex", "age", "cost", "ward", "days", "p.person_id", "x", "y"]
)
SCALAR = st.recursive(
    COLUMN | st.sampled_from(["1", "0", "7", "'a'", "NULL"]),
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%", "||", "=", ">", "<>"]), inner).map(
            lambda one: f"({one[0]} {one[1]} {one[2]})"
        ),
        inner.map(lambda one: f"abs({one})"),
        inner.map(lambda one: f"CAST({one} AS VARCHAR)"),
        inner.map(lambda one: f"left({one}, 12)"),
        inner.map(lambda one: f"({one} IS NULL)"),
        st.tuples(inner, inner, inner).map(lambda one: f"CASE WHEN {one[0]} THEN {one[1]} ELSE {one[2]} END"),
        st.tuples(inner, inner).map(lambda one: f"coalesce({one[0]}, {one[1]})"),
        st.tuples(inner, inner).map(lambda one: f"greatest({one[0]}, {one[1]})"),
    ),
    max_leaves=4,
)
AGGREGATE = st.one_of(
    st.just("COUNT(*)"),
    st.tuples(st.sampled_from(["COUNT", "SUM", "AVG", "MIN", "MAX", "MEDIAN", "BOOL_OR", "FIRST", "STDDEV"]), SCALAR).map(
        lambda one: f"{one[0]}({one[1]})"
    ),
    SCALAR.map(lambda one: f"COUNT(DISTINCT {one})"),
    SCALAR.map(lambda one: f"QUANTILE_CONT({one}, 0.5)"),
)  # fmt: skip
FROM = st.sampled_from([
    "demo.person p", "demo.visit p", "demo.person p JOIN demo.visit v USING (person_id)",
    "demo.person p LEFT JOIN demo.visit v ON p.person_id = v.person_id", "demo.person p FULL JOIN demo.visit USING (person_id)",
])  # fmt: skip


@st.composite
def queries(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A query, perhaps with a part that it reads from, and its header."""
    source, where = draw(FROM), draw(st.none() | SCALAR)
    asked = f" WHERE {where}" if where else ""
    head = ""
    if draw(st.booleans()):
        inner = draw(SCALAR), draw(SCALAR | AGGREGATE)
        group = " GROUP BY person_id, 1" if draw(st.booleans()) else ""
        head = f"WITH q AS (SELECT {inner[0]} AS x, {inner[1]} AS y FROM {source}{asked}{group}) "
        source, asked = "q", ""
    keys, measure = draw(st.lists(SCALAR, max_size=2)), draw(AGGREGATE)
    items = [*(f"{key} AS k{number}" for number, key in enumerate(keys)), f"{measure} AS m"]
    margins = draw(st.sampled_from(["ALL", "ROLLUP (" + ", ".join(keys) + ")"])) if keys else ""
    grouped = f" GROUP BY {margins}" if keys else ""
    header = [*(f"k{number}" for number in range(len(keys))), "m"]
    return f"{head}SELECT {', '.join(items)} FROM {source}{asked}{grouped}", header


@pytest.fixture(scope="module")
def source() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        database.execute(ROWS)
        yield database


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(queries())
def test_no_query_that_is_read_prints_a_person(
    source: duckdb.DuckDBPyConnection, query: tuple[str, list[str]]
) -> None:
    sql, header = query
    claim = Claim(sql, (("demo", "1"),), tuple(header), "2026-11-21T00:00:00.000Z", "0" * 64)
    try:
        read = read_query(claim, Catalogue([MANIFEST]))
    except CheckStopped:
        return
    try:
        rows = source.execute(read.evidence_sql(10_000)).fetchall()
    except duckdb.Error:
        return
    for row in rows:
        for value in row[: len(header)]:
            assert "777000" not in str(value)
            assert "555000" not in str(value)
        assert row[len(header) + 1] <= 70
