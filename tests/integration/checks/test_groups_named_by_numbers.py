"""Groups that the evidence names by a number are the groups of their keys; two with one number stop it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.reading.query import Key, Kind, Measure, Query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source import partials
from egress_review.checks.source import recompute as module
from egress_review.checks.source.evidence import Group
from egress_review.checks.source.opening import Source, open_source
from egress_review.checks.source.recompute import Wanted, recompute
from tests.support.check_tables import small_source

# Keys that SQL takes for one another, or that look alike: zeros, NaN, NULL, empty texts, 1 and true.
ROWS = """
SELECT n % 70 AS person_id,
       CASE n % 5 WHEN 0 THEN 0.0 WHEN 1 THEN -0.0 WHEN 2 THEN 'NaN'::DOUBLE
            WHEN 3 THEN NULL ELSE 1.0 END AS x,
       CASE n % 7 WHEN 0 THEN '' WHEN 1 THEN NULL WHEN 2 THEN '남'
            WHEN 3 THEN 'a text of more than twelve bytes' ELSE '1' END AS t,
       CASE n % 3 WHEN 0 THEN true WHEN 1 THEN NULL ELSE false END AS yes,
       CASE n % 11 WHEN 0 THEN NULL ELSE 9007199254740993 + n % 2 END AS big,
       DATE '1969-12-31' + (n % 3)::INT AS day,
       CASE n % 13 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::DOUBLE WHEN 2 THEN -'Infinity'::DOUBLE
            ELSE n % 9 - 4 END AS v,
       'h' || n % 4 AS hospital
FROM range(3000) AS r(n)
"""
COLUMNS = (
    "person_id BIGINT, x DOUBLE, t VARCHAR, yes BOOLEAN, big BIGINT, day DATE, v DOUBLE, hospital VARCHAR"
)
V = '"r"."v"'
THERE = f"{V} IS NOT NULL"
KEYS = tuple(Key(name, f'"r"."{name}"') for name in ("x", "t", "yes", "big", "day"))
QUERY = Query(
    items=(
        *KEYS,
        Measure("n", "count(*)", Kind.COUNT),
        Measure("s", f"sum({V})", Kind.SUM, f"({THERE} AND {V} <> 0)", V),
        Measure("m", f"max({V})", Kind.MAXIMUM, THERE, V),
        Measure("often", f"mode({V})", Kind.MODE, THERE, V),
    ),
    from_sql='"small"."rows" AS "r"',
    where_sql="",
    having_sql="",
    units=('"r"."person_id"',),
    second_unit='"r"."hospital"',
    grouping_sets=(tuple(range(len(KEYS))),),
)


@pytest.fixture
def source(tmp_path: Path) -> Source:
    made = small_source(tmp_path / "d", {"rows": (COLUMNS, ROWS)})
    return open_source([(made.manifest, made.folder)], tmp_path, 256 * 1024**2)


def told(source: Source, query: Query) -> list[str]:
    def shown(group: Group) -> str:
        return repr(group)

    return sorted(map(shown, recompute(source, query, 10_000, Wanted(institutions=True))))


@pytest.mark.parametrize("keys", [KEYS, KEYS[:2], KEYS[1:3], KEYS[3:], KEYS[:1], ()])
@pytest.mark.parametrize("passes", [1, 3])
def test_the_numbers_name_the_same_groups(
    keys: tuple[Key, ...], passes: int, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    measures = [item for item in QUERY.items if isinstance(item, Measure)]
    query = replace(QUERY, items=(*keys, *measures), grouping_sets=(tuple(range(len(keys))),))
    assert (partials.numbered(query) is query) is (len(keys) < 2)
    monkeypatch.setattr(module, "BYTES_A_ROW", passes * 256 * 1024**2 // 3000)
    by_number = told(source, query)
    monkeypatch.setattr(partials, "numbered", lambda query: query)
    assert by_number == told(source, query)


def test_two_groups_with_one_number_stop_the_check(source: Source, monkeypatch: pytest.MonkeyPatch) -> None:
    def narrow(query: Query) -> Query:
        keys = ", ".join(key.sql for key in query.keys)
        return replace(query, items=(Key("", f"hash({keys}) % 40"), *query.measures), grouping_sets=((0,),))

    monkeypatch.setattr(partials, "numbered", narrow)
    with pytest.raises(CheckStopped) as stopped:
        recompute(source, QUERY, 10_000)
    assert stopped.value.finding.code is Code.QUERY_FAILED


@pytest.mark.parametrize(
    "changed", [{"having_sql": "count(*) > 1"}, {"grouping_sets": ((0, 1, 2, 3, 4), (0,))}]
)
def test_groups_that_are_not_all_seen_keep_their_keys(changed: dict[str, object]) -> None:
    query = replace(QUERY, **changed)  # type: ignore[arg-type]
    assert partials.numbered(query) is query
