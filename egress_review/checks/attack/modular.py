"""Dense elimination modulo a prime, in blocks, so that BLAS does the work and every result is exact.

Residues are kept in doubles: products of two are below 2^44 and a block adds at most 64 of them, which a
double holds exactly.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np

from egress_review.checks.attack.model import Floats
from egress_review.checks.attack.system import Indices

PRIME = 4_194_301
"""The largest prime below 2^22."""

_BLOCK = 64
_MOST_COEFFICIENT = 1000
_MOST_DENOMINATOR = 12


@dataclass(slots=True)
class Echelon:
    """A matrix in row echelon form; modulo `PRIME`, `matrix[order] = multipliers @ rows`.

    Attributes:
        rows: rank × columns, the echelon.
        pivots: the column of each row's first entry, which is 1 times an inverse kept in `inverses`.
        order: the row of the matrix that stands at each place after the exchanges.
        multipliers: rows × rank, unit lower trapezoid.
    """

    rows: Floats
    pivots: list[int]
    inverses: list[int]
    order: Indices
    multipliers: Floats

    @property
    def rank(self) -> int:
        """Of the matrix modulo `PRIME`; never above its rank in the rational numbers."""
        return len(self.pivots)


def echelon(matrix: Floats, until: float = math.inf) -> Echelon:
    """Eliminate; `matrix` holds whole numbers.

    Raises:
        TimeoutError: it takes longer than `until` of `time.monotonic`.
    """
    work = np.mod(matrix, PRIME)
    height, width = work.shape
    found = Echelon(work, [], [], np.arange(height), np.zeros((height, min(height, width))))
    for start in range(0, width, _BLOCK):
        stop = min(start + _BLOCK, width)
        first = found.rank
        if first == height:
            break
        if time.monotonic() > until:
            raise TimeoutError
        _panel(found, start, stop)
        _update(found, first, stop)
    found.rows = work[: found.rank]
    found.multipliers = found.multipliers[:, : found.rank]
    for place in range(found.rank):
        found.multipliers[place, place] = 1
    return found


def _panel(found: Echelon, start: int, stop: int) -> None:
    work, height = found.rows, len(found.rows)
    for column in range(start, stop):
        place = found.rank
        if place == height:
            return
        below = np.flatnonzero(work[place:, column])
        if not len(below):
            continue
        _exchange(found, place, place + int(below[0]))
        inverse = pow(int(work[place, column]), -1, PRIME)
        factors = np.mod(work[place + 1 :, column] * inverse, PRIME)
        touched = place + 1 + np.flatnonzero(factors)
        change = np.outer(factors[touched - place - 1], work[place, column:stop])
        work[touched, column:stop] = np.mod(work[touched, column:stop] - np.mod(change, PRIME), PRIME)
        found.multipliers[place + 1 :, place] = factors
        found.pivots.append(column)
        found.inverses.append(inverse)


def _exchange(found: Echelon, one: int, other: int) -> None:
    if one != other:
        for array in (found.rows, found.multipliers, found.order):
            array[[one, other]] = array[[other, one]]


def _update(found: Echelon, first: int, stop: int) -> None:
    """Bring what a panel did to its columns to the columns right of it."""
    work, last = found.rows, found.rank
    if first == last or stop == work.shape[1]:
        return
    for place in range(first + 1, last):
        above = found.multipliers[place, first:place] @ work[first:place, stop:]
        work[place, stop:] = np.mod(work[place, stop:] - np.mod(above, PRIME), PRIME)
    below = found.multipliers[last:, first:last] @ work[first:last, stop:]
    work[last:, stop:] = np.mod(work[last:, stop:] - np.mod(below, PRIME), PRIME)


def null_vectors(found: Echelon, free: Floats) -> Floats:
    """Vectors of the null space, one by column, whose entries outside the pivots are those of `free`.

    Args:
        free: columns of the matrix × vectors; rows of pivots are ignored.
    """
    x = np.mod(free, PRIME).astype(np.int64)
    for place in range(found.rank - 1, -1, -1):
        column = found.pivots[place]
        row = found.rows[place, column + 1 :].astype(np.int64)
        held = np.flatnonzero(row)
        products = row[held, None] * x[column + 1 + held] % PRIME
        x[column] = -products.sum(axis=0) % PRIME * found.inverses[place] % PRIME
    return x.astype(np.float64)


def rank_is_proven(matrix: Floats, found: Echelon, until: float = math.inf) -> bool:
    """Whether the rank modulo `PRIME` is the rank in the rational numbers.

    It is never above it, and it is not below it if every row that is no pivot row is a combination of pivot
    rows with rational coefficients. Those are found modulo `PRIME` and proven in whole numbers.

    Raises:
        TimeoutError: as `echelon`.
    """
    rank = found.rank
    if rank == len(matrix):
        return True
    coefficients = _dependencies(found, until)
    exact = matrix[found.order].astype(np.int64)
    lifted = [lift(row) for row in coefficients]
    if any(one is None for one in lifted):
        return False
    return all(
        np.array_equal(one[0] @ exact[:rank], one[1] * exact[rank + number])
        for number, one in enumerate(lifted)
        if one is not None
    )


def _dependencies(found: Echelon, until: float) -> Floats:
    """The rows that are no pivot rows, as combinations of those that are."""
    rank = found.rank
    left = found.multipliers[rank:].copy()
    for place in range(rank - 1, 0, -1):
        if time.monotonic() > until:
            raise TimeoutError
        change = np.outer(left[:, place], found.multipliers[place, :place])
        left[:, :place] = np.mod(left[:, :place] - np.mod(change, PRIME), PRIME)
    return left


def lift(residues: Floats) -> tuple[Indices, int] | None:
    """Small whole numbers over one small denominator that leave these residues, or None."""
    held = residues.astype(np.int64)
    for denominator in range(1, _MOST_DENOMINATOR + 1):
        scaled = held * denominator % PRIME
        balanced = np.where(scaled > PRIME // 2, scaled - PRIME, scaled)
        if np.abs(balanced).max(initial=0) <= _MOST_COEFFICIENT:
            return balanced, denominator
    return None
