"""Synthetic claims: exact, the same each time, honest about what they are, and with the planted cells."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
from typer.testing import CliRunner

from hub.cli.data import data_app
from hub.data import synth
from hub.data.claims_columns import PLANTS, planted_rows
from hub.data.verify import verify
from hub.data.versions import claims_version
from onggi.errors import Invalid
from onggi.table_form import view_statements
from tests.support.compute import ROOT

ROWS = 50_000


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("claims") / "v"
    synth.build(out, ROWS, 7)
    return out


@pytest.fixture(scope="module")
def database(folder: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        for statement in view_statements([(verify(folder), folder)]):
            opened.execute(statement)
        yield opened


def test_the_size_is_exact_and_visits_are_told_apart(database: duckdb.DuckDBPyConnection) -> None:
    assert database.sql("SELECT count(*), count(DISTINCT visit_id) FROM visits").fetchall() == [(ROWS, ROWS)]


@pytest.mark.parametrize("rows", [1_000, 1_001, 12_345])
def test_any_size_is_exact(tmp_path: Path, rows: int) -> None:
    assert synth.build(tmp_path / "v", rows, 0).table("visits").rows == rows


def test_it_says_that_it_is_synthetic(folder: Path) -> None:
    manifest = verify(folder)
    assert manifest.synthetic
    assert "no real persons" in manifest.titles["en"]
    assert "실제 인물 없음" in manifest.titles["ko"]
    assert "SYNTHETIC" in manifest.description["en"]
    assert "합성 자료" in manifest.description["ko"]
    assert manifest.institution_column == "hospital_id"


def test_a_seed_settles_every_byte(folder: Path, tmp_path: Path) -> None:
    same, other = (synth.build(tmp_path / str(seed), ROWS, seed) for seed in (7, 8))
    assert same == verify(folder)
    assert {f.sha256 for f in same.tables[0].files}.isdisjoint(f.sha256 for f in other.tables[0].files)


def test_planted_cells_are_as_planned(database: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT region, icd3, count(DISTINCT person_id), count(*), sum(cost), count(DISTINCT hospital_id)"
        " FROM visits WHERE region >= 248 GROUP BY ALL ORDER BY ALL"
    )
    expected = [
        (p.region, p.icd3, p.persons, p.persons * p.visits,
         p.visits * (p.costs[0] + (p.persons - 1) * p.costs[1]), p.hospitals)
        for p in PLANTS
    ]  # fmt: skip
    assert database.sql(query).fetchall() == sorted(expected)
    assert planted_rows() == sum(row[3] for row in expected)


def test_a_person_is_one_person(database: duckdb.DuckDBPyConnection) -> None:
    persons = "SELECT count(DISTINCT (region, age_band, sex)) AS n FROM visits GROUP BY person_id"
    query = f"SELECT max(n) FROM ({persons})"
    assert database.sql(query).fetchall() == [(1,)]


def test_columns_have_their_breadth(database: duckdb.DuckDBPyConnection) -> None:
    query = (
        "SELECT count(DISTINCT region), count(DISTINCT age_band), count(DISTINCT sex), count(DISTINCT year),"
        " min(year), max(year), min(cost) > 0 FROM visits"
    )
    assert database.sql(query).fetchall() == [(250, 18, 2, 5, 2019, 2023, True)]


@pytest.mark.parametrize(("rows", "seed"), [(999, 1), (10**12, 1), (5_000, -1), (5_000, 2**63)])
def test_what_cannot_be_made_is_refused(tmp_path: Path, rows: int, seed: int) -> None:
    with pytest.raises(Invalid):
        synth.build(tmp_path / "v", rows, seed)
    assert not list(tmp_path.iterdir())


def test_the_command_understands_1e4(tmp_path: Path) -> None:
    said = CliRunner().invoke(
        data_app, ["synth", "--rows", "1e4", "--seed", "3", "--out", str(tmp_path / "v"), "--language", "en"]
    )
    assert said.exit_code == 0
    assert "Synthetic: no real persons" in said.output
    assert verify(tmp_path / "v").version == claims_version(10_000, 3)


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    # Not ru_maxrss: a process begins it with what its parent had, here a test run with much in memory.
    script = (
        "import sys; from pathlib import Path; from hub.data import synth\n"
        "synth.build(Path(sys.argv[1]), int(sys.argv[2]), 1)\n"
        "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM:')))"
    )

    def peak_kib(rows: int) -> int:
        argv = [sys.executable, "-c", script, str(tmp_path / str(rows)), str(rows)]
        done = subprocess.run(argv, cwd=ROOT, capture_output=True, text=True, check=True)
        return int(done.stdout)

    assert peak_kib(4_000_000) < 1.5 * peak_kib(1_000_000) < 600 * 1024
