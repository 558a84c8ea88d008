"""Linear programs for HiGHS: one model, asked many times.

Source: HiGHS, https://highs.dev (Huangfu and Hall, Parallelizing the dual revised simplex method, 2018).
"""

from __future__ import annotations

import time
from typing import Any

import highspy
import numpy as np
from scipy import sparse

from egress_review.checks.attack.model import Floats

FEASIBILITY = 1e-7


class LinearProgram:
    """Minimize cost · x over `matrix @ x = rhs`, `low <= x <= high`.

    Args:
        warm: start each solution from the last one, without presolve; better for small programs.
        whole: x in whole numbers. Ask such a program once: HiGHS 1.15 calls a feasible one infeasible when it
            is asked again with another cost.
    """

    def __init__(
        self,
        matrix: sparse.csr_array,
        rhs: Floats,
        low: Floats,
        high: Floats,
        *,
        warm: bool = True,
        whole: bool = False,
    ) -> None:
        height, width = matrix.shape
        by_column = sparse.csc_array(matrix)
        model = highspy.HighsLp()
        model.num_col_, model.num_row_ = width, height
        model.col_cost_ = np.zeros(width)
        model.col_lower_, model.col_upper_ = low, high
        model.row_lower_ = model.row_upper_ = rhs
        model.a_matrix_.format_ = highspy.MatrixFormat.kColwise
        model.a_matrix_.start_ = by_column.indptr.astype(np.int32)
        model.a_matrix_.index_ = by_column.indices.astype(np.int32)
        model.a_matrix_.value_ = by_column.data.astype(np.float64)
        if whole:
            model.integrality_ = [highspy.HighsVarType.kInteger] * width
        solver: Any = highspy.Highs  # its stubs lack half of its methods
        self._solver = solver()
        self._solver.silent()
        for name, value in (("threads", 1), ("parallel", "off"), ("presolve", "off" if warm else "on")):
            self._solver.setOptionValue(name, value)
        self._solver.setOptionValue("primal_feasibility_tolerance", FEASIBILITY)
        self._solver.passModel(model)
        self._warm = warm
        self._columns = np.arange(width, dtype=np.int32)
        self._rows = np.arange(height, dtype=np.int32)
        self._rhs = rhs.copy()

    def set_cost(self, cost: Floats) -> None:
        """What is minimized."""
        self._solver.changeColsCost(len(cost), self._columns, cost)

    def set_all_bounds(self, low: Floats, high: Floats) -> None:
        """Other bounds of all unknowns."""
        self._solver.changeColsBounds(len(low), self._columns, low, high)

    def solve_for(self, rhs: Floats, until: float) -> Floats | None:
        """The solution with another right side."""
        changed = np.flatnonzero(rhs != self._rhs).astype(np.int32)
        self._solver.changeRowsBounds(len(changed), changed, rhs[changed], rhs[changed])
        self._rhs = rhs.copy()
        return self.solve(until)

    def solve(self, until: float) -> Floats | None:
        """The solution; None if there is none or it is not found before `until` of `time.monotonic()`.

        An unbounded program has none either: give bounds where that matters.
        """
        left = until - time.monotonic()
        if left <= 0:
            return None
        if not self._warm:
            self._solver.clearSolver()
        self._solver.setOptionValue("time_limit", self._solver.getRunTime() + left)
        self._solver.run()
        if self._solver.getModelStatus() != highspy.HighsModelStatus.kOptimal:
            return None
        return np.asarray(self._solver.getSolution().col_value)
