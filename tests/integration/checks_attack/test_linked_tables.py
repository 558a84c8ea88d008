"""Tables that are harmless alone: of one request, and beside an earlier release."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from egress_review.checks.attack import linked
from egress_review.checks.differencing.job import (
    DifferencingJob,
    LedgerTable,
    TableAnswer,
    TableToRemember,
    job_from_json,
)
from egress_review.checks.differencing.worker import answer
from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.hidden import HiddenRow
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.report import Finding
from tests.support.check_tables import Source, small_source

# ACRO's case: in 2010 there are 3 persons with a grant and 40 without, 43 together.
PERSONS = """
SELECT row_number() OVER () AS person_id, year, kind FROM (
  SELECT 2010 AS year, 'G' AS kind FROM range(3) UNION ALL SELECT 2010, 'N' FROM range(40)
  UNION ALL SELECT 2011, 'G' FROM range(30) UNION ALL SELECT 2011, 'N' FROM range(25))
"""
COUNT = "count(DISTINCT person_id) AS n FROM small.person"
BY_YEAR = f"SELECT year, {COUNT} GROUP BY year"
BY_YEAR_AND_KIND = f"SELECT year, kind, {COUNT} GROUP BY year, kind"
WITHOUT_SMALL = f"{BY_YEAR_AND_KIND} HAVING count(DISTINCT person_id) >= 10"
THE_THREE = (HiddenRow(("2010", "G"), (0,)),)


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    columns = "person_id BIGINT, year BIGINT, kind VARCHAR"
    return small_source(tmp_path_factory.mktemp("data") / "small", {"person": (columns, PERSONS)})


def table(source: Source, sql: str, *hidden: HiddenRow) -> TableToRemember:
    return TableToRemember(source.table(sql).claim, hidden)


def released(source: Source, folder: Path, *tables: TableToRemember) -> tuple[LedgerTable, ...]:
    made = answered(source, folder, tables, (), keep=True)
    found = []
    for number, (one, said) in enumerate(zip(tables, made, strict=True), 1):
        sha256 = hashlib.sha256(said.sets).hexdigest()
        (folder / sha256).write_bytes(said.sets)
        found.append(LedgerTable(sha256, str(folder / sha256), f"rel-{number}", one.claim, one.hidden))
    return tuple(found)


def answered(
    source: Source,
    folder: Path,
    tables: tuple[TableToRemember, ...],
    ledger: tuple[LedgerTable, ...] = (),
    policy: CheckPolicy | None = None,
    *,
    keep: bool = False,
) -> tuple[TableAnswer, ...]:
    asked = DifferencingJob(
        tables, (source.granted,), ledger, policy or CheckPolicy(), keep=keep, scratch=str(folder)
    )
    return answer(job_from_json(asked.to_json())).tables


def about(found: Finding) -> tuple[Code, dict[str, str] | None, str]:
    return found.code, None if found.cell is None else dict(found.cell), found.params.get("witness", "")


RECOVERED = (
    Code.CELL_RECOVERABLE,
    {"year": "2010", "kind": "G"},
    "[year=2010] 43 − [kind=N, year=2010] 40 = 3",
)


@pytest.mark.parametrize("detailed", [(BY_YEAR_AND_KIND, *THE_THREE), (WITHOUT_SMALL,)])
def test_two_outputs_of_one_request_give_a_cell_away(
    source: Source, tmp_path: Path, detailed: tuple[str, *tuple[HiddenRow, ...]]
) -> None:
    sums, cells = answered(source, tmp_path, (table(source, BY_YEAR), table(source, *detailed)))
    (found,) = cells.findings
    shown = RECOVERED[1] if detailed[1:] else {}  # a row that is not in the file has no key there
    assert about(found) == (RECOVERED[0], shown, RECOVERED[2])
    (found,) = sums.findings
    assert about(found) == (RECOVERED[0], None, RECOVERED[2])


def test_a_released_table_gives_a_cell_of_a_new_one_away(source: Source, tmp_path: Path) -> None:
    ledger = released(source, tmp_path, table(source, BY_YEAR))
    (cells,) = answered(source, tmp_path, (table(source, BY_YEAR_AND_KIND, *THE_THREE),), ledger)
    (found,) = cells.findings
    assert about(found) == (RECOVERED[0], RECOVERED[1], "rel-1" + RECOVERED[2])


def test_releases_that_show_the_same_are_one(
    source: Source, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A project that shows its persons by year in every release is not stuck."""
    monkeypatch.setattr(linked, "MOST_TABLES", 2)
    again = [f"SELECT year AS y{at}, {COUNT} GROUP BY year".replace("AS n", f"AS n{at}") for at in range(5)]
    ledger = released(source, tmp_path, *(table(source, one) for one in again))
    (cells,) = answered(source, tmp_path, (table(source, BY_YEAR_AND_KIND, *THE_THREE),), ledger)
    (found,) = cells.findings
    assert about(found) == (RECOVERED[0], RECOVERED[1], "rel-1" + RECOVERED[2])


def test_a_new_table_gives_a_cell_of_a_released_one_away(source: Source, tmp_path: Path) -> None:
    ledger = released(source, tmp_path, table(source, BY_YEAR_AND_KIND, *THE_THREE))
    (sums,) = answered(source, tmp_path, (table(source, BY_YEAR),), ledger)
    assert [one.code for one in sums.findings] == [Code.CELL_RECOVERABLE]


def test_what_releases_give_away_alone_is_not_held_against_a_new_table(
    source: Source, tmp_path: Path
) -> None:
    old = table(source, BY_YEAR), table(source, BY_YEAR_AND_KIND, *THE_THREE)
    ledger = released(source, tmp_path, *old)
    (new,) = answered(source, tmp_path, (table(source, f"SELECT kind, {COUNT} GROUP BY kind"),), ledger)
    assert new.findings == ()


def test_where_either_of_two_would_do_the_table_that_hides_answers(source: Source, tmp_path: Path) -> None:
    sums = table(source, BY_YEAR), table(source, f"SELECT {COUNT}")
    said = answered(source, tmp_path, (*sums, table(source, BY_YEAR_AND_KIND, *THE_THREE)))
    assert [bool(one.findings) for one in said] == [False, False, True]


def test_hidden_partners_keep_the_cell_safe(source: Source, tmp_path: Path) -> None:
    partners = [HiddenRow((year, kind), (0,)) for year in ("2010", "2011") for kind in "GN"]
    both = table(source, BY_YEAR), table(source, BY_YEAR_AND_KIND, *partners)
    assert [one.findings for one in answered(source, tmp_path, both)] == [(), ()]


def test_nothing_is_hidden_so_nothing_is_attacked(source: Source, tmp_path: Path) -> None:
    both = table(source, BY_YEAR), table(source, BY_YEAR_AND_KIND)
    assert [one.findings for one in answered(source, tmp_path, both)] == [(), ()]


def test_without_time_nothing_is_proven(source: Source, tmp_path: Path) -> None:
    both = table(source, BY_YEAR), table(source, BY_YEAR_AND_KIND, *THE_THREE)
    said = answered(source, tmp_path, both, policy=CheckPolicy(time_s=0.001))
    assert [[found.code for found in one.findings] for one in said] == [[Code.ATTACK_OVER_BUDGET]] * 2


def test_what_others_hide_is_not_counted(source: Source, tmp_path: Path) -> None:
    ledger = released(source, tmp_path, table(source, BY_YEAR_AND_KIND, *THE_THREE))
    policy = CheckPolicy(time_s=0.001)
    (new,) = answered(source, tmp_path, (table(source, BY_YEAR),), ledger, policy)
    assert [(one.code, one.params["cells"]) for one in new.findings] == [(Code.ATTACK_OVER_BUDGET, "0")]


CUBE = f"SELECT year, kind, {COUNT} GROUP BY CUBE (year, kind)"


@pytest.mark.parametrize(
    "hidden", [(), tuple(HiddenRow((year, kind), (0,)) for year in ("2010", "2011") for kind in "GN")]
)
def test_a_table_alone_is_not_held_against_its_own_margins(
    source: Source, tmp_path: Path, hidden: tuple[HiddenRow, ...]
) -> None:
    """43 without 40 leaves the 3 that stand rounded, or hidden, in the same table."""
    asked = DifferencingJob(
        (table(source, CUBE, *hidden),), (source.granted,), (), CheckPolicy(), scratch=str(tmp_path)
    )
    assert answer(asked).hits == ()


def test_the_margin_of_another_table_is_held_against_the_cell(source: Source, tmp_path: Path) -> None:
    both = table(source, BY_YEAR), table(source, CUBE)
    asked = DifferencingJob(both, (source.granted,), (), CheckPolicy(), scratch=str(tmp_path))
    assert {one.difference for one in answer(asked).hits} == {3}


def test_rows_that_share_persons_are_held_against_each_other(source: Source, tmp_path: Path) -> None:
    """Two conditions of one table that differ by three persons are no margin and cell."""
    sql = f"SELECT {COUNT}, count(DISTINCT CASE WHEN kind = 'N' OR year = 2011 THEN person_id END) AS m"
    both = table(source, sql.replace(f"{COUNT}, ", "").replace("AS m", "AS m FROM small.person"))
    asked = DifferencingJob(
        (table(source, f"SELECT {COUNT}"), both), (source.granted,), (), CheckPolicy(), scratch=str(tmp_path)
    )
    assert {one.difference for one in answer(asked).hits} == {3}
