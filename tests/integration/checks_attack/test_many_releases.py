"""A year of releases about one population, each cut in another way."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import combinations, islice, product
from pathlib import Path

import duckdb
import pytest

from egress_review.checks.attack.linked import Linked, attack_linked
from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.hidden import HiddenRow, levels
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.source.opening import open_source
from onggi.claim import claim_from_json
from onggi.table_form import view_statements
from tests.support.check_tables import Source, small_source

LEAST = 10
SECONDS = 24.0
"""What the attack has of a check's minute."""

COLUMNS = (
    "person_id BIGINT, age BIGINT, sex VARCHAR, bmi DOUBLE, region VARCHAR, smoker BOOLEAN, year BIGINT, "
    "code VARCHAR"
)
PERSONS = """
SELECT i, 18 + hash(i * 7) % 70, CASE WHEN hash(i * 3) % 100 < 53 THEN 'F' ELSE 'M' END,
       16 + (hash(i * 11) % 2500) / 100.0, 'R' || (hash(i * 13) % 9), hash(i * 17) % 5 = 0,
       1997 + hash(i * 19) % 20, chr((65 + hash(i * 29) % 12)::INT)
FROM range(17549) t(i)
"""
BANDS = {
    "age": [f"age // {years}" for years in (5, 6, 7, 8, 9, 10, 12, 13)],
    "bmi": ["CASE WHEN bmi < 25 THEN 'n' WHEN bmi < 30 THEN 'o' ELSE 'x' END", "floor(bmi / 5)", "bmi < 28"],
    "year": ["year // 3", "year // 5", "CASE WHEN year < 2007 THEN 0 ELSE 1 END"],
    "sex": ["sex"],
    "region": ["region"],
    "smoker": ["smoker"],
    "code": ["code", "code < 'F'"],
}
"""No band begins at 22."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return small_source(tmp_path_factory.mktemp("data") / "small", {"person": (COLUMNS, PERSONS)})


def cuts() -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys and filters, each pair once; every sixth has a filter."""
    wanted = (
        keys
        for size in (1, 2, 3)
        for names in combinations(sorted(BANDS), size)
        for keys in product(*(BANDS[name] for name in names))
    )
    for number, keys in enumerate(wanted):
        yield keys, "smoker" if number % 6 == 5 and "smoker" not in keys else ""


def table(source: Source, folder: Path, keys: tuple[str, ...], where: str, name: str = "") -> Linked:
    """A table that hides its small cells."""
    names = ", ".join(f"k{at}" for at in range(len(keys)))
    shown = ", ".join(f"{key} AS k{at}" for at, key in enumerate(keys))
    filtered = f" WHERE {where}" if where else ""
    sql = f"SELECT {shown}, count(DISTINCT person_id) AS n FROM person{filtered} GROUP BY {names}"
    claim = claim_from_json(source.made(sql, b"", [*names.split(", "), "n"]).claim)
    with duckdb.connect() as database:
        for statement in view_statements([(source.manifest, source.folder)]):
            database.execute(statement)
        found = database.execute(sql).fetchall()
    hidden = tuple(HiddenRow(levels(row[:-1], 0), (0,)) for row in found if row[-1] < LEAST)
    pairs = [(source.manifest, source.folder)]
    query = read_query(claim, Catalogue(manifest for manifest, _ in pairs))
    return Linked(claim, query, open_source(pairs, folder, 2**30), hidden, name)


@pytest.fixture(scope="module")
def released(source: Source, tmp_path_factory: pytest.TempPathFactory) -> list[Linked]:
    folder = tmp_path_factory.mktemp("spilled")
    asked = list(islice(cuts(), 300))
    asked[249] = ("age < 22", "code"), ""
    return [table(source, folder, *one, name=f"rel-{at}") for at, one in enumerate(asked, 1)]


def attacked(new: Linked, released: list[Linked]) -> set[tuple[Code, str]]:
    start = time.monotonic()
    (found,) = attack_linked([new], released, CheckPolicy(), start + SECONDS)
    return {(one.code, one.params.get("witness", "")) for one in found}


YOUNG = ("region = 'R0'", "code"), "age < 22"


def test_a_cell_is_recovered_through_one_of_three_hundred(
    source: Source, released: list[Linked], tmp_path: Path
) -> None:
    new = table(source, tmp_path, *YOUNG)
    assert new.hidden
    found = attacked(new, released)
    assert {code for code, _ in found} == {Code.CELL_RECOVERABLE}
    assert all("rel-250[" in witness for _, witness in found)
    assert attacked(new, [*released[:249], *released[250:]]) == set()


@pytest.mark.parametrize(
    "cut",
    [
        (("age // 20", "region"), ""),
        (("age // 11", "sex"), ""),
        (("age // 11", "smoker", "code < 'F'"), ""),
    ],
)
def test_three_hundred_releases_are_judged_in_time(
    source: Source, released: list[Linked], tmp_path: Path, cut: tuple[tuple[str, ...], str]
) -> None:
    assert len(released) == 300
    said = {code for code, _ in attacked(table(source, tmp_path, *cut), released)}
    assert Code.ATTACK_OVER_BUDGET not in said
