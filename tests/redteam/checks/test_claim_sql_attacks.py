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
    described = [one.partition(":") for one in columns]
    return Table(name, 0, tuple(Column(one, kind or "int64", TEXT) for one, _, kind in described), ())


def manifest(name: str, *tables: Table) -> Manifest:
    return Manifest(
        name, "1", TEXT, TEXT, True, "open", "c", "l", "s", "person_id", ("person_id", "visit_id"), None, 1,
        "none", tables,
    )  # fmt: skip


CATALOGUE = Catalogue(
    [
        manifest(
            "demo",
            table("person", "person_id", "sex", "age", "cost", "region:string"),
            table("visit", "visit_id", "person_id", "ward:string", "days", "day:date"),
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
    ("SELECT COUNT(*) AS n FROM range(10)", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM demo.person JOIN read_text('/etc/passwd') AS t ON sex = content", Code.TABLE_NOT_GRANTED),
    # functions that reach out of the query
    ("SELECT read_text('/etc/passwd') AS k, COUNT(*) AS n FROM demo.person GROUP BY k", Code.FILE_OR_NETWORK),
    ("SELECT sex, COUNT(*) AS n FROM demo.person WHERE getenv('HOME') = region GROUP BY sex", Code.FILE_OR_NETWORK),
    ("SELECT COUNT(*) FILTER (WHERE current_setting('threads') = region) AS n FROM demo.person", Code.FILE_OR_NETWORK),
    ("SELECT COUNT(*) AS n FROM \"demo.person\"", Code.TABLE_NOT_GRANTED),
    ("SELECT COUNT(*) AS n FROM dеmo.person", Code.NAME_LOOKS_ALIKE),  # a Cyrillic е
    ("SELECT COUNT(*) AS n FROM ｄｅｍｏ.person", Code.NAME_LOOKS_ALIKE),  # full width
]  # fmt: skip

NOT_PROVEN = [
    # what a single person's value comes out of
    *[
        (f"SELECT sex, {aggregate} AS x FROM demo.person JOIN demo.visit USING (person_id) GROUP BY sex", Code.AGGREGATE_NOT_PROVABLE)
        for aggregate in (
            "ANY_VALUE(cost)", "FIRST(cost)", "LAST(cost)", "ARG_MAX(cost, age)", "MAX_BY(cost, age)",
            "STRING_AGG(cost, ',')", "ARRAY_AGG(cost)", "BOOL_OR(cost > 5)", "CORR(cost, age)",
            "APPROX_COUNT_DISTINCT(cost)", "MIN(lower(ward))", "MAX(ward || age)", "MEDIAN(ward)",
        )
    ],
    # aggregates whose names the reader does not know are functions that are not allowed
    *[
        (f"SELECT sex, COUNT(*) AS n, {aggregate} AS x FROM demo.person GROUP BY sex", None)
        for aggregate in ("LIST(cost)", "HISTOGRAM(cost)", "BIT_XOR(cost)", "PRODUCT(cost)", "ENTROPY(cost)")
    ],
    # one person's value inside an honest sum
    ("SELECT SUM(CASE WHEN age = 97 THEN cost ELSE 1 END) AS s FROM demo.person", Code.MEASURE_NOT_PROVABLE),
    ("SELECT SUM(CASE WHEN age = 97 THEN cost ELSE age END) AS s FROM demo.person", Code.MEASURE_NOT_PROVABLE),
    ("SELECT SUM(cost * (age = 97)::INT + 1) AS s FROM demo.person", Code.MEASURE_NOT_PROVABLE),
    ("SELECT SUM(greatest(cost, 5000)) AS s FROM demo.person", Code.MEASURE_NOT_PROVABLE),
    ("SELECT SUM(coalesce(cost, 7)) AS s FROM demo.person", Code.MEASURE_NOT_PROVABLE),
    ("SELECT AVG(cost // 1000) AS s FROM demo.person", Code.MEASURE_NOT_PROVABLE),
    ("SELECT COUNT(*) * 910212 / COUNT(*) AS n FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT 910212.0 * SUM(cost) / COUNT(*) AS n FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT 100 * SUM(cost) AS n FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT SUM(cost) / 910212 AS n FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT QUANTILE_CONT(cost, [0.1, 0.9]) AS q FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT QUANTILE_CONT(cost, age) AS q FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(DISTINCT CASE WHEN person_id = 7 THEN person_id END) AS n FROM demo.person", Code.IDENTIFIER_IN_FILTER),
    ("SELECT COUNT(DISTINCT CASE WHEN age > 7 THEN person_id ELSE 7 END) AS n FROM demo.person", Code.IDENTIFIER_IN_OUTPUT),
    ("SELECT MAX(visit_id) AS n FROM demo.visit", Code.IDENTIFIER_IN_OUTPUT),
    ("SELECT SUM(CASE WHEN age = 97 THEN 1000000 END) AS s FROM demo.person", Code.MEASURE_NOT_PROVABLE),
    ("SELECT SUM(DISTINCT cost) AS s FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT SUM(cost) - SUM(age) AS s FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) + 910212 AS n FROM demo.person", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(CASE person_id WHEN 7 THEN 1 END) AS n FROM demo.person", Code.IDENTIFIER_IN_FILTER),
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
    ("SELECT COUNT(*) AS n FROM (SELECT * FROM demo.person LIMIT 1)", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE age = (SELECT MAX(age) FROM demo.person)", Code.SUBQUERY_HIDDEN),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE age IN (SELECT age FROM demo.person)", Code.SUBQUERY_HIDDEN),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE EXISTS (SELECT 1)", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person UNION ALL SELECT 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex LIMIT 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex OFFSET 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT DISTINCT sex, COUNT(*) AS n FROM demo.person GROUP BY sex", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex, age", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY GROUPING SETS ((sex), (sex))", Code.SQL_NOT_SUPPORTED),
    ("SELECT sex, COUNT(*) OVER () AS n FROM demo.person", Code.WINDOW_FUNCTION),
    ("SELECT sex, COUNT(*) AS n FROM demo.person GROUP BY sex QUALIFY row_number() OVER () = 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person USING SAMPLE 1", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person TABLESAMPLE 10 PERCENT", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person, demo.visit", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person CROSS JOIN demo.visit", Code.SQL_NOT_SUPPORTED),
    ("SELECT COUNT(*) AS n FROM demo.person NATURAL JOIN demo.visit", Code.SQL_NOT_SUPPORTED),
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
            "error(region)", "regexp_replace(region, '.', '')", "repeat(region, 1000000000)", "age & 99",
        )
    ],
    ("SELECT random() AS k, COUNT(*) AS n FROM demo.person GROUP BY k", Code.NOT_DETERMINISTIC),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE age > day(now())", Code.NOT_DETERMINISTIC),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE age > year(current_date)", Code.NOT_DETERMINISTIC),
    ("SELECT uuid() AS k, COUNT(*) AS n FROM demo.person GROUP BY k", Code.NOT_DETERMINISTIC),
    # parts of the query
    *[
        (f"WITH x AS ({inner}) SELECT COUNT(*) AS n FROM x", code)
        for inner, code in (
            ("SELECT age, COUNT(*) AS m FROM demo.person GROUP BY age", Code.UNIT_LOST),
            ("SELECT COUNT(*) AS m FROM demo.person", Code.UNIT_LOST),
            ("SELECT MAX(cost) AS m, 1 AS person_id FROM demo.person", Code.UNIT_LOST),
            ("SELECT DISTINCT sex FROM demo.person", Code.UNIT_LOST),
            ("SELECT p.person_id, COUNT(*) AS m FROM demo.person p JOIN demo.visit v ON p.age = v.days GROUP BY 1", Code.UNIT_LOST),
            ("SELECT v.person_id, COUNT(*) AS m FROM demo.person p LEFT JOIN demo.visit v USING (person_id) GROUP BY 1", Code.UNIT_LOST),
            ("SELECT person_id + 0 AS person_id, COUNT(*) AS m FROM demo.visit GROUP BY 1", Code.IDENTIFIER_IN_OUTPUT),
            ("SELECT person_id, MAX(visit_id) AS m FROM demo.visit GROUP BY 1", Code.IDENTIFIER_IN_OUTPUT),
            ("SELECT person_id, CASE WHEN person_id = 7 THEN 1 END AS m FROM demo.person", Code.IDENTIFIER_IN_OUTPUT),
            ("SELECT person_id FROM demo.person WHERE person_id <> 7", Code.IDENTIFIER_IN_FILTER),
            ("SELECT person_id FROM demo.visit GROUP BY 1 HAVING MAX(visit_id) > 7", Code.IDENTIFIER_IN_FILTER),
            ("SELECT person_id, FIRST(cost) AS m FROM demo.person GROUP BY 1", Code.AGGREGATE_NOT_PROVABLE),
            ("SELECT person_id, ROW_NUMBER() OVER () AS m FROM demo.person", Code.WINDOW_FUNCTION),
            ("SELECT person_id, random() AS m FROM demo.person", Code.NOT_DETERMINISTIC),
            ("SELECT person_id FROM demo.person LIMIT 7", Code.SQL_NOT_SUPPORTED),
            ("SELECT person_id FROM demo.person UNION SELECT person_id FROM demo.visit", Code.SQL_NOT_SUPPORTED),
            ("SELECT person_id FROM demo.person EXCEPT SELECT person_id FROM demo.visit", Code.SQL_NOT_SUPPORTED),
            ("SELECT person_id, age AS a, age AS a FROM demo.person", Code.SQL_NOT_SUPPORTED),
            ("SELECT person_id, age AS _onggi_person_1 FROM demo.person", Code.SQL_NOT_SUPPORTED),
            ("VALUES (1)", Code.SQL_NOT_SUPPORTED),
        )
    ],
    ("SELECT COUNT(*) AS n FROM demo.person AS _onggi_member", Code.SQL_NOT_SUPPORTED),
    ("WITH RECURSIVE x AS (SELECT person_id FROM demo.person) SELECT COUNT(*) AS n FROM x", Code.SQL_NOT_SUPPORTED),
    ("WITH x(y) AS (SELECT person_id FROM demo.person) SELECT COUNT(*) AS n FROM x", Code.SQL_NOT_SUPPORTED),
    ("WITH x AS (SELECT person_id AS secret FROM demo.person) SELECT secret, COUNT(*) AS n FROM x GROUP BY 1", Code.IDENTIFIER_IN_OUTPUT),
    ("WITH x AS (SELECT person_id AS secret FROM demo.person) SELECT COUNT(*) AS n FROM x WHERE secret = 7", Code.IDENTIFIER_IN_FILTER),
    ("WITH x AS (SELECT sex FROM demo.person) SELECT COUNT(*) AS n FROM x WHERE _onggi_person_1 = 7", Code.COLUMN_UNKNOWN),
    ("WITH x AS (SELECT CASE WHEN age = 97 THEN cost ELSE 1 END AS c FROM demo.person) SELECT SUM(c) AS n FROM x", Code.MEASURE_NOT_PROVABLE),
    ("SELECT SUM(c) AS n FROM (SELECT cost AS c FROM demo.person WHERE age = 97 UNION ALL SELECT 1 AS c FROM demo.person) AS x", Code.MEASURE_NOT_PROVABLE),
    ("SELECT SUM(coalesce(c, 1)) AS n FROM demo.person p LEFT JOIN (SELECT person_id, cost AS c FROM demo.person WHERE age = 97) AS x USING (person_id)", Code.MEASURE_NOT_PROVABLE),
    # a subquery where nobody looks for one
    *[
        (f"SELECT COUNT(*) AS n FROM demo.person p WHERE {where}", Code.SUBQUERY_HIDDEN)
        for where in (
            "age > 5 OR EXISTS (SELECT 1 FROM demo.visit v WHERE v.person_id = p.person_id)",
            "CASE WHEN EXISTS (SELECT 1 FROM demo.visit v WHERE v.person_id = p.person_id) THEN age = 1 ELSE age = 2 END",
            "EXISTS (SELECT 1 FROM demo.visit v WHERE v.days = p.age)",
            "EXISTS (SELECT 1 FROM demo.visit v WHERE v.days = 97)",
            "EXISTS (SELECT 1 FROM demo.visit v WHERE v.person_id = p.person_id AND v.person_id = p.person_id)",
            "person_id IN (SELECT days FROM demo.visit)",
            "age IN (SELECT person_id FROM demo.visit)",
            "person_id IN (SELECT person_id + 1 FROM demo.visit)",
        )
    ],
    ("SELECT SUM(CASE WHEN age > (SELECT MIN(age) FROM demo.person) THEN cost END) AS n FROM demo.person", Code.SUBQUERY_HIDDEN),
    ("SELECT CASE WHEN EXISTS (SELECT 1) THEN sex END AS k, COUNT(*) AS n FROM demo.person GROUP BY k", Code.SUBQUERY_HIDDEN),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE person_id IN (SELECT person_id FROM demo.visit WHERE visit_id = 7)", Code.IDENTIFIER_IN_FILTER),
    ("SELECT COUNT(*) AS n FROM demo.person WHERE person_id IN (SELECT person_id FROM demo.visit LIMIT 1)", Code.SQL_NOT_SUPPORTED),
    # too large
    (f"SELECT {', '.join(f'COUNT(*) AS n{i}' for i in range(1000))} FROM demo.person", Code.SQL_TOO_LARGE),
    (f"WITH x AS (SELECT {', '.join(f'age AS a{i}' for i in range(1000))} FROM demo.person) SELECT COUNT(*) AS n FROM x", Code.SQL_TOO_LARGE),
    (f"SELECT sex, age, cost, COUNT(*) AS n FROM demo.person GROUP BY CUBE ({', '.join(['sex', 'age', 'cost'] * 9)})", Code.SQL_TOO_LARGE),
    (f"SELECT COUNT(*) AS n FROM demo.person WHERE {'1 = 1 AND ' * 1500} 1 = 1", Code.SQL_TOO_LARGE),
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
    ("SELECT ѕex, COUNT(*) AS n FROM demo.person GROUP BY 1", Code.NAME_LOOKS_ALIKE),  # a Cyrillic ѕ
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
    "USING", "ALL", "OVER", "FILTER", "WITH x AS (", ") x", "x", "EXISTS (", "IN (SELECT person_id", "ROLLUP (", "CUBE (",
    "MEDIAN(cost)", "QUANTILE_CONT(cost, 0.5)", "FULL JOIN", "UNION ALL", "SELECT person_id,", "GROUP BY person_id", "/", "100.0 *", "$a", "?", "::", "INT", "random()", "read_csv('x')",
)  # fmt: skip


@given(st.lists(st.sampled_from(WORDS), max_size=24).map(" ".join))
def test_any_words_are_read_or_stopped(sql: str) -> None:
    try:
        query = read(sql)
    except CheckStopped:
        return
    text = query.evidence_sql(10)
    for word in ("random", "read_csv", ";", "--", "$", "?", " OVER ", "person_id) %", "LIMIT 1 "):
        assert word not in text


@given(st.text(max_size=80))
def test_any_text_is_read_or_stopped(sql: str) -> None:
    with pytest.raises(CheckStopped):
        read(sql)
