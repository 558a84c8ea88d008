"""Checking one table by persons and by rows, beside ACRO 1.0.2 on the same data in the same run.

    python -m tests.bench.checks_acro --acro-python ACRO_ENVIRONMENT/bin/python [--rows 10000000]
    python -m tests.bench.checks_acro --rows 100000000 --cpus 2 --memory 4096
    python -m tests.bench.checks_acro --profiles sdap --workers 1 2
    python -m tests.bench.checks_acro --text-ids

Mean of a cost by [region, sex] × [age band, year], 2,448 cells, one Parquet file not cut into buckets.
What is measured is the worker that runs in the box, from its start to its report: CPU seconds of the process
and its peak resident memory; on Dask, the largest sum over its processes, looked at ten times a second. Of
ACRO it is the call of `crosstab` alone, without loading the frame; its peak memory has the frame in it, as
ACRO needs it there. They take turns `--times` times, each turn ACRO once
and the short checks thrice, since a shared machine is now quick and now slow; medians count.
"""

from __future__ import annotations

import argparse
import contextlib
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import duckdb
import psutil

from egress_review.checks.job import DatasetFolder
from egress_review.checks.order import Order
from egress_review.checks.policy import CheckPolicy, Engine
from egress_review.checks.rules.document import shipped

Used = tuple[float, float, float]
"""CPU seconds, peak bytes and wall seconds."""
SQL = "SELECT region, sex, age, year, AVG(cost) AS mean_cost FROM visits GROUP BY region, sex, age, year"
DATA = """
COPY (SELECT {open}(hash(i) % {persons}){person} AS person_id, (hash(i + 1) % 17)::INT AS region,
             CASE WHEN hash(i + 2) % 2 = 0 THEN 'F' ELSE 'M' END AS sex, (hash(i + 3) % 18)::INT AS age,
             (2020 + hash(i + 4) % 4)::INT AS year,
             exp((hash(i + 5) % 1000) / 200.0) * (hash(i + 6) % 1000) AS cost
      FROM range({rows}) AS t(i)) TO '{path}' (FORMAT parquet)
"""
TEXT = "::VARCHAR, 20, 'KR-0000000000000000')"
ACRO = """
import logging, resource, sys
logging.disable(50)
import acro, pandas as pd
frame = pd.read_parquet(sys.argv[1], columns=["region", "sex", "age", "year", "cost"])
session = acro.ACRO(suppress=False)
def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
before = cpu()
session.crosstab([frame.region, frame.sex], [frame.age, frame.year], values=frame.cost, aggfunc="mean")
print("USED", cpu() - before, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024, file=sys.stderr)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--acro-python", default="")
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--cpus", type=int, default=1)
    parser.add_argument("--memory", type=int, default=3072, help="MiB")
    parser.add_argument("--profiles", nargs="+", default=["sdap", "acro-default"])
    parser.add_argument("--workers", type=int, nargs="+", default=[], help="of Dask, besides")
    parser.add_argument("--text-ids", action="store_true", help="persons are texts of 20 letters")
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--folder", type=Path, default=None, help="keep the data here")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.folder or Path(scratch) / "data"
        file = make(folder, given.rows, Path(scratch), text_ids=given.text_ids)
        print(f"{given.rows:,} rows, {max(given.rows // 10, 1):,} persons; load {os.getloadavg()[0]:.1f}")
        runs: dict[str, Callable[[], Used]] = {}
        if given.acro_python:
            runs["ACRO crosstab, rows"] = partial(acro, given.acro_python, folder)
        for name in given.profiles:
            policy = CheckPolicy(
                profile=shipped(name),
                memory_bytes=given.memory * 2**20,
                cpus=given.cpus,
                report_cells=10_000,
                canonical=False,
            )
            runs[f"Onggi, {name}"] = partial(checked, policy, folder, file, Path(scratch))
            for workers in given.workers:
                spread = replace(policy, engine=Engine.DASK, workers=workers, cpus=workers)
                runs[f"  on dask x {workers}"] = partial(checked, spread, folder, file, Path(scratch))
        taken: dict[str, list[Used]] = {name: [] for name in runs}
        for _ in range(given.times):
            for name, run in runs.items():
                taken[name] += [run() for _ in range(1 if name.startswith("ACRO") else 3)]
        used = {name: medians(found) for name, found in taken.items()}
        base = next(iter(used.values()))
        for name, (cpu, memory, wall) in used.items():
            shares = (
                f"  1/{base[0] / cpu:.1f} of the CPU, {memory / base[1]:.2f} of the memory"
                if given.acro_python
                else ""
            )
            print(f"{name:22} {cpu:7.2f} CPU s {memory / 2**20:7.0f} MiB {wall:7.1f} s{shares}")


def medians(found: Sequence[Used]) -> Used:
    """Of each of the three."""
    cpu, memory, wall = (statistics.median(one) for one in zip(*found, strict=True))
    return cpu, memory, wall


def make(folder: Path, rows: int, scratch: Path, *, text_ids: bool = False) -> Path:
    """The data, unless they are there, and the table that is checked."""
    folder.mkdir(parents=True, exist_ok=True)
    path, file = folder / "visits.parquet", scratch / "table.csv"
    with duckdb.connect() as database:
        database.execute("SET threads = 2")
        if not path.exists():
            opened, person = (
                ("lpad(", "::VARCHAR, 20, 'KR-0000000000000000')") if text_ids else ("", "::BIGINT")
            )
            named = {"persons": max(rows // 10, 1), "open": opened, "person": person}
            database.execute(DATA.format(rows=rows, path=path, **named))
        (folder / "manifest.json").write_text('{"unit_column": "person_id"}')
        database.execute("SET threads = 1")
        database.execute(f"CREATE VIEW visits AS SELECT * FROM '{path}'")
        database.execute(f"COPY ({SQL} ORDER BY ALL) TO '{file}' (HEADER)")
    return file


def acro(python: str, folder: Path) -> Used:
    """CPU seconds, peak bytes and wall seconds of ACRO's call."""
    began = time.monotonic()
    done = subprocess.run(
        [python, "-c", ACRO, str(folder / "visits.parquet")],
        capture_output=True,
        text=True,
        check=True,
        cwd=folder,
    )
    line = next(one for one in done.stderr.splitlines() if one.startswith("USED"))
    _, cpu, memory = line.split()
    return float(cpu), float(memory), time.monotonic() - began


def checked(policy: CheckPolicy, folder: Path, file: Path, scratch: Path) -> Used:
    """CPU seconds, peak bytes and wall seconds of one worker, from its start to its report."""
    sha256 = hashlib.sha256(file.read_bytes()).hexdigest()
    claim = {"sql": SQL, "format": "csv"}
    place = DatasetFolder("data", "1", str(folder), outside=True)
    order = Order("table.csv", sha256, str(file), str(scratch), claim, (place,), policy)
    asked = scratch / "order.json"
    asked.write_text(json.dumps(order.to_json()))
    began = time.monotonic()
    with asked.open("rb") as stdin:
        child = subprocess.Popen(
            [sys.executable, "-m", "egress_review.checks.worker"], stdin=stdin, stdout=subprocess.PIPE
        )
    peak = Peak(child.pid)
    answer: Any = json.loads(child.stdout.read() if child.stdout else b"")
    _, status, used = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.monotonic() - began
    print(f"  {policy.version}: {answer['verdict']}, {answer['cells_total']} cells", file=sys.stderr)
    memory = used.ru_maxrss * 1024.0 if policy.engine is Engine.DUCKDB else peak.bytes
    return used.ru_utime + used.ru_stime, memory, wall


class Peak(threading.Thread):
    """Looks ten times a second how much memory a process and its children hold.

    Attributes:
        bytes: the most seen so far.
    """

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self._first = psutil.Process(pid)
        self.bytes = 0.0
        self.start()

    def run(self) -> None:
        """Until the process ends."""
        while self._first.is_running():
            with contextlib.suppress(psutil.Error):
                everybody = [self._first, *self._first.children(recursive=True)]
                self.bytes = max(self.bytes, sum(one.memory_info().rss for one in everybody))
            time.sleep(0.1)


if __name__ == "__main__":
    main()
