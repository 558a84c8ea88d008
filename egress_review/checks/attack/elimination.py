"""The null space of a system of margins, exactly: which unknowns the equalities leave no freedom.

**Method.** First sparse elimination in whole numbers with pivots 1 and -1, cheapest first (a line with one
unknown, an unknown in one line, ...); what remains, if it fills up, is eliminated modulo a prime `p`.
Then a few vectors of the null space with random free entries are calculated modulo `p`.

**Why no cell is called safe that is not.** Let the equalities have rank r in the rational numbers and modulo
`p` alike. If an unknown is determined, its unit row is a combination of the equalities, so adding it to them
keeps the rank r in the rational numbers; modulo `p` the rank can only be smaller, but it was r before; so the
unit row is a combination modulo `p` too, and every vector of the null space modulo `p` is 0 there. So an
entry that is not 0 proves freedom. That the ranks are alike is itself proven in whole numbers
(`modular.rank_is_proven`); where that fails, `certain` is False and nothing may be called safe. The other
error, an entry that is 0 by chance, has probability p^-4 and is on the safe side; witnesses exclude it.
"""

from __future__ import annotations

import heapq
import math
import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from egress_review.checks.attack import modular
from egress_review.checks.attack.model import Floats
from egress_review.checks.attack.modular import PRIME
from egress_review.checks.attack.system import Indices

VECTORS = 4
_DEAREST = (0, 2, 8, 40)
"""Entries that one sparse step may fill at most; after each of these, unknowns of the same lines are one."""
MOST_DENSE = 60_000_000
"""Entries of the dense rest, 8 bytes each; a larger rest is not proven."""


@dataclass(frozen=True, slots=True)
class NullSpace:
    """Random vectors of the null space.

    Attributes:
        vectors: unknowns × `VECTORS`, modulo `PRIME`; a row of zeros is an unknown without freedom, and rows
            that are multiples of each other are unknowns of which one tells the other.
        certain: whether an unknown with an entry that is not 0 is proven to be free.
    """

    vectors: Floats
    certain: bool

    @property
    def determined(self) -> Indices:
        """The unknowns without freedom."""
        return np.flatnonzero(~self.vectors.any(axis=1))


def null_space(matrix: sparse.csr_array, seed: int = 0, until: float = math.inf) -> NullSpace:
    """Random vectors of the null space of a sparse matrix of whole numbers.

    Args:
        until: of `time.monotonic`; what is not eliminated by then is not certain.
    """
    generator = np.random.default_rng(seed)
    free = generator.integers(1, PRIME, size=(matrix.shape[1], VECTORS)).astype(np.float64)
    if time.monotonic() > until:
        return NullSpace(free, certain=False)
    reduced = _Sparse(matrix)
    reduced.run(until)
    rows, columns = reduced.rest()
    if len(rows) * len(columns) > MOST_DENSE or time.monotonic() > until:
        return NullSpace(free, certain=False)
    certain = True
    if rows:
        rest = np.zeros((len(rows), len(columns)))
        place = {column: number for number, column in enumerate(columns)}
        for number, row in enumerate(rows):
            for column, value in row.items():
                rest[number, place[column]] = value
        try:
            found = modular.echelon(rest, until)
            certain = modular.rank_is_proven(rest, found, until)
        except TimeoutError:
            return NullSpace(free, certain=False)
        free[columns] = modular.null_vectors(found, free[columns])
    return NullSpace(reduced.back(free), certain)


class _Sparse:
    """Sparse elimination in whole numbers with pivots 1 and -1."""

    def __init__(self, matrix: sparse.csr_array) -> None:
        self._rows: list[dict[int, int]] = []
        self._columns: list[set[int]] = [set() for _ in range(matrix.shape[1])]
        for number in range(matrix.shape[0]):
            span = slice(matrix.indptr[number], matrix.indptr[number + 1])
            row = {int(c): int(v) for c, v in zip(matrix.indices[span], matrix.data[span], strict=True) if v}
            self._rows.append(row)
            for column in row:
                self._columns[column].add(number)
        self._steps: list[tuple[int, dict[int, int], bool]] = []
        self._heap = [(self._price(number)[0], number) for number in range(len(self._columns))]
        heapq.heapify(self._heap)

    def run(self, until: float) -> None:
        """Eliminate while it is cheap and there is time."""
        for dearest in _DEAREST:
            self._run(dearest, until)
            while time.monotonic() < until and self._merge():
                self._run(dearest, until)

    def _run(self, dearest: int, until: float) -> None:
        while self._heap and time.monotonic() < until:
            price, column = heapq.heappop(self._heap)
            now, row = self._price(column)
            if row < 0:
                continue
            if now > price:
                heapq.heappush(self._heap, (now, column))
            elif now > dearest:
                heapq.heappush(self._heap, (now, column))
                return
            else:
                self._eliminate(row, column)

    def _merge(self) -> bool:
        """Put unknowns together that stand in the same lines alike; whether there were any."""
        alike: dict[tuple[tuple[int, int], ...], list[int]] = {}
        for column, held in enumerate(self._columns):
            if held:
                where = tuple((row, self._rows[row][column]) for row in sorted(held))
                alike.setdefault(where, []).append(column)
        touched: set[int] = set()
        for where, (first, *others) in alike.items():
            if others:
                self._steps.append((first, dict.fromkeys((first, *others), 1), True))
                for row, _ in where:
                    for one in others:
                        del self._rows[row][one]
                    touched.update(self._rows[row])
                for one in others:
                    self._columns[one] = set()
        self._push(touched)
        return bool(touched)

    def _price(self, column: int) -> tuple[int, int]:
        """What eliminating an unknown fills at most, and by which line; -1 if by none."""
        held = self._columns[column]
        best = min(
            ((len(self._rows[row]) - 1, row) for row in held if self._rows[row][column] in {1, -1}),
            default=None,
        )
        return (0, -1) if best is None else (best[0] * (len(held) - 1), best[1])

    def _eliminate(self, row: int, column: int) -> None:
        pivot = self._rows[row]
        self._rows[row] = {}
        for held in pivot:
            self._columns[held].discard(row)
        sign = pivot[column]
        touched: set[int] = set()
        for other in list(self._columns[column]):
            target = self._rows[other]
            factor = target[column] * sign
            for held, value in pivot.items():
                changed = target.get(held, 0) - factor * value
                if changed:
                    target[held] = changed
                    self._columns[held].add(other)
                else:
                    target.pop(held, None)
                    self._columns[held].discard(other)
            touched.update(target)
        touched.update(pivot)
        touched.discard(column)
        self._steps.append((column, pivot, False))
        self._push(touched)

    def _push(self, columns: set[int]) -> None:
        for held in columns:
            price, line = self._price(held)
            if line >= 0:
                heapq.heappush(self._heap, (price, held))

    def rest(self) -> tuple[list[dict[int, int]], list[int]]:
        """The lines that are left, and the unknowns in them."""
        rows = [row for row in self._rows if row]
        return rows, sorted({column for row in rows for column in row})

    def back(self, free: Floats) -> Floats:
        """Complete vectors of the null space from the entries of the unknowns that were not eliminated."""
        x = free.astype(np.int64)
        for column, row, merged in reversed(self._steps):
            others = [(held, value) for held, value in row.items() if held != column]
            if not others:
                x[column] = 0
                continue
            held = np.array([one for one, _ in others])
            values = np.array([value % PRIME for _, value in others])
            total = (x[held] * values[:, None] % PRIME).sum(axis=0)
            x[column] = ((x[column] - total) if merged else -total * row[column]) % PRIME
        return x.astype(np.float64)
