"""Tables to attack: small ones for brute force, sparse ones as they occur."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from hypothesis import strategies as st

from egress_review.checks.attack.model import TOTAL, Level, PublishedTable, make_table
from egress_review.checks.attack.system import System


def with_margins(values: np.ndarray[Any, Any]) -> tuple[list[str], list[tuple[Level, ...]], list[float]]:
    """Keys, rows and numbers of a table with all its margins, the inner cells first."""
    keys = [f"k{axis}" for axis in range(values.ndim)]
    rows: list[tuple[Level, ...]] = []
    numbers: list[float] = []
    for mask in product((False, True), repeat=values.ndim):
        sums = np.asarray(values.sum(axis=tuple(np.flatnonzero(mask).tolist())))
        for index in np.ndindex(*sums.shape):
            place = iter(index)
            rows.append(tuple(TOTAL if summed else f"L{next(place)}" for summed in mask))
            numbers.append(float(sums[index]))
    return keys, rows, numbers


def sparse_counts(shape: tuple[int, ...], seed: int, mean: float = 12.0) -> np.ndarray[Any, Any]:
    """Counts of persons as health tables have them: few large cells, many small, some empty."""
    generator = np.random.default_rng(seed)
    return generator.poisson(generator.gamma(0.6, mean / 0.6, size=shape))


def cube(shape: tuple[int, ...], seed: int, hidden: int, threshold: int = 10) -> PublishedTable:
    """A table with all margins; `hidden` of its cells below the threshold are suppressed, no other."""
    keys, rows, numbers = with_margins(sparse_counts(shape, seed))
    small = [place for place, one in enumerate(numbers) if 0 < one < threshold]
    chosen = np.random.default_rng(seed).permutation(small)[:hidden]
    suppressed = np.zeros(len(numbers), bool)
    suppressed[chosen] = True
    return make_table(keys, rows, numbers, suppressed=suppressed)


@st.composite
def pattern(draw: st.DrawFn, shape: tuple[int, ...], most: int = 9) -> PublishedTable:
    """Any small table with all margins and any suppression, margins too."""
    size = int(np.prod(shape))
    values = np.array(draw(st.lists(st.integers(0, most), min_size=size, max_size=size))).reshape(shape)
    keys, rows, numbers = with_margins(values)
    inner = draw(st.lists(st.booleans(), min_size=size, max_size=size))
    outer = draw(st.sets(st.integers(size, len(rows) - 1), max_size=2))
    suppressed = [*inner, *(place in outer for place in range(size, len(rows)))]
    return make_table(keys, rows, numbers, suppressed=suppressed)


def all_solutions(system: System, most: int) -> list[tuple[int, ...]]:
    """Every solution in whole numbers, by trying them all; margins may be up to `most` times 9."""
    lines = [
        (dict(zip(row.indices.tolist(), row.data.tolist(), strict=True)), float(rhs))
        for row, rhs in zip((system.matrix[[one]] for one in range(len(system.rhs))), system.rhs, strict=True)
    ]
    found: list[tuple[int, ...]] = []
    values: list[int | None] = [None] * len(system.unknowns)

    def fits() -> bool:
        for line, rhs in lines:
            known = sum(sign * value for one, sign in line.items() if (value := values[one]) is not None)
            open_signs = [sign for one, sign in line.items() if values[one] is None]
            if not open_signs and known != rhs:
                return False
            if open_signs and all(sign > 0 for sign in open_signs) and known > rhs:
                return False
        return True

    def go(place: int) -> None:
        if place == len(values):
            found.append(tuple(one for one in values if one is not None))
            return
        line = next(
            (
                (line, rhs)
                for line, rhs in lines
                if place in line and all(values[one] is not None for one in line if one != place)
            ),
            None,
        )
        choices: list[int] = list(range(most * 9 + 1))
        if line is not None:
            terms, rhs = line
            left = rhs - sum(sign * (values[one] or 0) for one, sign in terms.items() if one != place)
            value = left * terms[place]
            choices = [int(value)] if value >= 0 else []
        for choice in choices:
            values[place] = choice
            if fits():
                go(place + 1)
            values[place] = None

    go(0)
    return found
