"""Arrow leaves NaN out of a file's least and greatest values; DuckDB must conclude nothing from them.

What is expected is added up here, by SQL's rule that NaN equals itself and is greater than every number.
"""

from __future__ import annotations

import hashlib
import math
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from egress_review.checks.job import DatasetFolder
from egress_review.checks.reading.query import Query
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.source.granted import read_granted
from egress_review.checks.source.on_dask import OnDask
from egress_review.checks.source.opening import Source
from egress_review.checks.source.recompute import Wanted, recompute
from egress_review.checks.source.running import IN_PROCESS
from onggi.manifest import MANIFEST_FILE
from onggi.table_form import view_statements
from tests.support.check_tables import small_source

SWITCHED_OFF = ["", "statistics_propagation", "filter_pushdown", "row_group_pruner", "expression_rewriter"]
"""Passes of DuckDB's optimizer: what a view says must not depend on who drew which conclusion."""
ODD = [1.0, math.nan, -2.5, math.inf, 3.0, None, -math.inf, 0.0, 2.0, math.nan, -0.0]
CALM = [1.0, math.nan, 3.0, None, 0.0]
FULL = [1.0, math.nan, 3.0, 0.0, 2.0]
"""Without NULL, so that a condition on the range is a constant."""
Condition = Callable[[float], bool]
NAN: Condition = math.isnan
CONDITIONS: dict[str, Condition] = {
    "isnan(v)": NAN,
    "NOT isnan(v)": lambda v: not math.isnan(v),
    "v > 1000": lambda v: math.isnan(v) or v > 1000,
    "v >= 2": lambda v: math.isnan(v) or v >= 2,
    "v = 'NaN'::DOUBLE": NAN,
    "v <> 1": lambda v: v != 1,
    "v IN (1, 'NaN'::DOUBLE)": lambda v: math.isnan(v) or v == 1,
    "v BETWEEN -3 AND 3": lambda v: -3 <= v <= 3,
    "v = 'Infinity'::DOUBLE": lambda v: v == math.inf,
}


@dataclass(frozen=True)
class Rows:
    """What stands in the file: 600 rows of 100 persons in several row groups."""

    values: tuple[float | None, ...]

    def each(self) -> Iterator[tuple[int, int, float | None]]:
        """Person, group and value of every row."""
        for at in range(600):
            yield at % 100, at // 60 % 3, self.values[at * 7 % len(self.values)]

    def write(self, path: Path) -> None:
        who, group, value = zip(*self.each(), strict=True)
        table = pa.table(
            {"person_id": list(who), "g": pa.array(group, pa.int64()), "v": pa.array(value, pa.float64())}
        )
        pq.write_table(table, path, row_group_size=150)


@pytest.fixture(params=[ODD, CALM, FULL], ids=["infinite", "calm", "full"])
def rows(request: pytest.FixtureRequest) -> Rows:
    return Rows(tuple(request.param))


@pytest.fixture(params=["registered", "outside"])
def folder(request: pytest.FixtureRequest, rows: Rows, tmp_path: Path) -> DatasetFolder:
    place = tmp_path / "d"
    if request.param == "outside":
        place.mkdir()
        rows.write(place / "t.parquet")
        (place / MANIFEST_FILE).write_text('{"unit_column": "person_id"}')
        return DatasetFolder("data", "1", str(place), outside=True)
    made = small_source(
        place, {"t": ("person_id BIGINT, g BIGINT, v DOUBLE", "SELECT 1, 1, 1.0")}, name="data"
    )
    (table,) = made.manifest.tables
    (file,) = table.files
    rows.write(place / file.path)
    raw = (place / file.path).read_bytes()
    told = replace(file, size=len(raw), sha256=hashlib.sha256(raw).hexdigest(), rows=600)
    manifest = replace(made.manifest, tables=(replace(table, files=(told,), rows=600),))
    (place / MANIFEST_FILE).write_bytes(manifest.canonical())
    return DatasetFolder("data", "1", str(place), outside=True)


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnDask]:
    with closing(OnDask(2, tmp_path_factory.mktemp("dask"))) as runner:
        yield runner


@pytest.fixture(params=["one thread", "two threads", "on dask"])
def engine(request: pytest.FixtureRequest, dask: OnDask) -> dict[str, Any]:
    if request.param == "on dask":
        return {"runner": dask, "threads": 1}
    return {"runner": IN_PROCESS, "threads": 1 + (request.param == "two threads")}


def opened(folder: DatasetFolder, sql: str, scratch: Path) -> tuple[Source, Query]:
    """A claim's query over the folder, read as a check reads it."""
    file = scratch / "table.csv"
    file.write_bytes(b"")
    granted = read_granted({"sql": sql, "format": "csv"}, file, (folder,))
    query = read_query(granted.claim, Catalogue(one for one, _ in granted.pairs))
    return Source(granted.pairs, scratch, 256 * 1024**2, 1, granted.views), query


def seen(rows: Rows, folder: DatasetFolder) -> list[tuple[int, int, float | None]]:
    """The rows as SQL shows them: in a folder of another system NaN is missing."""
    registered = (Path(folder.folder) / "t").is_dir()
    return [
        (who, group, value if registered or value is None or not math.isnan(value) else None)
        for who, group, value in rows.each()
    ]


def test_a_condition_picks_the_rows_that_it_says(
    rows: Rows, folder: DatasetFolder, engine: dict[str, Any], tmp_path: Path
) -> None:
    for condition, holds in CONDITIONS.items():
        sql = f"SELECT g, COUNT(*) AS n, COUNT(v) AS m FROM t WHERE {condition} GROUP BY g"
        source, query = opened(folder, sql, tmp_path)
        expected: dict[int, list[int]] = defaultdict(list)
        for who, group, value in seen(rows, folder):
            if value is not None and holds(value):
                expected[group].append(who)
        groups = recompute(replace(source, **engine), query, 100)
        found = {one.values[0]: (one.rows, one.persons, one.values[2]) for one in groups}
        assert found == {g: (len(who), len(set(who)), len(who)) for g, who in expected.items()}, condition


@pytest.mark.parametrize("units", ["persons", "rows"])
def test_the_ends_and_sums_know_nan(
    units: str, rows: Rows, folder: DatasetFolder, engine: dict[str, Any], tmp_path: Path
) -> None:
    sql = (
        "SELECT g, MAX(v) AS high, MIN(v) AS low, SUM(v) AS s, SUM(CASE WHEN isnan(v) THEN 1 ELSE 0 END)"
        " AS nans FROM t WHERE v IS NULL OR v > -100 GROUP BY g"
    )
    source, query = opened(folder, sql, tmp_path)
    groups = recompute(replace(source, **engine), query, 100, Wanted(rows_are_units=units == "rows"))
    assert len(groups) == 3
    for group in groups:
        values = [
            v for _, g, v in seen(rows, folder) if g == group.values[0] and v is not None and not v <= -100
        ]
        numbers = [v for v in values if not math.isnan(v)]
        nans = len(values) - len(numbers)
        high = math.nan if nans else max(numbers)
        assert group.values[1:] == pytest.approx((high, min(numbers), sum(values), nans), nan_ok=True)


@pytest.mark.parametrize("off", SWITCHED_OFF)
def test_the_views_say_the_same_whatever_is_optimized(
    off: str, rows: Rows, folder: DatasetFolder, tmp_path: Path
) -> None:
    """A notebook's DuckDB, or an older gate's, may have other passes on."""
    source, _ = opened(folder, "SELECT COUNT(*) AS n FROM t", tmp_path)
    present = [v for _, _, v in seen(rows, folder) if v is not None]
    with duckdb.connect() as database:
        database.execute(f"SET disabled_optimizers = '{off}'")
        for statement in source.views or view_statements(source.pairs):
            database.execute(statement)
        for condition, holds in CONDITIONS.items():
            told = database.execute(f"SELECT count(*) FROM t WHERE {condition}").fetchall()
            counted = database.execute(f"SELECT count(*) FILTER (WHERE {condition}) FROM t").fetchall()
            assert told == counted == [(sum(map(holds, present)),)], condition
        (high,) = database.execute("SELECT max(v) FROM t").fetchall()[0]
        assert math.isnan(high) is any(map(math.isnan, present))
