"""How closely a hidden cell can be calculated: intervals by linear programs, within a time budget.

Guarantees: a cell is called *wide* only if solutions were found that lie as far apart as its protection level
asks; *narrow* only if the smallest and largest possible values were found; else it is *open*, which nobody
may take for safe. A solution is of real numbers: in tables of three and more keys whole numbers can say more
than that, so small components are asked in whole numbers too.

Few programs answer for many cells: all open cells are pushed up or down at once, each just as far as needed,
and every solution counts for every cell. Only what is left is asked cell by cell.

Source: the attacker's problem: Fischetti and Salazar-González, Models and Algorithms for the 2-Dimensional
Cell Suppression Problem, Mathematical Programming 84 (1999).
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from egress_review.checks.attack.exact import Recovery
from egress_review.checks.attack.highs import LinearProgram
from egress_review.checks.attack.model import Flags, Floats
from egress_review.checks.attack.system import Indices, System

WARM_BELOW = 800
"""Unknowns up to which a program is solved from its last solution; larger ones degenerate and start anew."""

WHOLE_BELOW = 200
"""Unknowns up to which a component is asked in whole numbers."""

_TOLERANCE = 1e-6
_PASSES = 12


class Width(IntEnum):
    """What is known of a cell's interval."""

    OPEN = 0
    WIDE = 1
    NARROW = 2


@dataclass(frozen=True, slots=True)
class Intervals:
    """By unknown: what is known of the interval, and its ends.

    Attributes:
        low, high: the ends of a narrow interval; of others, the outermost values found.
    """

    width: npt.NDArray[np.int64]
    low: Floats
    high: Floats


def bounds(system: System, recovery: Recovery, need: Floats, seconds: float) -> Intervals:
    """Compare the interval of each asked unknown with its protection level.

    Args:
        need: protection levels by unknown; nan where nobody asks; inf for the whole interval.
        seconds: wall-clock time for all of it.
    """
    until = time.monotonic() + seconds
    size = len(system.unknowns)
    result = Intervals(np.zeros(size, np.int64), np.full(size, np.nan), np.full(size, np.nan))
    known = recovery.recovered
    asked = ~np.isnan(need)
    for array in (result.low, result.high):
        array[known] = recovery.ranges.low[known]
    result.width[known] = Width.NARROW
    parts = [part for part in system.components() if (asked & ~known)[part[1]].any()]

    def answer(part: tuple[Indices, Indices]) -> None:
        rows, columns = part
        component = _Component(system.part(rows, columns), recovery, columns, need[columns], until)
        component.run()
        result.width[columns] = component.width
        result.low[columns], result.high[columns] = component.seen_low, component.seen_high

    _in_parallel(answer, sorted(parts, key=lambda part: -len(part[1])))
    return result


def _in_parallel(
    work: Callable[[tuple[Indices, Indices]], None], parts: Sequence[tuple[Indices, Indices]]
) -> None:
    """HiGHS leaves Python's lock while it solves, so threads are enough."""
    processors = len(os.sched_getaffinity(0))
    if processors == 1 or len(parts) == 1:
        for part in parts:
            work(part)
        return
    with ThreadPoolExecutor(processors) as pool:
        list(pool.map(work, parts))


class _Component:
    """One component: bounds, what solutions were seen, and what is still open."""

    def __init__(
        self, system: System, recovery: Recovery, columns: Indices, need: Floats, until: float
    ) -> None:
        self._system = system
        self._until = until
        self._low, self._high = _boxed(system, recovery, columns)
        self._whole = bool(system.integral.all())
        self._need = np.ceil(need - _TOLERANCE) if self._whole else need
        # Nothing can be wider than the bounds: who asks for the whole interval asks for that.
        self._reach = np.minimum(self._need, self._high - self._low)
        known = recovery.recovered[columns]
        self.width = np.where(known, Width.NARROW, Width.OPEN).astype(np.int64)
        self.seen_low = np.where(known, self._low, np.inf)
        self.seen_high = np.where(known, self._high, -np.inf)
        self._whole_low, self._whole_high = self.seen_low.copy(), self.seen_high.copy()
        self._program = LinearProgram(
            system.matrix, system.rhs, self._low, self._high, warm=len(columns) <= WARM_BELOW
        )
        self._see(system.true if _fits(system, self._low, self._high) else None)

    @property
    def _open(self) -> Flags:
        still: Flags = ~np.isnan(self._need) & (self.width == Width.OPEN)
        return still

    def run(self) -> None:
        """Answer for as many cells as the time allows."""
        if np.isinf(self.seen_low).any():
            self._see(self._program.solve(self._until))
            if np.isinf(self.seen_low).any():
                return
        self._push_together()
        for unknown in np.flatnonzero(self._open):
            if self.width[unknown] == Width.OPEN and not self._alone(int(unknown)):
                break
        if self._whole and len(self.width) <= WHOLE_BELOW:
            self._in_whole_numbers()

    def _see(self, solution: Floats | None) -> None:
        """Let a solution count for every cell."""
        if solution is None:
            return
        np.minimum(self.seen_low, solution, out=self.seen_low)
        np.maximum(self.seen_high, solution, out=self.seen_high)
        if np.abs(solution - np.rint(solution)).max(initial=0) <= _TOLERANCE:
            np.minimum(self._whole_low, solution, out=self._whole_low)
            np.maximum(self._whole_high, solution, out=self._whole_high)
        self.width[self._open & (self.seen_high - self.seen_low >= self._need - _TOLERANCE)] = Width.WIDE

    def _push_together(self) -> None:
        """Push all open cells at once, up or down by chance; each no further than it must."""
        generator = np.random.default_rng(0)
        for _ in range(_PASSES):
            ends = self._ends_open()
            still = ends > 0
            if not still.any():
                return
            up = generator.integers(2, size=len(still)) == 1
            caps = (
                np.where(still & ~up, np.maximum(self._low, self.seen_high - self._need), self._low),
                np.where(still & up, np.minimum(self._high, self.seen_low + self._need), self._high),
            )
            cost = np.where(still, np.where(up, -1.0, 1.0) / np.where(still, self._reach, 1.0), 0.0)
            self._program.set_all_bounds(*caps)
            self._program.set_cost(cost)
            solution = self._program.solve(self._until)
            if solution is None:
                break
            self._see(solution)
            if self._ends_open().sum() > 0.98 * ends.sum():
                break
        self._program.set_all_bounds(self._low, self._high)

    def _ends_open(self) -> npt.NDArray[np.int64]:
        """How many ends of each open interval lie before the bounds, as far as solutions were seen."""
        short = (self.seen_low > self._low + _TOLERANCE).astype(np.int64)
        short += self.seen_high < self._high - _TOLERANCE
        return np.where(self._open, short, 0)

    def _alone(self, unknown: int) -> bool:
        """Find the ends of one interval, or that it is wide; whether there was time."""
        ends: list[float] = []
        seen = ((1.0, self.seen_low, self._low), (-1.0, self.seen_high, self._high))
        for sign, outermost, bound in seen:
            if abs(outermost[unknown] - bound[unknown]) <= _TOLERANCE:
                ends.append(float(bound[unknown]))
                continue
            self._program.set_cost(_only(unknown, len(self.width), sign))
            solution = self._program.solve(self._until)
            if solution is None:
                return False
            self._see(solution)
            ends.append(float(solution[unknown]))
            if self.width[unknown] == Width.WIDE:
                return True
        self.width[unknown] = Width.NARROW
        self.seen_low[unknown], self.seen_high[unknown] = ends
        return True

    def _in_whole_numbers(self) -> None:
        """Ask again in whole numbers for cells that only fractional solutions showed to be wide."""
        for unknown in np.flatnonzero(self.width == Width.WIDE):
            ends: list[float] = []
            for sign in (1.0, -1.0):
                if self._whole_high[unknown] - self._whole_low[unknown] >= self._need[unknown] - _TOLERANCE:
                    break
                program = LinearProgram(
                    self._system.matrix, self._system.rhs, self._low, self._high, warm=False, whole=True
                )
                program.set_cost(_only(int(unknown), len(self.width), sign))
                solution = program.solve(self._until)
                if solution is None:
                    self.width[unknown] = Width.OPEN
                    break
                self._see(solution)
                ends.append(float(np.rint(solution[unknown])))
            else:
                if ends[1] - ends[0] < self._need[unknown] - _TOLERANCE:
                    self.width[unknown] = Width.NARROW
                    self.seen_low[unknown], self.seen_high[unknown] = ends


def _only(unknown: int, size: int, sign: float) -> Floats:
    cost = np.zeros(size)
    cost[unknown] = sign
    return cost


def _boxed(system: System, recovery: Recovery, columns: Indices) -> tuple[Floats, Floats]:
    """Finite bounds: a cell without any is held in a box far larger than all numbers. A smaller interval than
    the true one errs on the safe side.
    """
    low, high = recovery.ranges.low[columns], recovery.ranges.high[columns]
    finite = np.concatenate([system.rhs, low[np.isfinite(low)], high[np.isfinite(high)], [1.0]])
    far = 100 * np.abs(finite).max()
    return np.maximum(low, -far), np.minimum(high, far)


def _fits(system: System, low: Floats, high: Floats) -> bool:
    if not np.isfinite(system.true).all():
        return False
    margin = _TOLERANCE * (1 + np.abs(system.true))
    inside = (system.true >= low - margin) & (system.true <= high + margin)
    off = np.abs(system.matrix @ system.true - system.rhs)
    return bool(inside.all() and (off <= _TOLERANCE * (1 + np.abs(system.rhs))).all())
