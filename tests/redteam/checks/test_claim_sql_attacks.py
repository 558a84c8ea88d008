# ruff: noqa: E501, Q003 - queries read best on one line
"""What a claim's SQL may try, and what the gate says to it. Nothing here is executed: it stops at reading."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.reading.query import Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped
from onggi.claim import Claim
from onggi.manifest import Column, Manifest, Table

TEXT = {"en": "t", "ko": "t"}


def table(name: str, *columns: str) -> Table:
    return Table(name, 0, tuple(Column(one, "int64", TEXT) for one in columns), ())


def manifest(name: str, *tables: Table) -> Manifest:
    return Manifest(
        name, "1", TEXT, TEXT, True, "open", "c", "l", "s", "person_id", ("person_id", "visit_id"), None, 1,
        "none", tables,
    )  # fmt: skip


CATALOGUE = Catalogue(
    [
        manifest(
            "demo",
            table("person", "person_id", "sex", "age", "cost", "region"),
            table("visit", "visit_id", "person_id", "ward", "days"),
        ),
        manifest("other-set", table("person", "person_id", "smokes")),
    ]
)


def read(sql: str, columns: int | None = None, **parameters: object) -> Query:
    """Read a claim whose header fits the query, as far as the header matters here."""
    import sqlglot

    names: list[str] = []
    try:
        select = sqlglot.parse_one(sql, dialect="duckdb")
        names = [one.alias_or_name or f"c{number}" for number, one in enumerate(select.expressions)]
    except Exception:  # noqa: BLE001 - what does not parse has no header
        names = []
    header = tuple(dict.fromkeys(names)) or ("c0",)
    claim = Claim(sql, (("demo", "1"),), header[:columns], "2026-11-21T00:00:00.000Z", "0" * 64, parameters)  # type: ignore[arg-type]
    return read_query(claim, CATALOGUE)


BLOCKED = [
    # rows of single persons
    ("SELECT * FROM demo.person", Code.NO_AGGREGATE),
    ("SELECT sex, age FROM demo.person", Code.NO_AGGREGATE),
    ("SELECT sex FROM demo.person GROUP BY sex", Code.NO_AGGREGATE),
    # identifiers
    ("SELECT person_id, COUNT(*) AS n FROM demo.visit GROUP BY person_id", Code.IDENTIFIER_IN_OUTPUT),
    ("SELECT Person_ID AS region, COUNT(*) AS n FROM demo.visit GROUP BY 1", Code.IDENTIFIER_IN_OUTPUT),
    ("SELECT person_id % 1000 AS k, COUNT(*) AS n FROM demo.visit GROUP BY k", Code.IDENTIFIER_IN_OUTPUT),
    ("SELECT person_id = person_id AS k, COUNT(*) AS n FROM demo.visit GROUP BY k", Code.IDENTIFIER_IN_OUTPUT),
    ("SELECT SUM(person_id) AS s FROM demo.visit", Code.IDENTIFIER_IN_OUTPUT),
    ("SELECT AVG(CAST(visit_id AS DOUBLE)) AS s FROM demo.visit", Code.IDENTIFIER_IN_OUTPUT),
    # tables of others, files, the catalogue of the engine
    ("SELECT COUNT(*) AS n FROM secret.person", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM person", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM information_schema.tables", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM duckdb_settings()", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM read_csv('/etc/passwd')", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM read_parquet('/data/*/*/*.parquet')", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM '/etc/passwd'", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM glob('/*')", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM \"demo.person\"", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM dеmo.person", Code.TABLE_NOT_GRANTED),  # a Cyrillic е
    ("SELECT COUNT(*) AS n FROM ｄｅｍｏ.person", Code.TABLE_NOT_GRANTED),  # full width
]  # fmt: skip

NOT_PROVEN = [
    # what a single person's value comes out of
    *[
        (f"SELECT sex, {aggregate} AS x FROM demo.person GROUP BY sex", Code.AGGREGATE_NOT_PROVABLE)
        for aggregate in (
            "MIN(cost)", "MAX(cost)", "MEDIAN(cost)", "ANY_VALUE(cost)", "FIRST(cost)", "LAST(cost)", "MODE(cost)",
            "ARG_MAX(cost, age)", "MAX_BY(cost, age)", "STRING_AGG(cost, ',')", "STDDEV(cost)", "VAR_POP(cost)",
            "QUANTILE_CONT(cost, 0.5)", "ARRAY_AGG(cost)", "BOOL_OR(cost > 5)", "CORR(cost, age)",
            "APPROX_COUNT_DISTINCT(cost)",
        )
    ],
    # aggregates whose names the reader does not know are functions that are not allowed
    *[
        (f"SELECT sex, COUNT(*) AS n, {aggregate} AS x FROM demo.person GROUP BY sex", None)
        for aggregate in ("LIST(cost)", "HISTOGRAM(cost)", "BIT_XOR(cost)", "PRODUCT(cost)", "ENTROPY(cost)")
    ],
    # one person's value inside an honest sum
    ("SELECT SUM(CASE WHEN age = 97 THEN cost ELSE 1 END) AS s FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT SUM(CASE WHEN age = 97 THEN cost ELSE age END) AS s FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT SUM(cost * 1000 + age) AS s FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT SUM(CASE WHEN age = 97 THEN 1000000 END) AS s FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT SUM(DISTINCT cost) AS s FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT SUM(cost) - SUM(age) AS s FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) + 910212 AS n FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(CASE person_id WHEN 7 THEN 1 END) AS n FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(CASE WHEN person_id = 7 THEN 1 END) AS n FROM demo.person", Code.IDENTIFIER_IN_FILTER),
    ("SELECT COUNT(*) FILTER (WHERE person_id <> 7) AS n FROM demo.person", Code.IDENTIFIER_IN_FILTER),
    # picking persons
    ("SELECT COUNT(*) AS n FROM demo.person WHERE person_id <> 7", Code.IDENTIFIER_IN_FILTER),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE person_id IN (1, 2, 3)", Code.IDENTIFIER_IN_FILTER),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE person_id + 0 = 7", Code.IDENTIFIER_IN_FILTER),
    ("SELECT COUNT(*) AS n FROM demo.person p JOIN demo.visit v ON p.person_id = v.person_id AND v.visit_id > 7",
     Code.IDENTIFIER_IN_FILTER),
    # a HAVING that tells about values
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex HAVING MAX(cost) > 5", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex HAVING SUM(cost) > 5", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex HAVING COUNT(*) = 3", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex HAVING COUNT(*) < 3", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex HAVING COUNT(CASE WHEN age = 9 THEN 1 END) >= 1",
     Code.SQL_NOT_SUPPORTED),
    # constructs of the language
    ("WITH x AS (SELECT * FROM demo.person) SELECT COUNT(*) AS n FROM x", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM (SELECT * FROM demo.person LIMIT 1)", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE age = (SELECT MAX(age) FROM demo.person)", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE age IN (SELECT age FROM demo.person)", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE EXISTS (SELECT 1)", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person UNION ALL SELECT 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex LIMIT 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex OFFSET 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT DISTINCT sex, COUNT(*) AS n FROM demo.person GROUP BY sex", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY ROLLUP (sex)", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY CUBE (sex)", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY GROUPING SETS ((sex), ())", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex, age", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) OVER () AS n FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex QUALIFY row_number() OVER () = 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person USING SAMPLE 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person TABLESAMPLE 10 PERCENT", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person, demo.visit", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person CROSS JOIN demo.visit", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person NATURAL JOIN demo.visit", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person FULL JOIN demo.visit USING (person_id)", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person SEMI JOIN demo.visit USING (person_id)", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person ASOF JOIN demo.visit ON age >= days", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person p JOIN demo.visit v ON TRUE", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person p JOIN demo.visit v ON p.age < v.days", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person p JOIN demo.visit p USING (person_id)", Code.SQL_NOT_SUPPORTED),
    ("SELECT 'a message' AS message, COUNT(*) AS n FROM demo.person GROUP BY 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(COLUMNS(*)) AS n FROM demo.person", None),
    ("SELECT COUNT(*) AS n", Code.SQL_NOT_SUPPORTED),
    ("FROM demo.person", None),
    ("SELECT floor(age / 10) AS age, COUNT(*) AS n FROM demo.person GROUP BY age", Code.SQL_NOT_SUPPORTED),
    # functions
    *[
        (f"SELECT {call} AS k, COUNT(*) AS n FROM demo.person GROUP BY k", None)
        for call in (
            "random() + age", "now()", "current_timestamp", "uuid()", "current_setting('temp_directory')",
            "getenv('HOME')", "hash(age)", "md5(region)", "nextval('s')", "age + random()", "version()",
            "read_text('/etc/passwd')", "query('SELECT 1')", "list_transform([age], x -> x)", "pi() + age",
            "CAST(age AS STRUCT(a INT))", "CAST(age AS BLOB)", "[age]", "{'a': age}", "age::INTERVAL",
            "error(region)", "regexp_replace(region, '.', '')", "repeat(region, 1000000000)", "age ** 99",
        )
    ],
    # more than one statement, other statements
    ("SELECT COUNT(*) AS n FROM demo.person; SELECT 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person; DROP TABLE demo.person", Code.SQL_NOT_SUPPORTED),
    *[
        (statement, None)
        for statement in (
            "PRAGMA database_list", "ATTACH '/tmp/x.db'", "COPY demo.person TO '/tmp/x.csv'", "SET threads = 8",
            "INSTALL httpfs", "LOAD httpfs", "CREATE TABLE t AS SELECT 1", "CALL pragma_version()",
            "EXPORT DATABASE '/tmp/x'", "DELETE FROM demo.person", "VALUES (1)", "EXPLAIN SELECT 1", "",
            "SELECT", "((((", "\x00", "SELECT COUNT(*) AS n FROM demo.person WHERE 'open",
            "SELECT COUNT(*) AS n FROM demo.person /* open",
        )
    ],
    ("SELECT COUNT(*) AS n FROM demo.person WHERE age > ?", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE age > $missing", Code.SQL_NOT_SUPPORTED),
    # names
    ("SELECT COUNT(*) AS n FROM demo.nothing", Code.TABLE_UNKNOWN),
    ("SELECT nothing, COUNT(*) AS n FROM demo.person GROUP BY nothing", Code.COLUMN_UNKNOWN),
    ("SELECT person_id_, COUNT(*) AS n FROM demo.person GROUP BY 1", Code.COLUMN_UNKNOWN),
    ("SELECT ѕex, COUNT(*) AS n FROM demo.person GROUP BY 1", Code.COLUMN_UNKNOWN),  # a Cyrillic ѕ
    ("SELECT COUNT(*) AS n FROM demo.person WHERE rowid = 0", Code.COLUMN_UNKNOWN),
    ("SELECT sex, COUNT(*) AS n FROM demo.person p JOIN demo.person q USING (person_id) GROUP BY sex", Code.COLUMN_UNKNOWN),
    ("SELECT sex, COUNT(*) AS n FROM demo.person", Code.COLUMN_NOT_GROUPED),
    ("SELECT sex, age, COUNT(*) AS n FROM demo.person GROUP BY sex", Code.COLUMN_NOT_GROUPED),
]  # fmt: skip


@pytest.mark.parametrize(("sql", "code"), [*BLOCKED, *NOT_PROVEN])
def test_the_query_is_not_run(sql: str, code: Code | None) -> None:
    with pytest.raises(CheckStopped) as stopped:
        read(sql)
    if code is not None:
        assert stopped.value.finding.code is code, stopped.value.finding


@pytest.mark.parametrize(("sql", "code"), BLOCKED)
def test_what_asks_for_too_much_is_blocked(sql: str, code: Code) -> None:
    with pytest.raises(CheckStopped) as stopped:
        read(sql)
    assert stopped.value.finding.verdict.value == "block"


def test_a_comment_changes_nothing() -> None:
    plain = read("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex")
    noisy = read("SELECT /* MAX(cost) */ sex, -- '\n COUNT(*) AS n FROM demo.person GROUP BY sex --;")
    assert noisy == plain


def test_a_parameter_is_a_value_and_never_sql() -> None:
    query = read(
        "SELECT COUNT(*) AS n FROM demo.person WHERE region = $region",
        region="x' OR 1=1; DROP TABLE demo.person --",
    )
    assert query.where_sql == """("person"."region" = 'x'' OR 1=1; DROP TABLE demo.person --')"""


def test_a_quoted_alias_cannot_leave_its_quotes() -> None:
    query = read('SELECT COUNT(*) AS n FROM demo.person AS "p"" ; DROP TABLE x; --"')
    assert query.from_sql == '"demo"."person" AS "p"" ; drop table x; --"'


def test_deep_nesting_stops_the_reading_and_not_the_reader() -> None:
    with pytest.raises(CheckStopped):
        read(f"SELECT COUNT(*) AS n FROM demo.person WHERE {'(' * 5000}1 = 1{')' * 5000}")


def test_a_long_query_is_not_read() -> None:
    with pytest.raises(CheckStopped):
        read(f"SELECT COUNT(*) AS n FROM demo.person WHERE region = '{'x' * 40_000}'")


WORDS = (
    "SELECT", "COUNT(*)", "SUM(cost)", "MAX(cost)", "FROM", "demo.person", "demo.visit", "p", "v", "JOIN", "LEFT", "ON",
    "p.person_id", "=", "v.person_id", "WHERE", "GROUP BY", "HAVING", "ORDER BY", "sex", "age", "person_id", ",", "(", ")",
    "1", "'a'", "AS", "CASE", "WHEN", "THEN", "ELSE", "END", "NOT", "IN", "DISTINCT", ";", "*", "--", "UNION", "LIMIT",
    "USING", "ALL", "OVER", "FILTER", "$a", "?", "::", "INT", "random()", "read_csv('x')",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=24).map(" ".join))
def test_any_words_are_read_or_stopped(sql: str) -> None:
    try:
        query = read(sql)
    except CheckStopped:
        return
    text = query.evidence_sql(10)
    for word in ("max(", "random", "read_csv", ";", "--", "UNION"):
        assert word not in text


@given(st.text(max_size=80))
def test_any_text_is_read_or_stopped(sql: str) -> None:
    with pytest.raises(CheckStopped):
        read(sql)
