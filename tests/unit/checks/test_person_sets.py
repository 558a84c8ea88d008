"""Who stands behind each number: margins, conditions, joins, texts as persons, hidden numbers."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from pathlib import Path

import pytest

from egress_review.checks.differencing import numbering
from egress_review.checks.differencing.person_sets import Remembered, remember
from egress_review.checks.differencing.sets import BASE, COUNT, VALUE, to_bytes
from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import HiddenRow
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.opening import open_source
from onggi.claim import claim_from_json
from tests.support.check_tables import Source, small_source

PEOPLE = """
SELECT n AS person_id, CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END AS sex,
       CASE WHEN n % 5 = 0 THEN NULL ELSE n % 3 END AS area,
       CASE WHEN n % 7 = 0 THEN NULL ELSE n * 1.5 END AS cost
FROM range(1, 101) AS r(n)
"""
VISITS = "SELECT 1 + n % 60 AS person_id, n AS days FROM range(300) AS r(n)"
TEXTS = "SELECT 'person ' || n AS person_id, 'F' AS sex FROM range(100) AS r(n)"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    people = ("person_id BIGINT, sex VARCHAR, area BIGINT, cost DOUBLE", PEOPLE)
    visits = ("person_id BIGINT, days BIGINT", VISITS)
    return small_source(tmp_path_factory.mktemp("data") / "small", {"person": people, "visit": visits})


def remembered(source: Source, sql: str, folder: Path, hidden: Collection[HiddenRow] = ()) -> Remembered:
    query = read_query(claim_from_json(source.table(sql).claim), Catalogue([source.manifest]))
    opened = open_source([(source.manifest, source.folder)], folder, 2**30)
    with opened.connect() as database:
        return remember(database, query, 1000, hidden)


def persons_of(made: Remembered, place: int) -> set[int]:
    (at,) = [at for at, one in enumerate(made.sets.place) if one == place]
    return set(made.sets.members(at).tolist())


def test_cells_and_margins_hold_their_persons(source: Source, tmp_path: Path) -> None:
    sql = "SELECT sex, area, count(DISTINCT person_id) AS n FROM small.person GROUP BY CUBE (sex, area)"
    made = remembered(source, sql, tmp_path)
    for place, number in enumerate(made.numbers):
        here = {
            n for n in range(1, 101)
            if number.key.get("sex") in {None, "F" if n % 2 == 0 else "M"}
            and number.key.get("area") in {None, "" if n % 5 == 0 else str(n % 3)}
        }  # fmt: skip
        assert persons_of(made, place) == here
        assert (number.value, number.persons) == (str(len(here)), len(here))
    assert sorted(len(one.sets) for one in made.sets.families) == [1, 2, 4, 8]
    assert all(one.disjoint and one.tags == {COUNT} for one in made.sets.families)


def test_contributors_and_the_group_behind_them_are_told_apart(source: Source, tmp_path: Path) -> None:
    made = remembered(source, "SELECT sex, avg(cost) AS mean FROM small.person GROUP BY sex", tmp_path)
    tags = {frozenset(one.tags): one for one in made.sets.families}
    assert set(tags) == {frozenset({f"{VALUE}cost"}), frozenset({BASE})}
    with_cost = tags[frozenset({f"{VALUE}cost"})].sets[0]
    women = {n for n in range(1, 101) if n % 2 == 0}
    assert set(made.sets.members(with_cost).tolist()) == {n for n in women if n % 7}
    assert set(made.sets.members(tags[frozenset({BASE})].sets[0]).tolist()) == women


def test_a_person_in_several_cells_makes_no_partition(source: Source, tmp_path: Path) -> None:
    sql = "SELECT days % 7 AS day, count(*) AS visits FROM small.visit GROUP BY day"
    made = remembered(source, sql, tmp_path)
    assert [one.disjoint for one in made.sets.families] == [False]


def test_who_is_left_by_having_is_left(source: Source, tmp_path: Path) -> None:
    sql = (
        "SELECT area, count(DISTINCT person_id) AS n FROM small.person"
        " GROUP BY area HAVING count(DISTINCT person_id) >= 27"
    )
    made = remembered(source, sql, tmp_path)
    assert [number.persons for number in made.numbers] == [len(persons_of(made, at)) for at in range(2)]


def test_a_hidden_number_has_no_set(source: Source, tmp_path: Path) -> None:
    sql = "SELECT sex, count(DISTINCT person_id) AS n FROM small.person GROUP BY sex"
    made = remembered(source, sql, tmp_path, [HiddenRow(("F",), (0,))])
    assert [number.key["sex"] for number in made.numbers] == ["F", "M"]
    assert made.sets.place == (1,)


def test_texts_are_persons_with_the_same_number_everywhere(tmp_path: Path) -> None:
    source = small_source(tmp_path / "texts", {"person": ("person_id VARCHAR, sex VARCHAR", TEXTS)})
    made = remembered(source, "SELECT count(DISTINCT person_id) AS n FROM small.person", tmp_path)
    expected = {int(hashlib.sha256(f"person {n}".encode()).hexdigest()[:16], 16) for n in range(100)}
    assert persons_of(made, 0) == expected


def test_two_texts_with_one_number_are_not_proven(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(numbering, "hashed", lambda text: f"(length({text}))::UBIGINT")
    source = small_source(tmp_path / "texts", {"person": ("person_id VARCHAR, sex VARCHAR", TEXTS)})
    with pytest.raises(CheckStopped) as stopped:
        remembered(source, "SELECT count(DISTINCT person_id) AS n FROM small.person", tmp_path)
    assert stopped.value.finding.code is FindingCode.QUERY_FAILED


def test_the_same_claim_gives_the_same_sets(source: Source, tmp_path: Path) -> None:
    sql = "SELECT sex, area, sum(cost) AS total FROM small.person GROUP BY ROLLUP (sex, area)"
    once, again = (remembered(source, sql, tmp_path) for _ in range(2))
    assert to_bytes(once.sets) == to_bytes(again.sets)
    assert once.numbers == again.numbers
