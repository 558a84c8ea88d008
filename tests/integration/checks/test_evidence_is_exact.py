"""The evidence is what one who adds up by hand gets, in one pass or in many, by buckets or by a hash, in this
process or on the workers of Dask."""

from __future__ import annotations

import random
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from egress_review.checks.reading.query import Key, Kind, Measure, Query
from egress_review.checks.source import partials, sieve
from egress_review.checks.source import recompute as module
from egress_review.checks.source.evidence import ENDS, TOP, Cell, Group, group_id
from egress_review.checks.source.on_dask import OnDask
from egress_review.checks.source.opening import Source, open_source
from egress_review.checks.source.recompute import Wanted, recompute
from egress_review.checks.source.running import IN_PROCESS, Runner
from tests.support.check_tables import small_source

COLUMNS = "person_id BIGINT, sex VARCHAR, age BIGINT, cost DOUBLE, hospital VARCHAR"
ROW = tuple[int | None, str | None, int, float | None, str]
COST = '"v"."cost"'
PRESENT = f"{COST} IS NOT NULL"
QUERY = Query(
    items=(
        Key("sex", '"v"."sex"'),
        Key("age", '"v"."age"'),
        Measure("n", "count(*)", Kind.COUNT),
        Measure("s", f"sum({COST})", Kind.SUM, f"({PRESENT} AND {COST} <> 0)", COST),
        Measure("m", f"max({COST})", Kind.MAXIMUM, PRESENT, COST),
        Measure("q", f"median({COST})", Kind.MEDIAN, PRESENT, COST),
    ),
    from_sql='"small"."visit" AS "v"',
    where_sql='("v"."age" < 4)',
    having_sql="",
    units=('"v"."person_id"',),
    second_unit='"v"."hospital"',
    grouping_sets=((0, 1), (1,), ()),
    bucket_local=True,
)


def rows_of(seed: int) -> list[ROW]:
    made = random.Random(seed)
    found: list[ROW] = []
    for _ in range(400):
        person = None if made.random() < 0.05 else made.randint(-3, 60)
        cost = made.choice([None, 0.0, -2.5, 7.25, 100.0, float(made.randint(1, 9))])
        found.append(
            (person, made.choice(["F", "M", None]), made.randint(0, 5), cost, f"h{made.randint(0, 4)}")
        )
    return found


def literal(value: Any) -> str:
    return "NULL" if value is None else f"'{value}'" if isinstance(value, str) else repr(value)


@pytest.fixture(params=[1, 2])
def data(request: pytest.FixtureRequest) -> list[ROW]:
    return rows_of(request.param)


@pytest.fixture(scope="module")
def on_dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnDask]:
    with closing(OnDask(2, tmp_path_factory.mktemp("dask"))) as runner:
        yield runner


@pytest.fixture(params=["here", "on dask"])
def runner(request: pytest.FixtureRequest, on_dask: OnDask) -> Runner:
    return on_dask if request.param == "on dask" else IN_PROCESS


@pytest.fixture(params=["one pass", "by bucket", "by hash"])
def source(
    request: pytest.FixtureRequest,
    data: list[ROW],
    runner: Runner,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Source:
    values = ", ".join(f"({', '.join(map(literal, row))})" for row in data)
    buckets = 4 if request.param == "by bucket" else 1
    made = small_source(
        tmp_path / "d", {"visit": (COLUMNS, f"SELECT * FROM (VALUES {values})")}, buckets=buckets
    )
    if request.param != "one pass":
        monkeypatch.setattr(module, "BYTES_A_ROW", 256 * 1024**2 // 480)
    opened = open_source([(made.manifest, made.folder)], tmp_path, 256 * 1024**2)
    return replace(opened, runner=runner)


def groups_of(data: list[ROW]) -> Iterator[tuple[tuple[Any, ...], int, list[ROW]]]:
    """Key, grouping id and rows of every group, by hand."""
    kept = [row for row in data if row[2] < 4]
    for grouping in (0, 1, 3):
        found: dict[tuple[Any, ...], list[ROW]] = defaultdict(list)
        for row in kept:
            found[None if grouping & 1 else row[1], None if grouping & 2 else row[2]].append(row)
        for key, rows in found.items():
            yield key, grouping, rows


def by_unit(rows: list[ROW], at: int, value: Any) -> dict[Any, list[Any]]:
    found: dict[Any, list[Any]] = defaultdict(list)
    for row in rows:
        if row[at] is not None:
            found[row[at]].append(value(row))
    return found


def test_evidence_is_what_one_adds_up_by_hand(source: Source, data: list[ROW]) -> None:
    groups = recompute(source, QUERY, 1000, Wanted(institutions=True))
    found = {group_id(one.key(QUERY), one.grouping): one for one in groups}
    expected = list(groups_of(data))
    assert len(found) == len(expected)
    for key, grouping, rows in expected:
        group = found[group_id(key, grouping)]
        persons = by_unit(rows, 0, lambda row: row[3])
        assert (group.rows, group.persons) == (len(rows), len(persons)), key
        _counted(group.cells[0], persons)
        _summed(group.cells[1], persons, rows)
        _ended(group.cells[2], persons)
        _institutions(group.cells[1], by_unit(rows, 4, lambda row: row[3]))


def _counted(cell: Cell, persons: dict[Any, list[Any]]) -> None:
    sizes = sorted((float(len(values)) for values in persons.values()), reverse=True)
    assert (cell.contributors, cell.total_abs, cell.top) == (len(persons), sum(sizes), tuple(sizes[:TOP]))


def _summed(cell: Cell, persons: dict[Any, list[Any]], rows: list[ROW]) -> None:
    there = {who: [one for one in values if one is not None] for who, values in persons.items()}
    sums = sorted((abs(sum(values)) for values in there.values() if values), reverse=True)
    values = [row[3] for row in rows if row[3] is not None]
    assert cell.contributors == sum(any(one != 0 for one in values) for values in there.values())
    assert cell.present == sum(bool(values) for values in there.values())
    assert cell.values == len(values)
    assert cell.top == tuple(sums[:TOP])
    assert cell.total_abs == pytest.approx(sum(sums))
    assert (cell.minimum, cell.maximum) == (min(values, default=None), max(values, default=None))
    assert cell.negatives is any(one < 0 for one in values)


def _ended(cell: Cell, persons: dict[Any, list[Any]]) -> None:
    tops = [
        max(one for one in values if one is not None)
        for values in persons.values()
        if any(one is not None for one in values)
    ]
    assert cell.units_at_maximum == min(tops.count(cell.maximum), ENDS)


def _institutions(cell: Cell, hospitals: dict[Any, list[Any]]) -> None:
    sums = sorted(
        (abs(sum(one for one in values if one is not None)) for values in hospitals.values()), reverse=True
    )
    assert cell.institutions_abs == pytest.approx(sum(sums))
    assert cell.top_institutions[0] == pytest.approx(sums[0])


def test_rows_are_units_where_the_profile_says_so(source: Source, data: list[ROW]) -> None:
    groups = recompute(source, QUERY, 1000, Wanted(rows_are_units=True))
    found: dict[Any, Group] = {group_id(one.key(QUERY), one.grouping): one for one in groups}
    for key, grouping, rows in groups_of(data):
        group = found[group_id(key, grouping)]
        values = sorted((abs(row[3]) for row in rows if row[3] is not None), reverse=True)
        assert group.persons == group.rows == len(rows)
        assert group.cells[1].top == tuple(values[:TOP])
        assert group.cells[1].present == len(values)


def test_the_published_values_are_those_of_the_plain_query(source: Source) -> None:
    groups = recompute(source, QUERY, 1000)
    with source.connect() as database:
        columns = [item.sql for item in QUERY.items]
        plain = database.execute(f"{QUERY.select_sql(columns)}{QUERY.group_sql()}").fetchall()
    assert sorted(map(repr, plain)) == sorted(repr(group.values) for group in groups)


def test_of_two_kinds_of_persons_in_a_row_the_fewer_count(source: Source) -> None:
    both = replace(QUERY, units=('"v"."person_id"', '("v"."person_id" % 2)'), bucket_local=False)
    for group in recompute(source, both, 1000):
        assert group.persons <= 3
        assert all(cell.contributors <= 3 for cell in group.cells)


PLAIN = replace(QUERY, grouping_sets=((0, 1),))


def never(*_: object) -> list[Any]:
    def stop() -> None:
        raise AssertionError

    return [stop]


@pytest.fixture(params=["one part", "by bucket", "by hash"])
def to_sieve(
    request: pytest.FixtureRequest, data: list[ROW], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Source:
    """Large enough to be sieved, however many rows are alone, in one part or in four."""
    monkeypatch.setattr(module, "ROWS_TO_SIEVE", 1)
    monkeypatch.setattr(sieve, "FEW", 1)
    if request.param != "one part":
        monkeypatch.setattr(module, "BYTES_A_PRINT", 256 * 1024**2 // 4 // 130)
    values = ", ".join(f"({', '.join(map(literal, row))})" for row in data)
    buckets = 4 if request.param == "by bucket" else 1
    made = small_source(
        tmp_path / "d", {"visit": (COLUMNS, f"SELECT * FROM (VALUES {values})")}, buckets=buckets
    )
    return open_source([(made.manifest, made.folder)], tmp_path, 256 * 1024**2)


@pytest.mark.parametrize("query", [PLAIN, replace(QUERY, items=QUERY.measures, grouping_sets=((),))])
@pytest.mark.parametrize("bits", ["all", "two", "none"])
def test_rows_that_are_alone_need_not_be_added_up(
    to_sieve: Source, query: Query, bits: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever prints stand twice by chance."""
    with monkeypatch.context() as changed:
        changed.setattr(module, "ROWS_TO_SIEVE", 10**9)
        expected = recompute(to_sieve, query, 1000)
    if bits != "all":
        short = {"two": f"(hash({QUERY.units[0]}) % 4)::UINTEGER", "none": "0::UINTEGER"}[bits]
        monkeypatch.setattr(partials, "_print", lambda *_: short)
    monkeypatch.setattr(module, "_in_passes", never)
    found = recompute(to_sieve, query, 1000)
    assert sorted(map(repr, found)) == sorted(map(repr, expected))


@pytest.mark.parametrize(
    "why", ["many rows are not alone", "the first rows show it", "there are more rows than they say"]
)
def test_where_many_rows_are_not_alone_all_are_added_up(
    to_sieve: Source, why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as changed:
        changed.setattr(module, "ROWS_TO_SIEVE", 10**9)
        expected = recompute(to_sieve, PLAIN, 1000)
    added: list[str] = []
    monkeypatch.setattr(sieve, "add", lambda *given: added.append(given[-1]))
    if why == "many rows are not alone":
        monkeypatch.setattr(sieve, "FEW", 400)
    elif why == "the first rows show it":
        monkeypatch.setattr(sieve, "SAMPLE", 100)
        monkeypatch.setattr(sieve, "FEW", 400)
        first, asked = sieve._prints, list[int]()

        def once(database: Any, sql: str, most: int) -> Any:
            asked.append(most)
            assert asked == [100]
            return first(database, sql, most)

        monkeypatch.setattr(sieve, "_prints", once)
    else:
        monkeypatch.setattr(module, "BYTES_A_PRINT", 256 * 1024**2 // 4 // 30)
        monkeypatch.setattr(module, "_parts", lambda source, query, *_: [(source, query)] * 2)
        monkeypatch.setattr(module, "passes", lambda source, query, _: [(source, query)])
    found = recompute(to_sieve, PLAIN, 1000)
    assert sorted(map(repr, found)) == sorted(map(repr, expected))
    assert not added


def test_persons_that_texts_name_are_the_same_persons(data: list[ROW], tmp_path: Path) -> None:
    sources = []
    for kind, who in (("BIGINT", "person_id"), ("VARCHAR", "'KR-' || person_id")):
        values = ", ".join(f"({', '.join(map(literal, row))})" for row in data)
        named = COLUMNS.replace("person_id BIGINT", f"person_id {kind}")
        rows = (
            f"SELECT * REPLACE ({who} AS person_id) FROM (VALUES {values}) AS t(person_id, sex, age, cost, h)"
        )
        made = small_source(tmp_path / kind, {"visit": (named, rows)}, buckets=1)
        sources.append(open_source([(made.manifest, made.folder)], tmp_path, 256 * 1024**2))
    numbers, texts = sources
    assert texts.units_are_texts
    assert not numbers.units_are_texts
    assert sorted(map(repr, recompute(texts, QUERY, 1000))) == sorted(
        map(repr, recompute(numbers, QUERY, 1000))
    )
