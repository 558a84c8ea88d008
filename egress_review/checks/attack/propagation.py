"""What bounds and whole numbers say without optimization: each line bounds each of its cells by the others.

A line whose hidden cells sum to 0 makes all of them 0; rounded parts bound a rounded total; and so on, until
nothing changes any more. Every conclusion is certain: bounds of fractions are widened by rounding errors.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from egress_review.checks.attack.model import Flags, Floats
from egress_review.checks.attack.system import TOLERANCE, Indices, System

_MOST_ROUNDS = 100


@dataclass(frozen=True, slots=True)
class Ranges:
    """Bounds of the unknowns after propagation.

    Attributes:
        line: the line that last moved a bound of each unknown; -1 if none did.
    """

    low: Floats
    high: Floats
    line: Indices

    def pinned(self) -> Flags:
        """Unknowns of which only one value is left."""
        return self.high - self.low <= slack(self.low, self.high)


def slack(low: Floats, high: Floats) -> Floats:
    """The width that rounding errors alone can give an interval."""
    largest = np.maximum(np.abs(low), np.abs(high))
    return 4 * TOLERANCE * (1 + np.where(np.isfinite(largest), largest, 0))


def propagate(
    system: System, low: Floats | None = None, high: Floats | None = None, until: float = math.inf
) -> Ranges:
    """Tighten the bounds by every line until nothing moves.

    Args:
        low, high: what is known beyond the system's own bounds.
        until: of `time.monotonic`; bounds are then as tight as they got.
    """
    low = (system.low if low is None else low).copy()
    high = (system.high if high is None else high).copy()
    line = np.full(len(low), -1, dtype=np.int64)
    lines, columns, signs = _entries(system)
    for _ in range(_MOST_ROUNDS):
        below, above = _by_others(system, low, high, lines, columns, signs)
        whole = system.integral[columns]
        below = np.where(whole, np.ceil(below - 1e-6), below - TOLERANCE * (1 + np.abs(below)))
        above = np.where(whole, np.floor(above + 1e-6), above + TOLERANCE * (1 + np.abs(above)))
        moved = _tighten(low, high, line, (lines, columns), (below, above))
        if not moved or time.monotonic() > until:
            break
    return Ranges(low, high, line)


def _entries(system: System) -> tuple[Indices, Indices, Indices]:
    matrix = system.matrix.tocoo()
    return matrix.row.astype(np.int64), matrix.col.astype(np.int64), matrix.data.astype(np.int64)


def _by_others(
    system: System, low: Floats, high: Floats, lines: Indices, columns: Indices, signs: Indices
) -> tuple[Floats, Floats]:
    """For each entry, the bounds of its unknown that the rest of its line leaves."""
    least = np.where(signs > 0, low[columns], -high[columns])
    most = np.where(signs > 0, high[columns], -low[columns])
    rest_least = _without_own(least, lines, len(system.rhs))
    rest_most = _without_own(most, lines, len(system.rhs))
    first, last = system.rhs[lines] - rest_most, system.rhs[lines] - rest_least
    return np.where(signs > 0, first, -last), np.where(signs > 0, last, -first)


def _without_own(values: Floats, lines: Indices, height: int) -> Floats:
    """Sum of each line without each of its entries; infinite as soon as another entry is."""
    finite = np.isfinite(values)
    held = np.where(finite, values, 0.0)
    sums = np.bincount(lines, held, height)
    infinite = np.bincount(lines, ~finite, height)
    others = infinite[lines] - ~finite
    sign = np.where(np.bincount(lines, values == np.inf, height)[lines] > 0, np.inf, -np.inf)
    return np.where(others > 0, sign, sums[lines] - held)


def _tighten(
    low: Floats,
    high: Floats,
    line: Indices,
    where: tuple[Indices, Indices],
    bounds: tuple[Floats, Floats],
) -> bool:
    """Move the bounds; whether any moved by more than rounding errors."""
    lines, columns = where
    below, above = bounds
    margin = slack(low, high)[columns]
    raised = below > low[columns] + margin
    lowered = above < high[columns] - margin
    line[columns[raised | lowered]] = lines[raised | lowered]
    np.maximum.at(low, columns[raised], below[raised])
    np.minimum.at(high, columns[lowered], above[lowered])
    crossed = low > high
    low[crossed] = high[crossed] = (low[crossed] + high[crossed]) / 2
    return bool(raised.any() or lowered.any())
