"""`onggi.read` with pandas, Polars and Dask over the same files: one meaning in all three."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from onggi.table_form import view_statements
from tests.support.compute import in_compute
from tests.support.session_door import Door, session_door
from tests.support.small_dataset import write_small

ROWS = [
    (
        number,
        None if number % 7 == 3 else number % 5,
        None if number % 4 == 0 else f"이름{number % 3}",
        None if number % 6 == 0 else number / 3,
        (None, True, False)[number % 3],
        date(2000, 1, 1 + number % 28),
    )
    for number in range(200)
]
CONDITIONS = {
    "none": (None, "true"),
    "equal": ([("name", "==", "이름1")], "name = '이름1'"),
    "not equal drops the missing": ([("name", "!=", "이름1")], "name <> '이름1'"),
    "in": ([("visits", "in", [0, 4])], "visits IN (0, 4)"),
    "not in drops the missing": ([("name", "not in", ["이름1"])], "name NOT IN ('이름1')"),
    "both": ([("visits", ">=", 2), ("weight", "<", 40)], "visits >= 2 AND weight < 40"),
    "either": (
        [[("visits", "<", 1)], [("seen", "==", True), ("weight", ">", 30.5)]],
        "visits < 1 OR (seen AND weight > 30.5)",
    ),
    "date": ([("born", "<=", "DATE")], "born <= DATE '2000-01-09'"),
    "nothing left": ([("weight", "<", -1)], "false"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("read")
    write_small(place / "data", ROWS)
    return place


@pytest.fixture
def door(folder: Path, tmp_path: Path) -> Iterator[Door]:
    one: dict[str, Any] = {
        "name": "small-set",
        "version": "1",
        "titles": {},
        "until": None,
        "path": str(folder / "data"),
    }
    with session_door(tmp_path, [one]) as opened:
        yield opened


@pytest.fixture(scope="module")
def truth(folder: Path) -> dict[str, list[int]]:
    from onggi.manifest import read_manifest

    with duckdb.connect() as database:
        for statement in view_statements([(read_manifest(folder / "data"), folder / "data")]):
            database.execute(statement)
        return {
            name: [
                row[0]
                for row in database.sql(f"SELECT person_id FROM things WHERE {sql} ORDER BY 1").fetchall()
            ]
            for name, (_, sql) in CONDITIONS.items()
        }


SCRIPT = """
import datetime
def run(engine, where):
    if where and where[0][-1] == "DATE":
        where = [("born", "<=", datetime.date(2000, 1, 9))]
    frame = onggi.read("small-set", "things", columns=["name", "person_id"], where=where, engine=engine)
    if engine == "polars": frame = frame.collect()
    if engine == "dask": frame = frame.compute(scheduler="synchronous")
    return [list(frame.columns), sorted(int(one) for one in frame["person_id"])]
answer = {name: run(ENGINE, where) for name, where in CONDITIONS.items()}
"""


@pytest.mark.parametrize("engine", ["pandas", "polars", "dask"])
def test_conditions_mean_what_sql_means(
    engine: str, door: Door, tmp_path: Path, truth: dict[str, list[int]]
) -> None:
    conditions = {name: where for name, (where, _) in CONDITIONS.items()}
    found = in_compute(f"ENGINE = {engine!r}\nCONDITIONS = {conditions!r}\n{SCRIPT}", door.socket, tmp_path)
    assert {name: persons for name, (_, persons) in found.items()} == truth
    assert all(columns == ["name", "person_id"] for columns, _ in found.values())


def test_a_dask_frame_has_a_partition_a_file_and_keeps_its_types(door: Door, tmp_path: Path) -> None:
    found = in_compute(
        """
import dask
dask.config.set(scheduler="synchronous")
lazy = onggi.read("small-set", "things", engine="dask")
whole = onggi.read("small-set", "things")
parts = [{str(t) for t in lazy.partitions[n].compute()[["visits"]].dtypes} for n in range(lazy.npartitions)]
narrow = lazy[["weight"]].optimize().expr
answer = [lazy.npartitions, sorted(set.union(*parts)), str(whole.visits.dtype), str(whole.person_id.dtype),
          bool(abs(lazy.weight.sum().compute() - whole.weight.sum()) < 1e-6), narrow.columns, len(whole)]
""",
        door.socket,
        tmp_path,
    )
    assert found == [4, ["float64"], "float64", "int64", True, ["weight"], 200]


def test_a_bucket_is_no_column_in_any_engine(door: Door, tmp_path: Path) -> None:
    script = (
        'answer = [list(onggi.read("small-set", "things", engine=e).columns) for e in ("pandas", "dask")]'
    )
    script += '\nanswer.append(onggi.read("small-set", "things", engine="polars").collect_schema().names())'
    expected = ["person_id", "visits", "name", "weight", "seen", "born"]
    assert in_compute(script, door.socket, tmp_path) == [expected] * 3


ERRORS: dict[str, tuple[str, str]] = {
    'onggi.read("small", "things")': ("dataset_unknown", "small-set (1)"),
    'onggi.read("small-set", "things", version="2")': ("dataset_unknown", "small-set (1)"),
    'onggi.read("small-set", "thing")': ("table_unknown", "things"),
    'onggi.read("small-set", "things", columns=["nam"])': ("column_unknown", "name"),
    'onggi.read("small-set", "things", where=[("nam", "==", 1)])': ("column_unknown", "name"),
    'onggi.read("small-set", "things", where=[("name", "==", 1)])': ("field_invalid", "where"),
    'onggi.read("small-set", "things", engine="spark")': ("field_invalid", "pandas, polars, dask"),
}


def test_errors_list_what_there_is(door: Door, tmp_path: Path) -> None:
    script = f"""
answer = []
for call in {list(ERRORS)!r}:
    try: eval(call)
    except onggi.notebook.speech.OnggiError as error: answer.append([error.reason.value, str(error)])
"""
    found: list[Any] = in_compute("import onggi.notebook.speech\n" + script, door.socket, tmp_path)
    for (reason, text), (expected, part) in zip(found, ERRORS.values(), strict=True):
        assert reason == expected
        assert part in text


def test_a_notebook_shows_the_sentence_and_no_traceback(door: Door, tmp_path: Path) -> None:
    script = """
import io, contextlib
from IPython.core.interactiveshell import InteractiveShell
shell, shown = InteractiveShell.instance(colors="nocolor"), io.StringIO()
with contextlib.redirect_stdout(shown), contextlib.redirect_stderr(shown):
    shell.run_cell("import onggi; onggi.read('small', 'things')")
answer = shown.getvalue().strip()
"""
    found = in_compute(script, door.socket, tmp_path)
    assert found == "The project has no data set small. It has: small-set (1)"
