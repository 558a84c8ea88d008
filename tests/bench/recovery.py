"""How long it takes to attack and to protect tables with many hidden cells.

    python -m tests.bench.recovery [--seeds 5]

Seeded sparse counts (few large cells, many small, some empty) with all margins; the hidden cells are counts
below 10. Medians over the seeds of wall-clock and CPU seconds, system building included.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

import numpy as np

from egress_review.checks.attack.audit import AttackRules, audit
from egress_review.checks.attack.bounds import bounds
from egress_review.checks.attack.exact import exact_recovery
from egress_review.checks.attack.model import PublishedTable
from egress_review.checks.attack.system import systems
from egress_review.checks.protect.suppression import suppress
from tests.support.attacked import cube

RULES = AttackRules(percent=10)
Work = Callable[[PublishedTable], str]


def exact(table: PublishedTable) -> str:
    (system,) = systems([table])
    found = exact_recovery(system)
    return f"{int(found.recovered.sum())} recovered, certain: {found.certain}"


def audited(table: PublishedTable) -> str:
    found = audit([table], RULES, 120)
    return f"{len(found.exposures)} of {found.sensitive} exposed"


def whole_intervals(table: PublishedTable) -> str:
    (system,) = systems([table])
    found = bounds(system, exact_recovery(system), np.full(len(system.unknowns), np.inf), 600)
    return f"{len(system.unknowns)} intervals, {int((found.width == 0).sum())} open"


def protected(table: PublishedTable) -> str:
    made = suppress(table, [], RULES, 600)
    return f"{int(made.table.suppressed.sum())} hidden, safe: {made.found.safe}"


def hidden(shape: tuple[int, ...], count: int, *, protect: bool = False) -> Callable[[int], PublishedTable]:
    """A maker of tables: as many cells below the threshold are hidden; with their partners if protected."""

    def make(seed: int) -> PublishedTable:
        table = cube(shape, seed, count)
        return suppress(table, [], RULES, 600).table if protect else table

    return make


CASES: tuple[tuple[str, Callable[[int], PublishedTable], Work], ...] = (
    ("exact recovery, 20x20x20, 1,700 hidden", hidden((20, 20, 20), 1700), exact),
    ("attack with intervals, 50x50, 680 hidden", hidden((50, 50), 680), audited),
    ("attack with intervals, 20x20x20, 550 hidden", hidden((20, 20, 20), 550), audited),
    ("the same, 550 and their partners hidden", hidden((20, 20, 20), 550, protect=True), audited),
    ("attack with intervals, 20x20x20, 1,700 hidden", hidden((20, 20, 20), 1700), audited),
    ("both ends of every interval, 50x50, 680 hidden", hidden((50, 50), 680), whole_intervals),
    ("both ends, 20x20x20, 110 and their partners", hidden((20, 20, 20), 110, protect=True), whole_intervals),
    ("complementary suppression, 50x50, 200", hidden((50, 50), 200), protected),
    ("complementary suppression, 20x20x20, 550", hidden((20, 20, 20), 550), protected),
)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seeds", type=int, default=5)
    given = parser.parse_args()
    for name, make, work in CASES:
        walls, seconds, said = [], [], ""
        for seed in range(1, given.seeds + 1):
            table = make(seed)
            wall, cpu = time.perf_counter(), time.process_time()
            said = work(table)
            walls.append(time.perf_counter() - wall)
            seconds.append(time.process_time() - cpu)
        wall_s, cpu_s = statistics.median(walls), statistics.median(seconds)
        print(f"{name}: {wall_s:.2f} s wall, {cpu_s:.2f} s CPU; last: {said}", flush=True)


if __name__ == "__main__":
    main()
