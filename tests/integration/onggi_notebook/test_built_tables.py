"""`onggi.table` by rows, columns and measures: what it writes is what the gate reads and computes again."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from egress_review.checks.findings import FindingCode
from egress_review.checks.job import DatasetFolder
from egress_review.checks.order import Order
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.report import OutputReport
from egress_review.checks.worker import check
from onggi.claim import claim_from_bytes
from tests.support.compute import in_compute
from tests.support.session_door import Door, session_door
from tests.support.small_dataset import write_small

ROWS = [(n, n % 5, None if n % 4 == 0 else f"이름,{n % 3}", n / 3, n % 2 == 0, None) for n in range(300)]


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("data")
    write_small(place / "new", ROWS, version="10")
    return place / "new"


@pytest.fixture
def door(data: Path, tmp_path: Path) -> Iterator[Door]:
    body: dict[str, Any] = {
        "name": "small-set",
        "version": "10",
        "titles": {},
        "until": None,
        "path": str(data),
    }
    with session_door(tmp_path, [body]) as opened:
        yield opened


def checked(file: Path, data: Path) -> OutputReport:
    claim = json.loads(file.with_name(f"{file.name}.claim.json").read_bytes())
    sha256 = claim_from_bytes(json.dumps(claim).encode()).output_sha256
    granted = (DatasetFolder("small-set", "10", str(data)),)
    with tempfile.TemporaryDirectory() as scratch:
        return check(Order(file.name, sha256, str(file), scratch, claim, granted, CheckPolicy()))


CALLS = {
    "long.csv": 'rows=["seen", "name"], measures={"persons": "persons", "mean": "mean(weight)"}',
    "wide.csv": 'rows="name", cols="seen"',
    "all.csv": 'rows=["name"], cols={"b": "visits // 2"}, margins=True, measures=["persons", "sum(visits)"]',
    "label.csv": 'rows={"whose": "name"}, margins="모두"',
    "if.parquet": 'rows="seen", where=[("weight", ">", 10.5), ("visits", "in", [1, 2])], measures="rows"',
    "wide.xlsx": 'rows="seen", cols="visits", measures=["persons"], margins=True',
    "some.xlsx": 'rows="seen", measures={"q": "q25(weight)", "m": "median(weight)"}',
    "one.parquet": 'measures=["persons", "n(name)", "SUM(weight) / COUNT(*)"], where="visits > 1"',
    "long_cols.csv": 'rows="name", cols="seen", shape="long", margins=True',
}


def test_every_built_table_is_recomputed_by_the_gate(door: Door, data: Path, tmp_path: Path) -> None:
    calls = "\n".join(f'onggi.table(table="small_set.things", to={to!r}, {how})' for to, how in CALLS.items())
    in_compute(f"{calls}\nanswer = None", door.socket, tmp_path)
    for name in CALLS:
        report = checked(tmp_path / name, data)
        found = {one.code for one in report.findings}
        assert FindingCode.RECOMPUTED in found, (name, report.findings, (tmp_path / name).read_bytes()[:400])
        assert FindingCode.ROW_ORDER_DIFFERS not in found, name


def test_the_sql_is_shown_and_a_wide_table_has_its_margins(door: Door, tmp_path: Path) -> None:
    script = """
frame = onggi.table(table="small_set.things", rows="seen", cols="name", margins="all", to="t.csv")
assert frame.sql in repr(frame) and "GROUP BY CUBE (seen, name)" in frame._repr_html_()
assert type(frame.head()).__name__ == "DataFrame" and frame.claim.wide == "name"
import pickle
assert pickle.loads(pickle.dumps(frame)).equals(frame) and frame.copy().shape == frame.shape
silent = onggi.table("SELECT count(*) AS n FROM small_set.things")
answer = [frame.sql, list(frame.columns), silent["n"].tolist(), silent.claim]
"""
    sql, columns, counted, claim = in_compute(script, door.socket, tmp_path)
    assert sql == (
        'SELECT seen,\n       name,\n       COUNT(DISTINCT "person_id") AS "persons"\n'
        "FROM small_set.things\nGROUP BY CUBE (seen, name)"
    )
    assert columns == ["seen", "이름,0", "이름,1", "이름,2", "(missing)", "all"]
    assert (counted, claim) == ([300], None)
    lines = (tmp_path / "t.csv").read_text().splitlines()
    assert lines[-1] == "all,75,75,75,75,300"


def test_a_crate_describes_all_tables_of_the_folder(door: Door, tmp_path: Path) -> None:
    script = """
for name in ("a.csv", "b.parquet", "a.csv"):
    onggi.table("SELECT seen, count(*) AS n FROM small_set.things GROUP BY seen", name)
answer = None
"""
    in_compute(script, door.socket, tmp_path)
    crate = json.loads((tmp_path / "ro-crate-metadata.json").read_text())
    assert crate["@context"] == "https://w3id.org/ro/crate/1.1/context"
    entities = {one["@id"]: one for one in crate["@graph"]}
    assert len(entities) == len(crate["@graph"])
    assert entities["ro-crate-metadata.json"]["about"] == {"@id": "./"}
    parts = [one["@id"] for one in entities["./"]["hasPart"]]
    assert parts == ["a.csv", "a.csv.claim.json", "b.parquet", "b.parquet.claim.json"]
    referred = {one["@id"] for part in parts for one in entities[part].get("isBasedOn", [])}
    assert referred <= set(entities)
    claim = claim_from_bytes((tmp_path / "b.parquet.claim.json").read_bytes())
    assert entities["b.parquet"]["sha256"] == claim.output_sha256


def test_a_crate_of_somebody_else_is_kept_and_a_broken_one_replaced(door: Door, tmp_path: Path) -> None:
    crate = tmp_path / "ro-crate-metadata.json"
    crate.write_text('{"@graph": [{"@id": "#mine", "name": "mine"}]}')
    script = 'onggi.table("SELECT count(*) AS n FROM small_set.things", "a.csv")\nanswer = None'
    in_compute(script, door.socket, tmp_path)
    assert "#mine" in {one["@id"] for one in json.loads(crate.read_text())["@graph"]}
    crate.write_text("{broken")
    in_compute(script, door.socket, tmp_path)
    assert json.loads(crate.read_text())["@graph"]


def test_a_spreadsheet_opens_in_other_programs(door: Door, tmp_path: Path) -> None:
    script = """
onggi.table("SELECT seen, name, count(*) AS n, avg(weight) AS w FROM small_set.things GROUP BY ALL", "t.xlsx")
import openpyxl
sheet = openpyxl.load_workbook("t.xlsx").active
answer = [[cell.value for cell in row] for row in sheet.iter_rows()][:2]
"""
    assert in_compute(script, door.socket, tmp_path) == [
        ["seen", "name", "n", "w"],
        [False, "이름,0", 50, 50],
    ]


REFUSED = [
    'rows="seen"',
    'table="small_set.things", rows="seen", cols=["name", "visits"]',
    'table="small_set.things", rows="seen", shape="wide"',
    'table="small_set.things", rows="seen", shape="round"',
    'table="small_set.things", rows="seen", measures=[]',
    'table="small_set.things", rows="seen", measures="seen"',
    'table="small_set.things", rows={"a": ""}',
    'table="small_set.things", rows="name", margins="이름,1"',
    'table="small_set.gone", rows="name"',
    'table="small_set.things; DROP TABLE x", rows="name"',
    'sql="SELECT count(*) FROM small_set.things", table="small_set.things"',
    'table="small_set.things", rows="seen", to="x.docx"',
]


def test_what_is_no_table_is_refused(door: Door, tmp_path: Path) -> None:
    calls = "\n".join(
        f"try: onggi.table({how}); answer.append({how!r})\nexcept OnggiError: pass" for how in REFUSED
    )
    script = f"from onggi.errors import OnggiError\nanswer = []\n{calls}"
    assert in_compute(script, door.socket, tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == ["session.sock"]
