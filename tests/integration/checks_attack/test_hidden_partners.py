"""A cell that a release hides for another's sake, published later over the same people by another FROM."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from egress_review.checks.differencing.hits import Hit
from egress_review.checks.differencing.job import DifferencingJob, LedgerTable, TableToRemember, job_from_json
from egress_review.checks.differencing.worker import answer
from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.hidden import HiddenRow
from egress_review.checks.policy import CheckPolicy
from tests.support.check_tables import Source, small_source

SIZES = {"A": 3, "B": 20, "C": 25, "D": 35, "E": 45}
PERSONS = "SELECT row_number() OVER () AS person_id, kind FROM ({})".format(
    " UNION ALL ".join(f"SELECT '{kind}' AS kind FROM range({size})" for kind, size in SIZES.items())
)
N = "count(DISTINCT person_id) AS n"
RELEASED = f"SELECT kind, {N} FROM small.person GROUP BY ROLLUP (kind)"
HAVING = f"{RELEASED} HAVING count(DISTINCT person_id) >= 21"
BOTH = (HiddenRow(("A",), (0,)), HiddenRow(("B",), (0,)))
OWN = "WITH own AS (SELECT {0} FROM small.person{1})"
BY_PERSON = OWN.format("person_id, max(kind) AS k", " GROUP BY person_id")
TWICE = "small.person AS p JOIN small.person AS q ON p.person_id = q.person_id"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    columns = "person_id BIGINT, kind VARCHAR"
    return small_source(tmp_path_factory.mktemp("data") / "small", {"person": (columns, PERSONS)})


def compared(
    source: Source, folder: Path, sql: str, released: str = RELEASED, hidden: tuple[HiddenRow, ...] = BOTH
) -> list[Hit]:
    """What a new table and one released table say together about persons."""

    def asked(sql: str, *rows: HiddenRow, ledger: tuple[LedgerTable, ...] = ()) -> DifferencingJob:
        tables = (TableToRemember(source.table(sql).claim, rows),)
        made = DifferencingJob(
            tables, (source.granted,), ledger, CheckPolicy(), keep=True, scratch=str(folder)
        )
        return job_from_json(made.to_json())

    old = asked(released, *hidden)
    sets = answer(old).tables[0].sets
    path = folder / "sets"
    path.write_bytes(sets)
    entry = LedgerTable(hashlib.sha256(sets).hexdigest(), str(path), "rel-1", old.tables[0].claim, hidden)
    said = answer(asked(sql, ledger=(entry,)))
    assert said.complete
    return list(said.hits)


@pytest.mark.parametrize(
    "sql",
    [
        f"SELECT kind, {N} FROM small.person WHERE kind = 'B' GROUP BY kind",
        f"{OWN.format('*', '')} SELECT kind, {N} FROM own WHERE kind = 'B' GROUP BY kind",
        f"{OWN.format('person_id, kind AS k', '')} SELECT k, {N} FROM own WHERE k = 'B' GROUP BY k",
        f"SELECT p.kind, count(DISTINCT p.person_id) AS n FROM {TWICE} WHERE p.kind = 'B' GROUP BY p.kind",
        f"{BY_PERSON} SELECT k, {N} FROM own WHERE k = 'B' GROUP BY k",
    ],
)
@pytest.mark.parametrize(("released", "hidden"), [(RELEASED, BOTH), (HAVING, ())])
def test_who_shows_a_hidden_partner_shows_the_cell_that_it_protects(
    source: Source, tmp_path: Path, sql: str, released: str, hidden: tuple[HiddenRow, ...]
) -> None:
    """128 - 25 - 35 - 45 = 23 are hidden; 20 of them are published now."""
    (hit,) = compared(source, tmp_path, sql, released, hidden)
    assert (hit.difference, hit.alike, len(hit.parts)) == (3, True, 4)


def test_both_hidden_cells_together_are_what_everybody_can_calculate(source: Source, tmp_path: Path) -> None:
    sql = f"{OWN.format('*', '')} SELECT kind < 'C' AS few, {N} FROM own GROUP BY few"
    assert compared(source, tmp_path, sql) == []


def test_where_nothing_is_hidden_nothing_is_left(source: Source, tmp_path: Path) -> None:
    released = f"SELECT kind < 'C' AS few, {N} FROM small.person GROUP BY ROLLUP (few)"
    sql = f"SELECT kind < 'D' AS few, {N} FROM small.person GROUP BY ROLLUP (few)"
    assert compared(source, tmp_path, sql, released, ()) == []


COSTS = """
SELECT row_number() OVER () AS person_id, kind,
       CASE WHEN row_number() OVER () = 1 THEN 99999 ELSE 10 END AS cost
FROM (SELECT 'A' AS kind FROM range(30) UNION ALL SELECT 'B' FROM range(20)
      UNION ALL SELECT 'C' FROM range(35))
"""


@pytest.mark.parametrize("shown", ["sum(cost) AS s", "avg(cost) AS a, count(cost) AS n", "avg(cost) AS a"])
def test_an_average_of_a_hidden_partner_is_its_sum(tmp_path: Path, shown: str) -> None:
    """One person is nearly all of A; B is hidden beside it, and how many B are everybody knows."""
    columns = "person_id BIGINT, kind VARCHAR, cost BIGINT"
    source = small_source(tmp_path / "costs", {"person": (columns, COSTS)})
    released = "SELECT kind, sum(cost) AS s FROM small.person GROUP BY ROLLUP (kind)"
    new = f"SELECT kind, {shown} FROM small.person WHERE kind = 'B' GROUP BY kind"
    tables = tuple(
        TableToRemember(source.table(sql).claim, rows) for sql, rows in ((released, BOTH), (new, ()))
    )
    job = DifferencingJob(tables, (source.granted,), (), CheckPolicy(), scratch=str(tmp_path))
    said = [one.code for table in answer(job_from_json(job.to_json())).tables for one in table.findings]
    assert Code.CELL_RECOVERABLE in said
