"""A year of releases about one population, each cut in another way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations, product
from pathlib import Path

import duckdb

from egress_review.checks.attack.linked import Linked
from egress_review.checks.hidden import HiddenRow, levels
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.source.opening import open_source
from onggi.claim import claim_from_json
from onggi.table_form import view_statements
from tests.support.check_tables import Source

LEAST = 10
"""Counts below are hidden."""

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


def cuts(filters: Sequence[str] = ("smoker",)) -> Iterator[tuple[tuple[str, ...], str]]:
    """Keys and filters, each pair once; every sixth has a filter, one after the other."""
    wanted = (
        keys
        for size in (1, 2, 3)
        for names in combinations(sorted(BANDS), size)
        for keys in product(*(BANDS[name] for name in names))
    )
    for number, keys in enumerate(wanted):
        where = filters[number // 6 % len(filters)]
        yield keys, where if number % 6 == 5 and where not in keys else ""


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
