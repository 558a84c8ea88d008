"""Numbers over the same persons: what only a few of them add is found, whatever it is written as."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from functools import partial

import duckdb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.checks.differencing.amounts import ONE, Added, Vector, amount_columns, differing
from egress_review.checks.differencing.hits import Hit, Number
from egress_review.checks.differencing.person_sets import Remembered, remember
from egress_review.checks.differencing.prints import PARTS, merged, prints_by
from egress_review.checks.differencing.search import Found, search
from egress_review.checks.differencing.sets import from_bytes, to_bytes
from egress_review.checks.reading.query import Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.source.opening import open_source
from onggi.claim import claim_from_json
from tests.support.check_tables import Source, small_source

PEOPLE = "SELECT n AS person_id, CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END AS sex FROM range(200) AS r(n)"
# Everybody has a visit a month; persons 0 to 2 have one more in February, for which they pay 1000.
VISITS = """
SELECT n % 200 AS person_id, 1 + n // 200 AS month, 'A' AS ward, (1 + n * 7919 % 1000) / 8 AS cost,
       1 + n * 7919 % 100 AS days, DATE '2020-01-01' + (n * 7 % 300)::INTEGER AS begun
FROM range(600) AS r(n)
UNION ALL SELECT n, 2, 'B', 1000, 30, DATE '2021-01-01' FROM range(3) AS r(n)
"""
K = 10


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    people = ("person_id BIGINT, sex VARCHAR", PEOPLE)
    columns = "person_id BIGINT, month BIGINT, ward VARCHAR, cost DOUBLE, days BIGINT, begun DATE"
    folder = tmp_path_factory.mktemp("data") / "small"
    return small_source(folder, {"person": people, "visit": (columns, VISITS)})


def made(source: Source, sql: str, wanted: Collection[int] = ()) -> Remembered:
    query = read_query(claim_from_json(source.table(sql).claim), Catalogue([source.manifest]))
    opened = open_source([(source.manifest, source.folder)], source.folder.parent, 2**30)
    with opened.connect() as database:
        return remember(database, query, 1000, vectors=wanted)


def compared(source: Source, new: str, *old: str, k: int = K) -> Found:
    def again(table: int, wanted: Collection[int]) -> Mapping[int, Vector]:
        return made(source, new if table < 0 else old[table], wanted).vectors

    loads = [partial(lambda sql: from_bytes(to_bytes(made(source, sql).sets)), one) for one in old]
    return search([made(source, new).sets], loads, k, math.inf, (), again)


def one_hit(source: Source, new: str, *old: str) -> Hit:
    said = compared(source, new, *old)
    assert said.complete
    (hit,) = said.hits
    return hit


BY_SEX = "SELECT sex, {} AS n FROM small.visit JOIN small.person USING (person_id) {} GROUP BY sex"
WITHOUT = "WHERE ward = 'A'"


@pytest.mark.parametrize(
    "measure",
    ["sum(cost)", "avg(cost)", "count(*)", "count(days)", "sum(days)", "stddev(cost)", "median(begun)",
     "sum(cost) / count(*)"],
)  # fmt: skip
def test_visits_of_a_few_of_the_same_persons_are_found(source: Source, measure: str) -> None:
    said = compared(source, BY_SEX.format(measure, WITHOUT), BY_SEX.format(measure, ""))
    found = {hit.new.place: hit for hit in said.hits}
    assert {place: hit.difference for place, hit in found.items()} == {0: 2, 1: 1}
    assert all(hit.alike and hit.of_rows for hit in found.values())


def test_the_same_rows_again_are_nothing(source: Source) -> None:
    table = BY_SEX.format("sum(cost)", "")
    other = BY_SEX.format("avg(cost)", "WHERE month < 9")
    assert compared(source, other, table).hits == ()


def test_the_same_number_asked_through_persons_adds_up(source: Source) -> None:
    """What a person pays is summed on the way; it is still the same but for three visits."""
    costs = "SELECT person_id, sum(cost) AS cost FROM small.visit WHERE ward = 'A' GROUP BY person_id"
    hit = one_hit(
        source, f"WITH c AS ({costs}) SELECT sum(cost) AS n FROM c", "SELECT sum(cost) AS n FROM small.visit"
    )
    assert (hit.difference, hit.alike) == (3, True)


@pytest.mark.parametrize(
    "other", ["CASE WHEN ward = 'A' THEN cost ELSE 0 END", "CASE WHEN ward = 'A' THEN cost END"]
)
def test_rows_left_out_inside_the_sum_are_found(source: Source, other: str) -> None:
    hit = one_hit(
        source, f"SELECT sum({other}) AS n FROM small.visit", "SELECT sum(cost) AS n FROM small.visit"
    )
    assert hit.difference == 3


def test_rows_are_held_against_persons(source: Source) -> None:
    """As many visits in February as persons, but for three: three persons have two."""
    hit = one_hit(
        source,
        "SELECT count(*) AS n FROM small.visit WHERE month = 2",
        "SELECT count(DISTINCT person_id) AS n FROM small.person",
    )
    assert (hit.difference, hit.alike) == (3, True)


def test_an_unlisted_margin_is_compared(source: Source) -> None:
    """The table by month adds up to everything but three visits, although it has no total."""
    by_month = "SELECT month, sum(cost) AS n FROM small.visit WHERE ward = 'A' GROUP BY month"
    total = "SELECT sum(cost) AS n FROM small.visit"
    hit = one_hit(source, total, by_month)
    assert (hit.difference, hit.whole, len(hit.parts)) == (3, Number(-1, 0), 3)
    turned = one_hit(source, by_month, total)
    assert (turned.whole, len(turned.parts)) == (Number(0, 0), 3)


def test_another_column_is_of_another_kind(source: Source) -> None:
    sql = "SELECT sum(CASE WHEN ward = 'A' THEN days END) AS n FROM small.visit"
    both = "SELECT sum(days) AS n FROM small.visit"
    assert one_hit(source, sql, both).alike
    assert compared(source, sql, both.replace("days", "cost")).hits == ()


def test_without_the_claim_what_may_differ_is_not_proven(source: Source) -> None:
    new, old = (made(source, BY_SEX.format("sum(cost)", where)).sets for where in (WITHOUT, ""))
    assert not search([new], [lambda: old], K, math.inf).complete


def test_a_source_that_changed_is_not_proven(source: Source) -> None:
    new, old = (made(source, BY_SEX.format("sum(cost)", where)).sets for where in (WITHOUT, ""))

    def again(_table: int, wanted: Collection[int]) -> Mapping[int, Vector]:
        return {
            one: Vector(np.arange(5, dtype=np.uint64), np.full(5, ONE, dtype=np.uint64)) for one in wanted
        }

    assert not search([new], [lambda: old], K, math.inf, (), again).complete


def test_a_threshold_beyond_the_parts_is_said(source: Source) -> None:
    assert not compared(
        source, BY_SEX.format("sum(cost)", ""), BY_SEX.format("sum(days)", ""), k=PARTS + 1
    ).complete


@pytest.mark.parametrize(
    ("kind", "values"),
    [
        ("DOUBLE", ["0.1", "1e299", "-1e17", "1e-11", "123456789.12", "-0.1"]),
        ("DECIMAL(38, 6)", ["0.000001", "-99999999999999999999999999999999.0", "3"]),
        ("HUGEINT", ["170141183460469231731687303715884105727", "-5", "9007199254740993"]),
        ("BIGINT", ["9223372036854775807", "-9223372036854775808", "5"]),
        ("UBIGINT", ["18446744073709551615", "1"]),
        ("FLOAT", ["0.1", "0.2"]),
        ("BOOLEAN", ["true"]),
        ("DATE", ["2020-01-01", "2020-01-02"]),
        ("TIMESTAMP", ["2020-01-01 00:00:00", "2020-01-01 00:00:01"]),
        ("INTERVAL", ["1 day", "2 days"]),
    ],
)
def test_values_of_any_kind_and_size_are_told_apart(kind: str, values: Sequence[str]) -> None:
    assert len({amount_of([f"CAST('{one}' AS {kind})"]) for one in values} - {0}) == len(values)


@pytest.mark.parametrize("value", ["'inf'::DOUBLE", "'nan'::DOUBLE", "1e307", "NULL::BIGINT", "'text'"])
def test_what_is_no_number_has_no_amount_and_stops_nothing(value: str) -> None:
    assert amount_of([value]) == 0


def test_amounts_are_millionths_and_add_up() -> None:
    assert amount_of(["0.1::DOUBLE", "0.2::DOUBLE"]) == amount_of(["0.3::DOUBLE"]) == 300_000
    assert amount_of(["-2"]) == amount_of(["-2::DOUBLE"]) == 2**64 - 2 * ONE
    assert amount_of(["-7.5::DOUBLE", "8"]) == ONE // 2
    assert amount_of(["123456789.12::DOUBLE", "0.01::DOUBLE"]) == 123456789_130_000


def amount_of(values: Sequence[str]) -> int:
    rows = ", ".join(f"({one})" for one in values)
    query = Query((), f"(VALUES {rows}) AS r(v)", "", "", ())
    with duckdb.connect() as database:
        columns = amount_columns(database, query, [Added("v")])
        return int(database.execute(query.select_sql(columns)).fetchall()[0][0])


@settings(max_examples=100, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(-3, 3)), min_size=20, max_size=60),
    st.lists(st.tuples(st.integers(0, 30), st.integers(-3, 3)), max_size=6),
)
def test_prints_of_vectors_that_differ_for_few_are_equal_somewhere(
    rows: list[tuple[int, int]], more: list[tuple[int, int]]
) -> None:
    """What the search rests on, by brute force: both numbers, and the parts in which they are equal."""
    totals = [Counter[int](), Counter[int]()]
    for total, part in zip(totals, (rows, rows + more), strict=True):
        for person, value in part:
            total[person] += value
    apart = {person for person in range(31) if totals[0][person] != totals[1][person]}
    vectors = [vector_of(total) for total in totals]
    assert differing(*vectors)[0] == len(apart)
    prints = [
        prints_by(np.zeros(one.persons.size, dtype=np.int64), one.persons, one.amounts, 1) for one in vectors
    ]
    for k in range(len(apart) + 1, PARTS + 1):
        assert (merged(prints[0], k) == merged(prints[1], k)).any()


def vector_of(total: Mapping[int, int]) -> Vector:
    people = sorted(person for person, value in total.items() if value)
    amounts = [total[person] * ONE % 2**64 for person in people]
    return Vector(np.array(people, dtype=np.uint64), np.array(amounts, dtype=np.uint64))
