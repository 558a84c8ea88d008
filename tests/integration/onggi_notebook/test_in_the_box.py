"""The notebook library where it lives: in a compute box without network, with the paths of a session."""

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.data import nafld
from onggi.claim import claim_from_bytes
from onggi.sandbox import Bind, Box, Limits, Tmpfs, interpreter_binds, launch
from tests.support.compute import COMPUTE_PYTHON, ROOT
from tests.support.session_door import Door, session_door

pytestmark = [
    pytest.mark.sandbox,
    pytest.mark.slow,
    pytest.mark.skipif(os.geteuid() == 0, reason="boxes launched by root are none; run as an ordinary user"),
]
MIB = 1024**2


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cohort") / "1"
    nafld.build(folder, COMPUTE_PYTHON)
    return folder


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    one: dict[str, Any] = {
        "name": "nafld",
        "version": "1",
        "titles": {},
        "until": None,
        "path": "/data/nafld/1",
    }
    (tmp_path / "api").mkdir()
    (tmp_path / "project").mkdir()
    with session_door(tmp_path / "api", [one]) as opened:
        yield opened


def in_box(script: str, door: Door, cohort: Path) -> Any:
    """What a script found in a box as the broker makes it for a session."""
    binds = (
        *interpreter_binds(COMPUTE_PYTHON.parents[1], "/opt/compute"),
        Bind(str(ROOT / "onggi"), "/opt/onggi/onggi"),
        Bind(str(cohort), "/data/nafld/1"),
        Bind(str(door.socket.parent), "/run/onggi/api"),
        Bind(str(door.socket.parents[1] / "project"), "/project", writable=True),
    )
    box = Box(
        ("/opt/compute/bin/python", "-c", f"import json, onggi\n{script}"),
        binds,
        tmpfs=(Tmpfs("/tmp", 256 * MIB), Tmpfs("/dev/shm", 64 * MIB), Tmpfs("/home/researcher")),
        env={"PYTHONPATH": "/opt/onggi", "HOME": "/home/researcher", "PATH": "/opt/compute/bin:/usr/bin"},
        limits=Limits(memory_bytes=4096 * MIB, processes=512, open_files=4096),
        cwd="/project",
        home="/home/researcher",
    )
    process = launch(box, stdout=subprocess.PIPE, stderr=subprocess.PIPE).process
    try:
        stdout, stderr = process.communicate(timeout=110)
    finally:
        process.kill()
        process.wait()
    if process.returncode:
        raise AssertionError(stderr.decode()[-3000:])
    return json.loads(stdout.splitlines()[-1])


def test_tables_are_read_and_results_written(door: Door, cohort: Path) -> None:
    found = in_box(
        """
persons = onggi.read("nafld", "person", columns=["person_id"])
frame = onggi.table("SELECT gender_source_value AS sex, count(*) AS n FROM person GROUP BY ALL", "sex.csv")
print(json.dumps([len(onggi.datasets()), len(persons), frame.values.tolist()]))
""",
        door,
        cohort,
    )
    assert found == [1, 17_549, [["F", 9_348], ["M", 8_201]]]
    project = door.socket.parents[1] / "project"
    assert (project / "sex.csv").read_text() == "sex,n\nF,9348\nM,8201\n"
    assert claim_from_bytes((project / "sex.csv.claim.json").read_bytes()).datasets == (("nafld", "1"),)


def test_a_dask_cluster_of_processes_starts_and_works(door: Door, cohort: Path) -> None:
    found = in_box(
        """
def main():
    from dask.distributed import Client, LocalCluster
    options = dict(n_workers=2, threads_per_worker=1, dashboard_address=None)
    with LocalCluster(**options) as cluster, Client(cluster) as client:
        where = [("measurement_source_value", "==", "hdl")]
        frame = onggi.read("nafld", "measurement", engine="dask", where=where)
        hosts = {worker["host"] for worker in client.scheduler_info()["workers"].values()}
        print(json.dumps([len(frame), frame.npartitions, sorted(hosts)]))
main()
""",
        door,
        cohort,
    )
    assert found == [161_259, 16, ["127.0.0.1"]]


def test_the_data_cannot_be_written(door: Door, cohort: Path) -> None:
    found = in_box(
        """
found = []
for place in ("/data/nafld/1/manifest.json", "/data/nafld/1/new", "/run/onggi/api/x"):
    try: open(place, "w")
    except OSError as error: found.append(type(error).__name__)
print(json.dumps(found))
""",
        door,
        cohort,
    )
    assert len(found) == 3


def test_the_tutorial_runs(door: Door, cohort: Path) -> None:
    request = {"id": "r-1", "state": "checking", "purpose": "Table 1", "outputs": []}
    door.on("POST", "/v1/requests", request)
    door.on("GET", "/v1/requests", {"requests": [request]})
    notebook = json.loads((ROOT / "notebooks" / "first-table.ipynb").read_text("utf-8"))
    cells = ["".join(cell["source"]) for cell in notebook["cells"] if cell["cell_type"] == "code"]
    found = in_box(
        f"""
from IPython.core.interactiveshell import InteractiveShell
def main():
    shell = InteractiveShell.instance()
    for cell in {cells!r}:
        result = shell.run_cell(cell)
        result.raise_error()
    print(json.dumps([type(result.result).__name__, shell.user_ns["table"].persons.min().item()]))
main()
""",
        door,
        cohort,
    )
    assert found[0] == "Requests"
    assert found[1] >= 10
    sent = {one[2]["purpose"]: one[2]["paths"] for one in door.asked if one[0] == "POST"}
    assert sent == {"Table 1: events by sex": ["events-by-sex.csv"]}


def test_the_notebook_is_kept_without_outputs() -> None:
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        cells = [one for one in json.loads(path.read_text("utf-8"))["cells"] if one["cell_type"] == "code"]
        assert all(not one["outputs"] and one["execution_count"] is None for one in cells), path.name
