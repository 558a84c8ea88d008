"""Tables of our own making, and what ACRO 1.0.2 flags in them.

    python tests/support/acro_tables.py > tests/support/acro_flags.json

in an environment with `acro==1.0.2`, which wants a pandas of its own. The data come from a seed and the
standard library alone, so that the tests make the same ones without it.
"""

from __future__ import annotations

import json
import logging
import random
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

STATISTICS = ("count", "sum", "mean", "median", "std", "min", "max")
SHAPES = ("plain", "tails", "missing", "zeros", "negative", "sparse")
SEEDS = (1, 2, 3)
MARGIN = "All"
FREEDOM = 10


@dataclass(frozen=True)
class Case:
    """One table: which data, which statistic, with or without margins."""

    shape: str
    seed: int
    statistic: str
    margins: bool

    @property
    def name(self) -> str:
        return f"{self.shape}-{self.seed}-{self.statistic}{'-margins' if self.margins else ''}"


def cases() -> Iterator[Case]:
    for shape in SHAPES:
        for seed in SEEDS:
            for statistic in STATISTICS:
                yield Case(shape, seed, statistic, margins=False)
                yield Case(shape, seed, statistic, margins=True)


def rows_of(shape: str, seed: int) -> list[dict[str, Any]]:
    """Year, kind and value of a few hundred rows."""
    made = random.Random(f"{shape}-{seed}")
    kinds = ["G", "N", "R", "R/G", "X"] if shape == "sparse" else ["G", "N", "R"]
    weights = [40, 20, 8, 3, 1][: len(kinds)]
    found = []
    for _ in range(made.randint(120, 320)):
        value: float | None = round(made.lognormvariate(8, 3.2 if shape == "tails" else 0.6), 2)
        if shape == "missing" and made.random() < 0.5:
            value = None
        elif shape == "zeros" and made.random() < 0.4:
            value = 0.0
        elif shape == "negative" and made.random() < 0.02:
            value = -5.25
        kind = made.choices(kinds, weights)[0]
        found.append({"year": 2010 + made.randint(0, 4), "kind": kind, "value": value})
    return found


def flagged(case: Case) -> dict[str, list[str]]:
    """`year|kind` → the checks of ACRO that flag the cell."""
    import acro  # type: ignore[import-not-found]  # an environment of its own
    import pandas as pd

    data = pd.DataFrame(rows_of(case.shape, case.seed))
    session = acro.ACRO(suppress=False)
    year, kind = data["year"].astype(str), data["kind"]
    session.crosstab(year, kind, values=data["value"], aggfunc=case.statistic, margins=case.margins)
    outcome = list(session.results.results.values())[-1].outcome
    counts = pd.crosstab(year, kind, margins=case.margins, margins_name=MARGIN)
    found: dict[str, list[str]] = {}
    for row in outcome.index:
        for column in outcome.columns:
            checks = [
                one for one in str(outcome.loc[row, column]).replace("ok", "").split("; ") if one.strip()
            ]
            if case.statistic == "std":
                # Its mask is the degrees of freedom themselves; what it compares is meant here.
                checks = ["MinimumDoFCheck"] if counts.loc[row, column] - 1 < FREEDOM else []
            if checks:
                found[f"{row}|{column}"] = sorted(checks)
    return found


def main() -> None:
    logging.disable(logging.CRITICAL)
    out, sys.stdout = sys.stdout, sys.stderr
    found = {case.name: flagged(case) for case in cases()}
    json.dump(found, out, indent=0, sort_keys=True)


if __name__ == "__main__":
    main()
