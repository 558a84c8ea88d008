"""What the workers of Dask compute is what this process computes; what stops there stops here."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.reading.query import Key, Kind, Measure, Query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.on_dask import OnDask
from egress_review.checks.source.opening import Source, open_source
from egress_review.checks.source.recompute import Wanted, recompute
from tests.support.check_tables import small_source

COLUMNS = "person_id BIGINT, sex VARCHAR, big BIGINT, day DATE, cost DOUBLE, hospital VARCHAR"
ROWS = """
SELECT n % 90, CASE WHEN n % 3 = 0 THEN NULL WHEN n % 3 = 1 THEN 'F' ELSE '남' END,
       9007199254740993 + n % 2, DATE '2026-03-29' + (n % 3)::INT,
       CASE WHEN n % 11 = 0 THEN NULL WHEN n % 13 = 0 THEN -2.5 ELSE n % 7 END, 'h' || n % 4
FROM range(1000) AS r(n)
"""
COST, DAY = '"v"."cost"', '"v"."day"'
BIG = '("v"."big"::HUGEINT * 9223372036854775807)'
QUERY = Query(
    items=(
        Key("sex", '"v"."sex"'),
        Key("big", BIG),
        Measure("n", "count(*)", Kind.COUNT),
        Measure("s", f"sum({COST})", Kind.SUM, f"({COST} IS NOT NULL AND {COST} <> 0)", COST),
        Measure("q", f"median({COST})", Kind.MEDIAN, f"{COST} IS NOT NULL", COST),
        Measure("often", f"mode({DAY})", Kind.MODE, f"{DAY} IS NOT NULL", DAY),
        Measure("last", f"max({DAY})", Kind.MAXIMUM, f"{DAY} IS NOT NULL", DAY),
    ),
    from_sql='"small"."visit" AS "v"',
    where_sql="",
    having_sql="",
    units=('"v"."person_id"',),
    second_unit='"v"."hospital"',
    grouping_sets=((0, 1), (1,), ()),
    bucket_local=True,
)


@pytest.fixture(scope="module")
def dask(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnDask]:
    with closing(OnDask(2, tmp_path_factory.mktemp("dask"))) as runner:
        yield runner


@pytest.fixture(params=[1, 4])
def here(request: pytest.FixtureRequest, tmp_path: Path) -> Source:
    made = small_source(tmp_path / "d", {"visit": (COLUMNS, ROWS)}, buckets=request.param)
    return open_source([(made.manifest, made.folder)], tmp_path, 512 * 1024**2)


@pytest.mark.parametrize("wanted", [Wanted(institutions=True), Wanted(rows_are_units=True)])
def test_the_workers_say_the_same(here: Source, dask: OnDask, wanted: Wanted) -> None:
    alone = recompute(here, QUERY, 1000, wanted)
    spread = recompute(replace(here, runner=dask), QUERY, 1000, wanted)
    assert sorted(map(repr, spread)) == sorted(map(repr, alone))
    assert len({type(group.values[1]) for group in spread} - {type(None)}) == 1


def test_what_stops_a_worker_stops_the_check(here: Source, dask: OnDask) -> None:
    broken = replace(QUERY, where_sql='CAST("v"."sex" AS BIGINT) > 1')
    with pytest.raises(CheckStopped) as stopped:
        recompute(replace(here, runner=dask), broken, 1000)
    assert stopped.value.finding.code is Code.QUERY_FAILED
    assert stopped.value.finding.params == {"cause": "ConversionException"}


def test_too_many_groups_stop_it(here: Source, dask: OnDask) -> None:
    with pytest.raises(CheckStopped) as stopped:
        recompute(replace(here, runner=dask), QUERY, 2)
    assert stopped.value.finding.code is Code.TOO_MANY_CELLS


@dataclass(frozen=True)
class Dies:
    status: int

    def __call__(self) -> None:
        os._exit(self.status)


def test_a_worker_that_dies_is_no_answer(dask: OnDask) -> None:
    with pytest.raises(CheckStopped) as stopped:
        list(dask.run([Dies(1)]))
    assert stopped.value.finding.code is Code.MEMORY_LIMIT


def test_dask_is_loaded_where_it_was_asked_for_only() -> None:
    code = (
        "import sys; from egress_review.checks import table_check, worker;"
        "print(sorted({'dask', 'distributed', 'pyarrow', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
