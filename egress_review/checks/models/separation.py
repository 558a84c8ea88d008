"""Whether a group of columns splits the outcomes of a logistic model, so that it says who has which.

Source: Albert and Anderson (1984), On the existence of maximum likelihood estimates in logistic regression
models; as a linear program: Konis (2007).
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linprog

Matrix = npt.NDArray[np.float64]

MOST_PATTERNS = 20_000
_SURE = 1e-6


def separated(matrix: Matrix, response: Matrix) -> bool | None:
    """Whether some combination of columns is never on the wrong side of any outcome, and on the right of one.

    Args:
        matrix: shape (rows, columns).
        response: 0 or 1, shape (rows,).

    Returns:
        None if there are too many different rows to say.
    """
    signed = np.unique(np.column_stack([matrix, response]), axis=0)
    if len(signed) > MOST_PATTERNS:
        return None
    sides = signed[:, :-1] * np.where(signed[:, -1:] > 0, 1.0, -1.0)
    scale = np.abs(sides).max(axis=0)
    sides = sides / np.where(scale > 0, scale, 1.0)
    answer = linprog(
        -sides.sum(axis=0), A_ub=-sides, b_ub=np.zeros(len(sides)), bounds=(-1.0, 1.0), method="highs"
    )
    if answer.status != 0:
        return None
    return bool(-answer.fun > _SURE)
