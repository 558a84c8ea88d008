"""Hidden cells from claim to finding, and protected tables from claim to a file that passes."""

from __future__ import annotations

import hashlib
import itertools
import json
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from egress_review.checks.boxed import Worker
from egress_review.checks.findings import FindingCode, Verdict
from egress_review.checks.order import Order
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.protect.job import ProtectAnswer, ProtectJob, Stopped, answer_from_json
from egress_review.checks.protect.runner import run_protect
from egress_review.checks.protect.way import Way
from egress_review.checks.protect.worker import answer
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.report import OutputReport
from egress_review.checks.rules.document import shipped
from egress_review.checks.worker import check
from onggi.claim import MIDPOINT_BASE, Rounding, RoundingMethod, claim_from_json
from onggi.errors import Invalid
from onggi.table_form import csv_bytes
from tests.support.check_tables import Made, Source, Vault, small_source

# Two years by three grants: 3 persons in (2010, G), 40, 50; 30, 25, 20. One person has (2011, X) alone.
PERSONS = """
SELECT row_number() OVER () AS person_id, year, kind, 10.0 + (row_number() OVER ()) % 7 AS cost FROM (
  SELECT 2010 AS year, 'G' AS kind FROM range(3) UNION ALL SELECT 2010, 'N' FROM range(40)
  UNION ALL SELECT 2010, 'R' FROM range(50) UNION ALL SELECT 2011, 'G' FROM range(30)
  UNION ALL SELECT 2011, 'N' FROM range(25) UNION ALL SELECT 2011, 'R' FROM range(20))
"""
CUBE = "SELECT year, kind, count(DISTINCT person_id) AS n FROM person GROUP BY CUBE (year, kind)"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    columns = "person_id BIGINT, year BIGINT, kind VARCHAR, cost DOUBLE"
    return small_source(tmp_path_factory.mktemp("data") / "small", {"person": (columns, PERSONS)})


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    folder = tmp_path / "vault"
    folder.mkdir()
    return Vault(folder)


def checked(made: Made, source: Source, vault: Vault) -> OutputReport:
    output = vault.keep(made.body, "table.csv", made.claim)
    with tempfile.TemporaryDirectory() as scratch:
        return check(
            Order(
                output.name,
                output.sha256,
                output.path,
                scratch,
                output.claim,
                (source.granted,),
                vault.policy,
            )
        )


def marked(made: Made, *edits: tuple[str, str]) -> Made:
    for old, new in edits:
        made = made.edited(old, new)
    claim = replace(claim_from_json(made.claim), suppressed=("*",))
    return Made(made.body, claim.to_json())


def job(made: Made, source: Source, way: Way, **changed: Any) -> ProtectJob:
    return replace(ProtectJob(made.claim, (source.granted,), CheckPolicy(), way), **changed)


def protected(made: Made, source: Source, way: Way, **changed: Any) -> ProtectAnswer:
    with tempfile.TemporaryDirectory() as scratch:
        asked = replace(job(made, source, way, **changed), scratch=scratch)
        said = answer_from_json(json.dumps(answer(asked)).encode())
    assert isinstance(said, ProtectAnswer)
    return said


def written(said: ProtectAnswer, made: Made, rounding: Rounding | None = None) -> Made:
    """The file that a notebook writes of an answer."""
    rows = [list(row) for row in said.rows]
    for row, column in said.hidden:
        rows[row][column] = "*"
    body = csv_bytes(said.columns, rows)
    claim = replace(
        claim_from_json(made.claim),
        output_sha256=hashlib.sha256(body).hexdigest(),
        suppressed=("*",) if said.hidden else (),
        rounding=rounding,
    )
    return Made(body, claim.to_json())


def codes(report: OutputReport) -> set[FindingCode]:
    return {one.code for one in report.findings}


def test_a_hidden_cell_that_a_margin_gives_away_is_blocked(source: Source, vault: Vault) -> None:
    report = checked(marked(source.table(CUBE), ("2010,G,3\n", "2010,G,*\n")), source, vault)
    (found,) = [one for one in report.findings if one.code is FindingCode.CELL_RECOVERABLE]
    assert found.cell == {"year": "2010", "kind": "G"}
    assert found.params["witness"] in {
        "[kind=G] 33 − [kind=G, year=2011] 30 = 3",
        "[year=2010] 93 − [kind=R, year=2010] 50 − [kind=N, year=2010] 40 = 3",
    }
    assert FindingCode.THRESHOLD not in codes(report)


def test_four_hidden_cells_are_not_found_out(source: Source, vault: Vault) -> None:
    edits = [
        ("2010,G,3\n", "2010,G,*\n"),
        ("2010,N,40\n", "2010,N,*\n"),
        ("2011,G,30\n", "2011,G,*\n"),
        ("2011,N,25\n", "2011,N,*\n"),
    ]
    report = checked(marked(source.table(CUBE), *edits), source, vault)
    hidden = {FindingCode.CELL_RECOVERABLE, FindingCode.INTERVAL_NARROW, FindingCode.ATTACK_OVER_BUDGET}
    assert not codes(report) & hidden


def test_a_group_that_having_leaves_out_is_found_by_its_margin(source: Source, vault: Vault) -> None:
    sql = f"{CUBE} HAVING count(DISTINCT person_id) >= 10"
    report = checked(source.table(sql), source, vault)
    (found,) = [one for one in report.findings if one.code is FindingCode.CELL_RECOVERABLE]
    assert found.cell is None or found.cell == {}
    assert found.params["witness"].endswith("= 3")


@pytest.mark.parametrize("way", [Way.SUPPRESS, Way.ROUND])
def test_what_is_protected_passes_the_attack(source: Source, vault: Vault, way: Way) -> None:
    made = source.table(CUBE)
    said = protected(made, source, way)
    assert said.safe
    assert said.losses["n"].primary == 1
    assert said.losses["n"].secondary == 3
    rounding = Rounding(RoundingMethod.BASE, 5) if way is Way.ROUND else None
    report = checked(written(said, made, rounding), source, vault)
    assert codes(report) == {FindingCode.RECOMPUTED, FindingCode.SUPPRESSED_NEEDED}
    assert report.verdict is Verdict.PASS
    (needed,) = [one for one in report.findings if one.code is FindingCode.SUPPRESSED_NEEDED]
    assert needed.params == {"cells": "4", "primary": "1", "partners": "3", "percent": "10"}


def test_marks_that_the_gate_would_not_make_are_read_by_people(source: Source, vault: Vault) -> None:
    """Another rectangle is as safe, and could be a message: which of several it is says something."""
    said = protected(source.table(CUBE), source, Way.SUPPRESS)
    own = {tuple(said.rows[row][:2]) for row, _ in said.hidden}
    for year, kind in itertools.product(["2011"], ["N", "R"]):
        rows = [("2010", "G"), ("2010", kind), (year, "G"), (year, kind)]
        numbers = {("2010", "G"): 3, ("2010", "N"): 40, ("2010", "R"): 50}
        numbers |= {("2011", "G"): 30, ("2011", "N"): 25, ("2011", "R"): 20}
        edits = [(f"{a},{b},{numbers[a, b]}\n", f"{a},{b},*\n") for a, b in rows]
        report = checked(marked(source.table(CUBE), *edits), source, vault)
        mine = own == set(rows)
        assert (FindingCode.SUPPRESSED_NEEDED in codes(report)) == mine
        assert (FindingCode.SUPPRESSED_CELLS in codes(report)) != mine
        assert report.verdict is (Verdict.PASS if mine else Verdict.REVIEW)


def test_one_hidden_number_more_is_no_pass(source: Source, vault: Vault) -> None:
    said = protected(source.table(CUBE), source, Way.SUPPRESS)
    more = next(row for row in range(len(said.rows)) if row not in {one for one, _ in said.hidden})
    said = said.model_copy(update={"hidden": [*said.hidden, (more, 2)]})
    assert checked(written(said, source.table(CUBE)), source, vault).verdict is Verdict.REVIEW


def test_only_what_breaks_a_rule_is_hidden_and_no_margin_tells(source: Source, vault: Vault) -> None:
    sql = "SELECT kind, year, count(DISTINCT person_id) AS n FROM person GROUP BY kind, year"
    report = checked(marked(source.table(sql), ("G,2010,3\n", "G,2010,*\n")), source, vault)
    assert report.verdict is Verdict.PASS
    assert FindingCode.SUPPRESSED_NEEDED in codes(report)


def test_a_hidden_median_is_read_by_people(source: Source, vault: Vault) -> None:
    counted = "SELECT kind, count(DISTINCT person_id) AS n, median(cost) AS m FROM person"
    made = source.table(f"{counted} WHERE year = 2010 GROUP BY kind")
    line = next(one for one in made.body.decode().splitlines() if one.startswith("G,"))
    report = checked(marked(made, (f"{line}\n", "G,*,*\n")), source, vault)
    assert FindingCode.SUPPRESSED_CELLS in codes(report)


def test_a_sum_and_a_count_are_protected_together(source: Source) -> None:
    made = source.table(
        "SELECT year, kind, count(DISTINCT person_id) AS n, sum(cost) AS total, avg(cost) AS mean, "
        "median(cost) AS middle FROM person GROUP BY CUBE (year, kind)"
    )
    said = protected(made, source, Way.SUPPRESS)
    assert said.safe
    by_row: dict[int, set[int]] = {}
    for row, column in said.hidden:
        by_row.setdefault(row, set()).add(column)
    assert all(columns == {2, 3, 4, 5} for columns in by_row.values())


@pytest.mark.parametrize(
    "sql",
    [
        # rows and persons are the same here
        (
            "SELECT year, kind, count(*) AS n, count(DISTINCT person_id) AS m FROM person "
            "GROUP BY CUBE (year, kind)"
        ),
        # a filter that is a level
        (
            "SELECT year, kind, count(*) AS n, count(*) FILTER (WHERE kind = 'G') AS g FROM person "
            "GROUP BY CUBE (year, kind)"
        ),
        # bands that nest, side by side and not crossed
        (
            "SELECT kind, kind < 'P' AS wide, count(*) AS n FROM person WHERE year = 2010 "
            "GROUP BY GROUPING SETS ((kind), (kind < 'P'))"
        ),
        "SELECT year // 2 AS two, year, kind, count(*) AS n FROM person GROUP BY ROLLUP (two, year, kind)",
    ],
)
def test_what_hangs_together_is_protected_together(source: Source, vault: Vault, sql: str) -> None:
    made = source.table(sql)
    said = protected(made, source, Way.SUPPRESS, policy=CheckPolicy(profile=shipped("sdap")))
    assert said.safe
    assert said.hidden
    assert checked(written(said, made), source, vault).verdict is Verdict.PASS


def test_a_wide_band_gives_a_narrow_one_away(source: Source, vault: Vault) -> None:
    """No grouping set crosses the two, but every level of the one lies in a level of the other."""
    made = source.table(
        "SELECT kind, kind < 'P' AS wide, count(*) AS n FROM person WHERE year = 2010 "
        "GROUP BY GROUPING SETS ((kind), (kind < 'P'))"
    )
    report = checked(marked(made, ("G,,3\n", "G,,*\n")), source, vault)
    assert FindingCode.CELL_RECOVERABLE in codes(report)


def test_midpoints_hide_no_count(source: Source, vault: Vault) -> None:
    made, policy = source.table(CUBE), CheckPolicy(profile=shipped("opensafely-midpoint6"))
    said = protected(made, source, Way.MIDPOINT6, policy=policy)
    assert said.safe
    assert said.hidden == []
    vault.policy = policy
    report = checked(written(said, made, Rounding(RoundingMethod.MIDPOINT6, MIDPOINT_BASE)), source, vault)
    assert not [one for one in report.findings if one.verdict is Verdict.BLOCK]
    numbers = {row[2] for row in said.rows}
    assert all(int(one or 0) % MIDPOINT_BASE == 3 for one in numbers)


def test_a_profile_without_midpoints_takes_none(source: Source) -> None:
    said = protected(source.table(CUBE), source, Way.MIDPOINT6)
    assert not said.safe
    assert {one.code for one in said.findings} == {"threshold"}


def test_bands_are_proposed_with_what_they_cost(source: Source) -> None:
    made = source.table("SELECT kind, year, count(DISTINCT person_id) AS n FROM person GROUP BY kind, year")
    said = protected(made, source, Way.MERGE)
    assert said.safe
    assert said.bands is not None
    assert said.bands.key in {"kind", "year"}
    assert said.losses["n"].merged_levels >= 1


def test_missing_levels_and_margins_are_told_apart(source: Source) -> None:
    sql = (
        "SELECT CASE WHEN kind = 'N' THEN NULL ELSE kind END AS kind, count(DISTINCT person_id) AS n "
        "FROM person WHERE year = 2010 GROUP BY CUBE (CASE WHEN kind = 'N' THEN NULL ELSE kind END)"
    )
    said = protected(source.table(sql), source, Way.SUPPRESS)
    assert said.safe
    assert len(said.hidden) == 2


def test_a_claim_on_a_data_set_that_is_not_granted_stops(source: Source) -> None:
    asked = replace(job(source.table(CUBE), source, Way.SUPPRESS), datasets=())
    said = answer_from_json(json.dumps(answer(asked)).encode())
    assert isinstance(said, Stopped)
    assert said.stopped.code == FindingCode.DATASET_NOT_GRANTED


@pytest.mark.parametrize("claim", [{}, {"v": 2}, {"sql": 3}])
def test_a_claim_that_is_none_stops(source: Source, claim: dict[str, Any]) -> None:
    asked = replace(job(source.table(CUBE), source, Way.SUPPRESS), claim=claim)
    said = answer_from_json(json.dumps(answer(asked)).encode())
    assert isinstance(said, Stopped)
    assert said.stopped.code == FindingCode.CLAIM_UNREADABLE


@pytest.mark.sandbox
@pytest.mark.usefixtures("ordinary_user")
def test_protecting_happens_in_a_box(source: Source) -> None:
    said = run_protect(job(source.table(CUBE), source, Way.SUPPRESS))
    assert isinstance(said, ProtectAnswer)
    assert said.safe
    assert len(said.hidden) == 4


@pytest.mark.sandbox
@pytest.mark.usefixtures("ordinary_user")
@pytest.mark.parametrize("said", ["", "[]", '{"safe": true}', '{"safe": 1}', "{" * 10_000])
def test_a_hostile_answer_is_none(source: Source, said: str) -> None:
    worker = Worker(("-c", f"print({said!r}, end='')"))
    with pytest.raises(CheckStopped) as caught:
        run_protect(job(source.table(CUBE), source, Way.SUPPRESS), worker)
    assert caught.value.finding.code is FindingCode.ANSWER_UNREADABLE


def test_an_answer_may_not_point_outside_its_table() -> None:
    said = {
        "safe": True, "columns": ["a"], "rows": [["1"]], "hidden": [[0, 1]], "losses": {}, "findings": [],
        "bands": None,
    }  # fmt: skip
    with pytest.raises(Invalid):
        answer_from_json(json.dumps(said).encode())
    assert isinstance(answer_from_json(json.dumps({**said, "hidden": [[0, 0]]}).encode()), ProtectAnswer)


def test_an_answer_cannot_carry_values_for_reviewers() -> None:
    said = {"stopped": {"code": "threshold", "params": {"column": "n", "persons": "3"}, "cell": None}}
    read = answer_from_json(json.dumps(said).encode())
    assert isinstance(read, Stopped)
    assert "persons" not in read.stopped.value().params


@pytest.mark.parametrize(
    ("mark", "found"),
    [("*", False), ("<10", True), ("<= 9", True), ("<11", False), ("≤ 10", False)],
)
def test_a_mark_that_says_below_ten_is_known_to_the_reader(
    tmp_path: Path, vault: Vault, mark: str, found: bool
) -> None:
    """Two hidden counts of 18 together, each below ten, are nine each."""
    persons = """SELECT row_number() OVER () AS person_id, kind FROM (
      SELECT 'G' AS kind FROM range(9) UNION ALL SELECT 'N' FROM range(9)
      UNION ALL SELECT 'R' FROM range(40))"""
    source = small_source(tmp_path / "small", {"person": ("person_id BIGINT, kind VARCHAR", persons)})
    made = source.table("SELECT kind, count(DISTINCT person_id) AS n FROM person GROUP BY ROLLUP (kind)")
    for kind in "GN":
        made = made.edited(f"{kind},9", f"{kind},{mark}")
    claim = replace(claim_from_json(made.claim), suppressed=(mark,))
    report = checked(Made(made.body, claim.to_json()), source, vault)
    codes = [one.code for one in report.findings]
    assert codes.count(FindingCode.CELL_RECOVERABLE) == (2 if found else 0), codes
    assert FindingCode.VALUE_DIFFERS not in codes
