"""How long it takes to attack a new table among many earlier releases about the same persons.

    python -m tests.bench.many_releases [--releases 300] [--times 3] [--seconds 24] [--profile 40]

The releases are counts of persons by one to three keys, each cut in another way, that hide what is below 10;
every sixth has a filter, of seven filters in turn. Measured is `attack_linked` of one new table: reading the
source, relating, computing again, system, exact recovery, intervals. Medians of wall-clock and CPU seconds.
"""

from __future__ import annotations

import argparse
import cProfile
import pstats
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

from egress_review.checks.attack.linked import Linked, attack_linked
from egress_review.checks.policy import CheckPolicy
from tests.support.check_tables import small_source
from tests.support.releases import COLUMNS, PERSONS, cuts, table

FILTERS = ("smoker", "sex = 'F'", "age < 40", "year >= 2007", "region = 'R0'", "bmi < 28", "age >= 65")

CASES: tuple[tuple[tuple[str, ...], str], ...] = (
    (("age // 20", "region"), ""),
    (("age // 11", "region", "code"), ""),
    (("age // 11", "code", "sex"), "smoker"),
    (("age // 11", "region", "code"), "age < 40"),
    (("age // 11", "code"), "sex = 'F' AND region = 'R0'"),
    (("region", "code"), "age < 22"),
)
"""Keys and filters of new tables."""


def measure(new: Linked, released: list[Linked], seconds: float) -> tuple[float, float, str]:
    """Wall-clock and CPU seconds of one attack, and what it found."""
    wall, cpu = time.monotonic(), time.process_time()
    (found,) = attack_linked([new], released, CheckPolicy(), wall + seconds)
    took = time.monotonic() - wall, time.process_time() - cpu
    codes = sorted({one.code.value for one in found})
    return *took, f"{len(found)} findings {', '.join(codes)}"


def main() -> None:
    """Build the ledger once, measure each new table."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--releases", type=int, default=300)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=24.0)
    parser.add_argument("--only", type=int, nargs="*", help="numbers of new tables")
    parser.add_argument("--profile", type=int, default=0, help="lines of a profile of each")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        source = small_source(folder / "small", {"person": (COLUMNS, PERSONS)})
        asked = islice(cuts(FILTERS), given.releases)
        released = [table(source, folder, *one, name=f"rel-{at}") for at, one in enumerate(asked, 1)]
        filtered = sum(bool(one.query.where_sql) for one in released)
        print(f"{len(released)} releases, {filtered} with a filter", flush=True)
        for at, (keys, where) in enumerate(CASES):
            if given.only and at not in given.only:
                continue
            new = table(source, folder, keys, where)
            profile = cProfile.Profile(time.process_time)
            if given.profile:
                profile.enable()
            runs = [measure(new, released, given.seconds) for _ in range(given.times)]
            profile.disable()
            wall, cpu = statistics.median(run[0] for run in runs), statistics.median(run[1] for run in runs)
            title = f"{at}: {' x '.join(keys)}{where and f' where {where}'}, {len(new.hidden)} hidden"
            print(f"{title}: {wall:.2f} s wall, {cpu:.2f} s CPU; {runs[-1][2]}", flush=True)
            if given.profile:
                pstats.Stats(profile).sort_stats("cumulative").print_stats(given.profile)


if __name__ == "__main__":
    main()
