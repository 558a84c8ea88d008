# ruff: noqa: E501 - queries read best on one line
"""However tables are joined, the persons of a cell are counted as one who reads the joined rows would count them."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.checks.reading.query import Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.opening import Source as OpenSource
from egress_review.checks.source.opening import load_manifest, open_source
from egress_review.checks.source.recompute import recompute
from onggi.claim import Claim
from onggi.table_form import view_statements
from tests.support.check_tables import CREATED, Source, small_source

TABLES = {
    name: ("person_id BIGINT, g BIGINT, h BIGINT", f"SELECT (n * {step}) % {persons}, n % 3, n % 4 FROM range({rows}) AS r(n)")
    for name, step, persons, rows in (("a", 1, 12, 12), ("b", 5, 7, 20), ("c", 3, 11, 15))
}  # fmt: skip
EQUALITY = st.sampled_from(["person_id", "g", "h"])


@pytest.fixture(scope="session")
def joined(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return small_source(tmp_path_factory.mktemp("joined") / "j", TABLES, "j")


@st.composite
def froms(draw: st.DrawFn) -> str:
    """A FROM clause of two or three tables, joined on anything."""
    text = "j.a AS a"
    earlier = ["a"]
    for alias in draw(st.sampled_from([["b"], ["b", "c"]])):
        side = draw(st.sampled_from(["JOIN", "LEFT JOIN"]))
        left, right = draw(st.sampled_from([("person_id", "person_id"), ("g", "g"), ("g", "h"), ("h", "g")]))
        terms = [f"{draw(st.sampled_from(earlier))}.{left} = {alias}.{right}"]
        terms += [
            f"{draw(st.sampled_from([*earlier, alias]))}.{column} = {draw(st.sampled_from(earlier))}.{column}"
            for column in draw(st.lists(EQUALITY, max_size=2))
        ]
        text += f" {side} j.{alias} AS {alias} ON {' AND '.join(terms)}"
        earlier.append(alias)
    return text


def proven(source: Source, sql: str) -> Query:
    manifest = load_manifest(source.folder, "j", "1")
    claim = Claim(sql, (("j", "1"),), ("k", "n"), CREATED, "0" * 64)
    return read_query(claim, Catalogue([manifest]))


@pytest.fixture(scope="session")
def gate(joined: Source, tmp_path_factory: pytest.TempPathFactory) -> OpenSource:
    return open_source([(joined.manifest, joined.folder)], tmp_path_factory.mktemp("scratch"), 256 * 1024**2)


@pytest.fixture(scope="session")
def notebook(joined: Source) -> duckdb.DuckDBPyConnection:
    database = duckdb.connect()
    for statement in view_statements([(joined.manifest, joined.folder)]):
        database.execute(statement)
    return database


def by_reading(database: duckdb.DuckDBPyConnection, clause: str, aliases: list[str]) -> dict[Any, int]:
    """For each group the fewest persons of any table, a row without a match counted for the first table's person."""
    persons = ", ".join(f"{alias}.person_id" for alias in aliases)
    seen: dict[Any, list[set[Any]]] = defaultdict(lambda: [set() for _ in aliases])
    for key, first, *others in database.execute(f"SELECT a.g, {persons} FROM {clause}").fetchall():
        for place, person in enumerate([first, *others]):
            seen[key][place].add(first if person is None else person)
    return {key: min(len(one) for one in found) for key, found in seen.items()}


@settings(max_examples=60, deadline=None)
@given(clause=froms())
def test_never_more_persons_than_a_reader_counts(
    joined: Source, gate: OpenSource, notebook: duckdb.DuckDBPyConnection, clause: str
) -> None:
    aliases = [alias for alias in "abc" if f" AS {alias}" in clause]
    query = proven(joined, f"SELECT a.g AS k, COUNT(*) AS n FROM {clause} GROUP BY a.g")
    found = {group.values[0]: group.persons for group in recompute(gate, query, 1000)}
    expected = by_reading(notebook, clause, aliases)
    assert found.keys() == expected.keys()
    assert all(found[key] <= expected[key] for key in found), clause


def test_a_left_join_does_not_make_one_person_of_two(joined: Source) -> None:
    """`c` matches nobody, so its condition holds for no row: `a` and `b` stay different persons."""
    query = proven(
        joined,
        "SELECT b.h AS k, COUNT(*) AS n FROM j.a JOIN j.b ON a.g = b.g"
        " LEFT JOIN j.c ON c.person_id = a.person_id AND c.person_id = b.person_id GROUP BY b.h",
    )
    assert query.units == ('"a"."person_id"', '"b"."person_id"')


@pytest.mark.parametrize(
    ("clause", "units"),
    [
        ("j.a JOIN j.b USING (person_id)", ["a"]),
        ("j.a LEFT JOIN j.b USING (person_id) LEFT JOIN j.c USING (person_id)", ["a"]),
        ("j.a JOIN j.b ON a.person_id = b.person_id JOIN j.c ON b.person_id = c.person_id", ["a"]),
        ("j.a JOIN j.b ON a.g = b.g", ["a", "b"]),
        ("j.a JOIN j.b ON a.g = b.g JOIN j.c ON b.person_id = c.person_id", ["a", "b"]),
        ("j.a JOIN j.b ON a.g = b.g JOIN j.c ON c.g = a.g AND a.person_id = b.person_id", ["a", "c"]),
        ("j.a JOIN j.b ON a.person_id = b.person_id OR a.g = b.g", None),
        ("j.a JOIN j.b ON a.person_id = b.g", None),
        ("j.a AS a JOIN j.a AS z ON a.g = z.g", ["a", "z"]),
    ],
)
def test_which_tables_mean_one_person(joined: Source, clause: str, units: list[str] | None) -> None:
    sql = f"SELECT a.g AS k, COUNT(*) AS n FROM {clause} GROUP BY a.g"
    if units is None:
        with pytest.raises(CheckStopped):
            proven(joined, sql)
    else:
        assert proven(joined, sql).units == tuple(f'"{alias}"."person_id"' for alias in units)
