"""A table of about 1,000 cells against a ledger of about 100,000 cells over 770,000 persons.

    python -m tests.bench.differencing [--tables 98] [--persons 770000] [--times 3]

Every table has two key columns with all their margins, cut anew: no two tables fit each other, which is the
worst case for the search. The sets of one release in fifty lack three persons of the new table's first cell,
so that there is something to find. Measured is the whole comparison, in a process of its own: reading and
hashing the sets of the ledger, roaring bitmaps to persons, all relations.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np
from scipy import sparse

from egress_review.checks.differencing.prints import prints_by
from egress_review.checks.differencing.search import search
from egress_review.checks.differencing.sets import (
    COUNT,
    Family,
    Sets,
    from_bytes,
    make_sets,
    smallest,
    to_bytes,
)

ROWS, COLUMNS, K = 24, 40, 10


def table(persons: int, random: np.random.Generator) -> Sets:
    """Inner cells, both margins, the total; put together from atoms, which is faster than from sets."""
    cell = random.integers(0, ROWS * COLUMNS, persons)
    people = np.arange(1, persons + 1, dtype=np.uint64)
    inner = np.arange(ROWS * COLUMNS)
    groupings = ((inner, inner.size), (inner // COLUMNS, ROWS), (inner % COLUMNS, COLUMNS), (inner * 0, 1))
    sets: list[np.ndarray] = []
    families: list[Family] = []
    for labels, count in groupings:
        places = range(len(sets), len(sets) + count)
        families.append(Family(tuple(places), frozenset({COUNT}), disjoint=True))
        sets.extend(np.flatnonzero(labels == one) for one in range(count))
    indices, starts = np.concatenate(sets), np.cumsum([0, *(one.size for one in sets)])
    made_of = sparse.csr_array(
        (np.ones(indices.size, dtype=np.int32), indices, starts), shape=(len(sets), inner.size)
    )
    sizes = np.asarray(made_of @ np.bincount(cell, minlength=inner.size), dtype=np.int64)
    prints = prints_by(cell, people, np.ones_like(people), inner.size)
    prints = np.add.reduceat(prints[indices], starts[:-1], axis=0)
    rows = tuple(range(len(sets)))
    return Sets(people, smallest(cell, inner.size), made_of, rows, rows, tuple(families), sizes, prints)


def near(sets: Sets) -> Sets:
    """The first cell of a table without three persons, released alone."""
    family = Family((0,), frozenset({COUNT}), disjoint=True)
    return make_sets([sets.members(0)[3:]], [0], [0], [family])


def load(path: Path, sha256: str) -> Sets:
    """As the worker reads a released table."""
    raw = path.read_bytes()
    if hashlib.sha256(raw).hexdigest() != sha256:
        raise ValueError(path)
    return from_bytes(raw)


def compare(folder: Path) -> None:
    """One comparison; its figures on standard output."""
    new = from_bytes((folder / "new").read_bytes())
    paths = json.loads((folder / "ledger.json").read_text())
    loads = [partial(load, folder / name, sha256) for name, sha256 in paths]
    before = resource.getrusage(resource.RUSAGE_SELF)
    began = time.monotonic()
    found = search([new], loads, K, math.inf)
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    said = {"s": round(took, 2), "cpu_s": round(cpu, 2), "peak_mib": after.ru_maxrss // 1024}
    print(json.dumps({**said, "hits": len(found.hits), "complete": found.complete}))


def build(folder: Path, tables: int, persons: int) -> tuple[int, int]:
    """Write a ledger; its cells and bytes."""
    random = np.random.default_rng(20261122)
    new = table(persons, random)
    (folder / "new").write_bytes(to_bytes(new))
    paths: list[tuple[str, str]] = []
    cells = size = 0
    for at in range(tables):
        for sets in (table(persons, random), *([near(new)] if at % 50 == 0 else [])):
            raw = to_bytes(sets)
            (folder / str(len(paths))).write_bytes(raw)
            paths.append((str(len(paths)), hashlib.sha256(raw).hexdigest()))
            cells, size = cells + len(sets.place), size + len(raw)
    (folder / "ledger.json").write_text(json.dumps(paths))
    return cells, size


def main() -> None:
    """Build once, measure some times."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--tables", type=int, default=98)
    parser.add_argument("--persons", type=int, default=770_000)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--compare", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.compare:
        compare(given.compare)
        return
    with tempfile.TemporaryDirectory() as name:
        cells, size = build(Path(name), given.tables, given.persons)
        print(
            f"ledger: {cells:,} cells, {size / 1e6:.0f} MB; new table: {(ROWS + 1) * (COLUMNS + 1):,} cells"
        )
        for _ in range(given.times):
            subprocess.run([sys.executable, "-m", "tests.bench.differencing", "--compare", name], check=True)


if __name__ == "__main__":
    main()
