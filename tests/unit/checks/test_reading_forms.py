# ruff: noqa: E501 - queries read best on one line
"""Every form of SQL that the reader accepts gives, rewritten, what DuckDB gives for the claim's own text."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.reading.query import Kind, Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from onggi.claim import Claim
from onggi.manifest import Column, Manifest, Table

TEXT = {"en": "t", "ko": "t"}
COLUMNS = {
    "person": {"person_id": "int64", "sex": "string", "age": "int64", "cost": "float64", "born": "date", "region": "string"},
    "visit": {"visit_id": "int64", "person_id": "int64", "ward": "string", "days": "int64", "day": "date", "hospital": "string"},
}  # fmt: skip
ROWS = """
CREATE SCHEMA demo;
CREATE TABLE demo.person AS
  SELECT n AS person_id, CASE WHEN n % 3 = 0 THEN 'F' WHEN n % 3 = 1 THEN 'M' END AS sex, 20 + n % 60 AS age,
         CASE WHEN n % 7 = 0 THEN NULL ELSE (n % 50) / 4.0 - 3 END AS cost, DATE '1950-01-01' + n::INT AS born,
         CASE WHEN n % 5 = 0 THEN '서울' ELSE 'Seoul ' || n % 4 END AS region
  FROM range(1, 301) AS r(n);
CREATE TABLE demo.visit AS
  SELECT 1000 + n AS visit_id, 1 + (n * 37) % 340 AS person_id, chr(65 + (n % 4)::INT) AS ward, n % 11 AS days,
         DATE '2020-01-01' + (n % 900)::INT AS day, 'H' || n % 3 AS hospital
  FROM range(900) AS r(n);
"""


def manifest() -> Manifest:
    tables = tuple(
        Table(name, 0, tuple(Column(one, kind, TEXT) for one, kind in columns.items()), ())
        for name, columns in COLUMNS.items()
    )
    return Manifest(
        "demo", "1", TEXT, TEXT, True, "open", "c", "l", "s", "person_id", ("person_id", "visit_id"), "hospital", 4,
        "none", tables,
    )  # fmt: skip


CATALOGUE = Catalogue([manifest()])


@pytest.fixture(scope="module")
def source() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as database:
        database.execute("SET threads = 1")
        database.execute(ROWS)
        yield database


def read(sql: str, columns: list[str]) -> Query:
    claim = Claim(sql, (("demo", "1"),), tuple(columns), "2026-11-21T00:00:00.000Z", "0" * 64)
    return read_query(claim, CATALOGUE)


def both(sql: str, source: duckdb.DuckDBPyConnection) -> tuple[list[str], list[str], Query]:
    """The rows of the claim's own text, the rows of what was read, and that query."""
    own = source.execute(sql)
    columns = [one[0] for one in own.description or []]
    expected = sorted(map(shown, own.fetchall()))
    query = read(sql, columns)
    found = source.execute(query.evidence_sql(100_000)).fetchall()
    return expected, sorted(shown(row[: len(columns)]) for row in found), query


def shown(row: tuple[object, ...]) -> str:
    """A row as text, doubles to nine digits: two plans add in two orders."""
    return repr([f"{value:.9g}" if isinstance(value, float) else value for value in row])


MEASURES = [
    ("COUNT(*)", Kind.COUNT),
    ("COUNT(cost)", Kind.COUNT),
    ("COUNT(DISTINCT person_id)", Kind.COUNT_DISTINCT),
    ("COUNT(DISTINCT sex)", Kind.COUNT_DISTINCT),
    ("COUNT_IF(age > 40)", Kind.COUNT),
    ("COUNT(*) FILTER (WHERE age > 40)", Kind.COUNT),
    ("COUNT(DISTINCT CASE WHEN age > 40 THEN person_id END)", Kind.COUNT_DISTINCT),
    ("COUNT(DISTINCT person_id) FILTER (WHERE cost > 1)", Kind.COUNT_DISTINCT),
    ("SUM(1)", Kind.COUNT),
    ("SUM(cost)", Kind.SUM),
    ("SUM(cost * 2 + 1)", Kind.SUM),
    ("SUM(cost) FILTER (WHERE sex = 'F')", Kind.SUM),
    ("SUM(CASE WHEN age > 40 THEN 1 ELSE 0 END)", Kind.SUM),
    ("AVG(CASE WHEN age > 40 THEN cost END)", Kind.AVERAGE),
    ("AVG(cost::DOUBLE)", Kind.AVERAGE),
    ("AVG((age > 40)::INT)", Kind.AVERAGE),
    ("ROUND(AVG(cost), 1)", Kind.AVERAGE),
    ("MIN(cost)", Kind.MINIMUM),
    ("MAX(born)", Kind.MAXIMUM),
    ("MEDIAN(cost)", Kind.MEDIAN),
    ("QUANTILE_CONT(cost, 0.25)", Kind.QUANTILE),
    ("QUANTILE_DISC(cost, 0.9)", Kind.QUANTILE),
    ("QUANTILE(cost, 0.5)", Kind.QUANTILE),
    ("QUANTILE_CONT(cost, 0)", Kind.MINIMUM),
    ("QUANTILE_CONT(cost, 1.0)", Kind.MAXIMUM),
    ("PERCENTILE_CONT(0.5) WITHIN GROUP (ORDER BY cost)", Kind.QUANTILE),
    ("STDDEV(cost)", Kind.STDDEV),
    ("STDDEV_SAMP(cost)", Kind.STDDEV),
    ("STDDEV_POP(cost)", Kind.STDDEV),
    ("VARIANCE(cost)", Kind.VARIANCE),
    ("VAR_SAMP(cost)", Kind.VARIANCE),
    ("VAR_POP(cost)", Kind.VARIANCE),
    ("SUM(cost) / COUNT(*)", Kind.RATIO),
    ("100.0 * COUNT(cost) / COUNT(*)", Kind.RATIO),
    ("100 * (SUM(cost) / NULLIF(COUNT(cost), 0))", Kind.RATIO),
    ("COUNT(cost) * 1000.0 / COUNT(*)", Kind.RATIO),
    ("ROUND(100.0 * COUNT(*) FILTER (WHERE age > 40) / COUNT(*), 1)", Kind.RATIO),
    ("CAST(SUM(cost) AS DOUBLE) / COUNT(*)::DOUBLE", Kind.RATIO),
]  # fmt: skip


@pytest.mark.parametrize(("measure", "kind"), MEASURES)
@pytest.mark.parametrize("margins", ["GROUP BY sex", "GROUP BY ROLLUP (sex)"])
def test_a_measure_is_recomputed(
    measure: str, kind: Kind, margins: str, source: duckdb.DuckDBPyConnection
) -> None:
    expected, found, query = both(f"SELECT sex, {measure} AS m FROM demo.person {margins}", source)
    assert found == expected
    assert query.measures[0].kind is kind
    assert query.bucket_local


KEYS = [
    "floor(age / 10) * 10", "age // 10", "CASE WHEN age < 40 THEN 'a' WHEN age < 60 THEN 'b' ELSE 'c' END", "year(born)",
    "EXTRACT(month FROM born)", "date_trunc('year', born)", "date_diff('year', born, DATE '2020-06-01') // 10", "quarter(born)",
    "left(region, 2)", "upper(sex)", "coalesce(sex, 'unknown')", "starts_with(region, 'Se')", "contains(region, '서')",
    "regexp_matches(region, '^S.*[01]$')", "concat(sex, '-', year(born))", "sex IS NULL", "age BETWEEN 30 AND 50",
    "region LIKE 'Seoul%'", "born + INTERVAL 1 YEAR > DATE '1950-09-01'", "log10(age)::INT", "length(region)", "round(sqrt(age))",
    "try_cast(right(region, 1) AS INT)", "cost::DECIMAL(10, 1)", "sex IN ('F', 'X')", "if(age < 50, 1, 2)",
]  # fmt: skip


@pytest.mark.parametrize("key", KEYS)
def test_a_key_is_recomputed(key: str, source: duckdb.DuckDBPyConnection) -> None:
    expected, found, _ = both(f"SELECT {key} AS k, COUNT(*) AS n FROM demo.person GROUP BY ALL", source)
    assert found == expected


LOCAL = [
    # relations before the last SELECT
    "WITH x AS (SELECT * FROM demo.person) SELECT sex, COUNT(*) AS n FROM x GROUP BY sex",
    "WITH x AS (SELECT person_id, COUNT(*) AS v, MAX(days) AS d FROM demo.visit GROUP BY person_id) SELECT v, COUNT(*) AS n, AVG(d) AS a FROM x GROUP BY v",
    "WITH x AS (SELECT person_id, COUNT(DISTINCT visit_id) AS v FROM demo.visit GROUP BY ALL HAVING SUM(days) > 5) SELECT v, COUNT(*) AS n FROM x GROUP BY v",
    "WITH x AS (SELECT person_id AS p, MEDIAN(days) AS d, BOOL_OR(ward = 'A') AS a FROM demo.visit GROUP BY 1) SELECT a, AVG(d) AS n FROM x JOIN demo.person ON p = person_id GROUP BY a",
    "WITH x AS (SELECT DISTINCT person_id, ward FROM demo.visit) SELECT ward, COUNT(*) AS n FROM x GROUP BY ward",
    "WITH x AS (SELECT sex, age FROM demo.person), y AS (SELECT sex AS s FROM x WHERE age > 40) SELECT s, COUNT(*) AS n FROM y GROUP BY s",
    "SELECT band, SUM(cost) AS s FROM (SELECT p.*, age // 20 AS band FROM demo.person AS p) AS q GROUP BY band",
    "SELECT COUNT(*) AS n FROM (SELECT person_id FROM demo.person UNION ALL SELECT person_id FROM demo.visit) AS u",
    "SELECT x.sex, SUM(high) AS s FROM demo.person x JOIN (SELECT person_id, CASE WHEN MAX(days) > 8 THEN 1 ELSE 0 END AS high FROM demo.visit GROUP BY person_id) y USING (person_id) GROUP BY 1",
    "SELECT COUNT(*) AS n, SUM(coalesce(v, 0)) AS s FROM demo.person LEFT JOIN (SELECT person_id, COUNT(*) AS v FROM demo.visit GROUP BY 1) q USING (person_id)",
    # joins
    "SELECT ward, COUNT(*) AS n FROM demo.person p JOIN demo.visit v ON p.person_id = v.person_id GROUP BY ward",
    "SELECT ward, COUNT(*) AS n FROM demo.person p LEFT JOIN demo.visit v USING (person_id) GROUP BY ward",
    "SELECT sex, COUNT(*) AS n FROM demo.person p RIGHT JOIN demo.visit v USING (person_id) GROUP BY sex",
    "SELECT sex, ward, COUNT(DISTINCT person_id) AS n FROM demo.person p FULL JOIN demo.visit v USING (person_id) GROUP BY ALL",
    "SELECT sex, COUNT(*) AS n FROM demo.person p FULL OUTER JOIN demo.visit v ON p.person_id = v.person_id AND v.days > 3 GROUP BY ALL",
    # membership
    "SELECT sex, COUNT(*) AS n FROM demo.person WHERE person_id IN (SELECT person_id FROM demo.visit WHERE ward = 'A') AND age > 30 GROUP BY sex",
    "SELECT sex, COUNT(*) AS n FROM demo.person WHERE person_id NOT IN (SELECT v.person_id FROM demo.visit v WHERE days > 4) GROUP BY sex",
    "SELECT COUNT(*) AS n FROM demo.person p WHERE EXISTS (SELECT 1 FROM demo.visit v WHERE v.person_id = p.person_id AND v.ward = 'B')",
    "SELECT COUNT(*) AS n FROM demo.person p WHERE NOT EXISTS (SELECT * FROM demo.visit WHERE p.person_id = visit.person_id)",
    "WITH x AS (SELECT p.person_id, sex FROM demo.person p WHERE EXISTS (SELECT 1 FROM demo.visit v WHERE v.person_id = p.person_id)) SELECT sex, COUNT(*) AS n FROM x GROUP BY sex",
    # margins
    "SELECT sex, region, COUNT(*) AS n FROM demo.person GROUP BY CUBE (sex, region)",
    "SELECT sex, region, COUNT(*) AS n FROM demo.person GROUP BY ROLLUP (sex, region)",
    "SELECT sex, region, COUNT(*) AS n FROM demo.person GROUP BY sex, ROLLUP (region)",
    "SELECT sex, region, COUNT(*) AS n FROM demo.person GROUP BY GROUPING SETS ((sex, region), sex, ())",
    "SELECT sex AS s, age // 20 AS a, COUNT(*) AS n FROM demo.person GROUP BY GROUPING SETS ((s, a), (s), ())",
    "SELECT sex, region, age > 50 AS old, COUNT(*) AS n FROM demo.person GROUP BY ROLLUP ((sex, region), 3)",
    # the rest
    "SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex HAVING COUNT(DISTINCT person_id) >= 90 ORDER BY 2",
]  # fmt: skip


@pytest.mark.parametrize("sql", LOCAL)
def test_a_query_about_one_person_at_a_time_needs_only_buckets(
    sql: str, source: duckdb.DuckDBPyConnection
) -> None:
    expected, found, query = both(sql, source)
    assert found == expected
    assert query.bucket_local
    assert len(query.units) == 1


ACROSS = [
    "SELECT p.sex, COUNT(*) AS n FROM demo.person p JOIN demo.visit v ON p.age = v.days GROUP BY 1",
    "SELECT p.sex, COUNT(*) AS n FROM demo.person p LEFT JOIN demo.person q ON p.age = q.age GROUP BY 1",
    "WITH x AS (SELECT p.person_id AS a, q.person_id AS b, p.sex FROM demo.person p JOIN demo.person q ON p.region = q.region) SELECT sex, COUNT(*) AS n FROM x GROUP BY 1",
]  # fmt: skip


@pytest.mark.parametrize("sql", ACROSS)
def test_a_join_of_different_persons_is_told(sql: str, source: duckdb.DuckDBPyConnection) -> None:
    expected, found, query = both(sql, source)
    assert found == expected
    assert not query.bucket_local
    assert len(query.units) == 2
    assert Code.JOIN_ACROSS_PERSONS in {one.code for one in query.notes}


@pytest.mark.parametrize("sql", LOCAL)
def test_bucket_by_bucket_sees_every_row_once(sql: str, source: duckdb.DuckDBPyConnection) -> None:
    """The rows of the whole are the rows of the buckets, and no person is in two."""
    query = read(sql, [one[0] for one in source.execute(sql).description or []])
    rows = query.select_sql(
        [f"{query.units[0]} AS person", *(f"{key.sql} AS k{n}" for n, key in enumerate(query.keys))]
    )
    whole = sorted(map(repr, source.execute(rows).fetchall()))
    parts: list[str] = []
    for bucket in range(4):
        with duckdb.connect() as database:
            database.execute(ROWS)
            for name in COLUMNS:
                database.execute(f"DELETE FROM demo.{name} WHERE hash(person_id) % 4 <> {bucket}")
            parts += map(repr, database.execute(rows).fetchall())
    assert sorted(parts) == whole


PERSONS = [
    # the person of a row, whichever side of an outer join is empty
    ("SELECT COUNT(*) AS n FROM demo.person p LEFT JOIN demo.visit v USING (person_id)", "SELECT person_id FROM demo.person"),
    ("SELECT COUNT(*) AS n FROM demo.person p RIGHT JOIN demo.visit v USING (person_id)", "SELECT person_id FROM demo.visit"),
    ("SELECT COUNT(*) AS n FROM demo.person p FULL JOIN demo.visit v USING (person_id)", "SELECT person_id FROM demo.person UNION SELECT person_id FROM demo.visit"),
    ("SELECT COUNT(*) AS n FROM (SELECT DISTINCT person_id, ward FROM demo.visit) x", "SELECT person_id FROM demo.visit"),
    ("SELECT COUNT(*) AS n FROM (SELECT sex FROM demo.person WHERE age > 50) x", "SELECT person_id FROM demo.person WHERE age > 50"),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "persons"), PERSONS)
def test_every_row_knows_its_person(sql: str, persons: str, source: duckdb.DuckDBPyConnection) -> None:
    query = read(sql, ["n"])
    found = set(source.execute(query.select_sql(query.units)).fetchall())
    assert found == set(source.execute(persons).fetchall())


def test_the_institution_comes_along() -> None:
    query = read(
        "WITH x AS (SELECT ward FROM demo.visit) SELECT ward, COUNT(*) AS n FROM x GROUP BY ward",
        ["ward", "n"],
    )
    assert query.second_unit == '"x"."_onggi_institution"'
    assert (
        read("SELECT ward, COUNT(*) AS n FROM demo.visit GROUP BY 1", ["ward", "n"]).second_unit
        == '"visit"."hospital"'
    )
    assert read("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY 1", ["sex", "n"]).second_unit == ""


def test_a_missing_value_and_a_margin_are_told_apart(source: duckdb.DuckDBPyConnection) -> None:
    query = read(
        "SELECT sex, region, COUNT(*) AS n FROM demo.person GROUP BY CUBE (sex, region)",
        ["sex", "region", "n"],
    )
    assert query.grouping_sets == ((0, 1), (0,), (1,), ())
    found = source.execute(
        query.select_sql(["count(*)", query.grouping_id(), query.keys[0].sql]) + query.group_sql()
    ).fetchall()
    total = [row for row in found if row[1] == 0b11]
    assert [row[0] for row in total] == [300]
    assert {row[1] for row in found if row[2] is None} == {0b00, 0b01, 0b10, 0b11}


SPEAKING = [
    "WITH x AS (SELECT 'ab' AS k FROM demo.person) SELECT k, COUNT(*) AS n FROM x GROUP BY k",
    "WITH x AS (SELECT 'patient 12' AS k, age FROM demo.person) SELECT k, COUNT(*) AS n FROM x GROUP BY k",
    "WITH x AS (SELECT CASE WHEN age > 40 THEN 'old' ELSE 'young' END AS k FROM demo.person) SELECT k, COUNT(*) AS n FROM x GROUP BY k",
    "WITH x AS (SELECT age // 40 + 999 AS k FROM demo.person), y AS (SELECT k + 999 AS k FROM x), z AS (SELECT k + 999 AS k FROM y) SELECT k, COUNT(*) AS n FROM z GROUP BY k",
    "WITH x AS (SELECT sex || sex AS k FROM demo.person) SELECT lower(k) AS k, COUNT(*) AS n FROM x GROUP BY 1",
    "WITH x AS (SELECT (1 = 1) || sex AS k FROM demo.person) SELECT k, COUNT(*) AS n FROM x GROUP BY k",
    "SELECT k, COUNT(*) AS n FROM (SELECT sex AS k FROM demo.person UNION ALL SELECT 'patient 12' AS k FROM demo.person) u GROUP BY k",
]  # fmt: skip


@pytest.mark.parametrize("sql", SPEAKING)
def test_words_of_the_query_stay_words_of_the_query_through_its_parts(sql: str) -> None:
    assert read(sql, ["k", "n"]).keys[0].from_query


NUMBERS = st.integers(0, 99).map(str)
COLUMN = st.sampled_from(["age", "cost", "person.age"])
VALUE = st.recursive(
    COLUMN | NUMBERS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["+", "-", "*", "/", "//", "%"]), inner).map(lambda one: f"({one[0]} {one[1]} {one[2]})"),
        st.tuples(st.sampled_from(["abs", "floor", "round", "sqrt"]), inner).map(lambda one: f"{one[0]}(abs({one[1]}))"),
        st.tuples(inner, inner, inner).map(lambda one: f"CASE WHEN {one[0]} > {one[1]} THEN {one[2]} END"),
        st.tuples(inner, inner).map(lambda one: f"coalesce({one[0]}, {one[1]})"),
    ),
    max_leaves=6,
)  # fmt: skip


@given(VALUE)
def test_any_expression_means_the_same_when_it_is_rewritten(expression: str) -> None:
    sql = f"SELECT COUNT(*) AS n FROM demo.person WHERE {expression} > age"
    with duckdb.connect() as database:
        database.execute("SET error_on_division_by_zero = false")
        database.execute(ROWS)
        expected, found, _ = both(sql, database)
    assert found == expected
