"""`onggi.table`: what it writes is what its claim, run again elsewhere, gives."""

import csv
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from onggi.claim import claim_from_bytes
from onggi.manifest import read_manifest
from onggi.table_form import csv_bytes, view_statements
from tests.support.compute import in_compute
from tests.support.session_door import Door, session_door
from tests.support.small_dataset import write_small

ROWS = [(n, n % 5, None if n % 4 == 0 else f"이름,{n % 3}", n / 3, n % 2 == 0, None) for n in range(300)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    write_small(place / "old", ROWS[:10], version="9")
    write_small(place / "new", ROWS, version="10")
    write_small(place / "other", ROWS[:50], name="other")
    return place


@pytest.fixture
def door(data: Path, tmp_path: Path) -> Iterator[Door]:
    datasets: list[dict[str, Any]] = [
        {"name": name, "version": version, "titles": {}, "until": None, "path": str(data / folder)}
        for name, version, folder in (
            ("small-set", "9", "old"),
            ("small-set", "10", "new"),
            ("other", "1", "other"),
        )
    ]
    with session_door(tmp_path, datasets) as opened:
        yield opened


SQL = """-- a comment; with a semicolon
WITH heavy AS (SELECT * FROM small_set.things WHERE weight > $low)
SELECT name, seen, count(DISTINCT person_id) AS persons, sum(visits) AS visits, avg(weight) AS weight
FROM heavy GROUP BY name, seen ORDER BY persons DESC"""


def _recompute(data: Path, raw: bytes) -> bytes:
    claim = claim_from_bytes(raw)
    folders = {("small-set", "9"): "old", ("small-set", "10"): "new", ("other", "1"): "other"}
    pairs = [(read_manifest(data / folders[one]), data / folders[one]) for one in claim.datasets]
    with duckdb.connect(config={"threads": 1}) as database:
        for statement in view_statements(pairs):
            database.execute(statement)
        return csv_bytes(claim.columns, database.execute(claim.sql, dict(claim.parameters)).fetchall())


def test_a_place_where_nothing_can_be_written_is_named(door: Door, tmp_path: Path) -> None:
    script = (
        "try:\n"
        f"    onggi.table({SQL!r}, '/etc/t.csv', {{'low': 10.5}})\n"
        "except Exception as error:\n"
        "    answer = [error.reason, '/etc/t.csv' in str(error)]"
    )
    assert in_compute(script, door.socket, tmp_path) == ["file_not_writable", True]


def test_the_claim_gives_the_file_again(door: Door, data: Path, tmp_path: Path) -> None:
    script = (
        f'frame = onggi.table({SQL!r}, "t.csv", {{"low": 10.5}})\nanswer = frame.fillna("-").values.tolist()'
    )
    shown = in_compute(script, door.socket, tmp_path)
    raw, claim = (tmp_path / "t.csv").read_bytes(), (tmp_path / "t.csv.claim.json").read_bytes()
    read = claim_from_bytes(claim)
    assert read.output_sha256 == hashlib.sha256(raw).hexdigest()
    assert (read.sql, read.datasets, dict(read.parameters)) == (SQL, (("small-set", "10"),), {"low": 10.5})
    assert read.columns == ("name", "seen", "persons", "visits", "weight")
    lines = list(csv.reader(raw.decode("utf-8").splitlines()))
    assert [row[0] or "-" for row in lines[1:]] == [row[0] for row in shown]
    assert [row[0] for row in lines[1:]] == ["이름,0", "이름,0", "이름,1", "이름,1", "이름,2", "이름,2", ""]
    assert _recompute(data, claim) == raw
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "ro-crate-metadata.json",
        "session.sock",
        "t.csv",
        "t.csv.claim.json",
    ]


CASES: dict[str, list[list[str]]] = {
    "SELECT count(*) AS n FROM other.things": [["other", "1"]],
    'SELECT count(*) AS n FROM "OTHER"."Things" AS t': [["other", "1"]],
    "FROM small_set.things SELECT count(*) AS n": [["small-set", "10"]],
    "WITH t AS (SELECT * FROM small_set.things) SELECT count(*) AS n FROM t": [["small-set", "10"]],
    "SELECT count(*) AS n FROM small_set.things AS s JOIN other.things AS o USING (person_id)": [
        ["other", "1"],
        ["small-set", "10"],
    ],
    "SELECT count(*) AS n FROM small_set.things WHERE person_id IN (SELECT person_id FROM other.things)": [
        ["other", "1"],
        ["small-set", "10"],
    ],
}


def test_the_claim_names_the_data_sets_that_are_read(door: Door, data: Path, tmp_path: Path) -> None:
    script = f"""
import pathlib
answer = []
for sql in {list(CASES)!r}:
    onggi.table(sql, "t.csv")
    claim = json.loads(pathlib.Path("t.csv.claim.json").read_text())
    answer.append([[one["name"], one["version"]] for one in claim["datasets"]])
onggi.table("SELECT count(*) AS n FROM small_set.things", "old.csv", versions={{"small-set": "9"}})
"""
    assert in_compute(script, door.socket, tmp_path) == list(CASES.values())
    assert (tmp_path / "old.csv").read_text() == "n\n10\n"
    assert _recompute(data, (tmp_path / "old.csv.claim.json").read_bytes()) == b"n\n10\n"


REFUSED = {
    "SELECT 1 AS x": "sql_reads_no_data",
    "SELECT * FROM range(3)": "sql_reads_no_data",
    "SELECT count(*) FROM things": "sql_reads_no_data",
    "": "sql_not_one_select",
    "SELECT 1; SELECT 2": "sql_not_one_select",
    "CREATE TABLE x AS SELECT * FROM other.things": "sql_not_one_select",
    "COPY other.things TO 'x.csv'": "sql_not_one_select",
    "ATTACH 'x.db'": "sql_not_one_select",
    "SET threads = 1": "sql_not_one_select",
    "SELEC": "sql_failed",
    "SELECT nothing FROM other.things": "sql_failed",
    "SELECT * FROM other.gone": "sql_reads_no_data",
    "SELECT $x AS x FROM other.things": "sql_failed",
    "SELECT count(*) AS n FROM other.things, read_csv('/etc/passwd')": "sql_failed",
    "SELECT count(*) AS n FROM other.things, '/etc/passwd'": "sql_failed",
    "SELECT [1] AS x FROM other.things": "field_invalid",
    "SELECT 1 AS x, 2 AS x FROM other.things": "field_invalid",
}


def test_what_cannot_be_claimed_is_refused_and_leaves_no_file(door: Door, tmp_path: Path) -> None:
    script = f"""
from onggi.errors import OnggiError
answer = {{}}
for sql in {list(REFUSED)!r}:
    try: onggi.table(sql, "t.csv")
    except OnggiError as error: answer[sql] = error.reason.value
for to in ("t.txt", "t"):
    try: onggi.table("SELECT count(*) AS n FROM other.things", to)
    except OnggiError as error: answer[to] = error.reason.value
"""
    found = in_compute(script, door.socket, tmp_path)
    assert found == REFUSED | {"t.txt": "file_form_unknown", "t": "file_form_unknown"}
    assert [path.name for path in tmp_path.iterdir()] == ["session.sock"]


WARNED = {
    "SELECT * FROM other.things": ["COUNT"],
    "SELECT person_id, visits FROM other.things WHERE visits > 3": ["COUNT"],
    "SELECT name, count(DISTINCT person_id) AS n FROM other.things GROUP BY name LIMIT 3": ["LIMIT"],
    "SELECT * FROM other.things ORDER BY 1 LIMIT 3": ["LIMIT", "COUNT"],
    "SELECT * FROM (SELECT name, count(*) AS n FROM other.things GROUP BY name)": [],
    "WITH a AS (SELECT name, count(*) AS n FROM other.things GROUP BY name) SELECT * FROM a": [],
    "SELECT round(avg(weight), 1) AS w FROM other.things": [],
    SQL.replace("small_set", "other").replace("$low", "1"): [],
}


def test_what_cannot_be_proven_is_said_at_once_and_how_to_write_it(door: Door, tmp_path: Path) -> None:
    script = f"""
import warnings
answer = {{}}
for sql in {list(WARNED)!r}:
    for to in ("t.csv", None):
        with warnings.catch_warnings(record=True) as heard:
            warnings.simplefilter("always")
            onggi.table(sql, to)
        answer[f"{{sql}} {{to}}"] = [str(one.message) for one in heard]
"""
    found = in_compute(script, door.socket, tmp_path)
    for sql, wanted in WARNED.items():
        said = found[f"{sql} t.csv"]
        assert [word for word, text in zip(wanted, said, strict=True) if word not in text] == []
        assert found[f"{sql} None"] == []
