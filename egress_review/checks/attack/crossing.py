"""What several ways to cut one dimension tell together, where they cross each other.

Two partitions tell of each other by the finest one that is coarser than both. Of three this is no longer all:
ages cut at 40, at 45, and into "40 to 44" and the rest have no two of them anything in common but the whole,
and yet the first two say what the third hides. There the cells of their common refinement become unknowns.
Every cell is a sum of those, so that nothing that follows by adding and subtracting is lost.

Whether it is needed is a matter of ranks. The sums that partitions say of each other, two by two, are so many
equations; if their cells, as functions of the parts, depend on each other in more ways, some are missing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import sparse

from egress_review.checks.attack.frame import Frame, Partition, Shape

MOST_RANKED = 1_000
"""Cells of crossing partitions up to which ranks are compared; beyond, the refinement is taken at once."""

Matrix = npt.NDArray[np.float64]


def crossings(
    shapes: Collection[Shape], frame: Frame, apart: Collection[str] = ()
) -> Iterator[tuple[str, frozenset[Shape], Partition]]:
    """A dimension, shapes that cut it so that they tell more together than two by two, and their refinement.

    Args:
        apart: dimensions that are left alone, as their parts do not add up.
    """
    for dimension in sorted({name for shape in shapes for name, _ in shape} - set(apart)):
        cutting = {shape: _without(shape, dimension) for shape in shapes if dimension in dict(shape)}
        rests = set(cutting.values())
        contexts = rests | {frame.meet(one, other) for one, other in combinations(rests, 2)} | {()}
        seen: set[frozenset[Shape]] = set()
        for context in sorted(contexts):
            together = frozenset(
                one for one, rest in cutting.items() if rest == context or frame.refines(rest, context)
            )
            if together in seen:
                continue
            seen.add(together)
            finest = tuple(_finest({frame.partition(one, dimension) for one in together}))
            if finest[2:] and tell_more(finest):
                yield dimension, together, refinement(finest)


def _without(shape: Shape, dimension: str) -> Shape:
    return tuple(one for one in shape if one[0] != dimension)


def _finest(partitions: Collection[Partition]) -> list[Partition]:
    """Those that no other refines."""
    return [
        one
        for one in sorted(partitions, key=sorted)
        if not any(other != one and _is_finer(other, one) for other in partitions)
    ]


def _is_finer(fine: Partition, coarse: Partition) -> bool:
    return all(any(not block & ~wide for wide in coarse) for block in fine)


def refinement(partitions: Sequence[Partition]) -> Partition:
    """The coarsest partition that is finer than all."""
    blocks = set(partitions[0])
    for one in partitions[1:]:
        blocks = {block & other for block in blocks for other in one if block & other}
    return frozenset(blocks)


@lru_cache(maxsize=256)
def tell_more(partitions: tuple[Partition, ...]) -> bool:
    """Whether cells of partitions depend on each other in more ways than any two of them say."""
    cells = [(at, block) for at, one in enumerate(partitions) for block in sorted(one)]
    if len(cells) > MOST_RANKED:
        return True
    parts = sorted(refinement(partitions))
    of_parts = np.array([[float(not part & ~block) for part in parts] for _, block in cells])
    columns = {cell: number for number, cell in enumerate(cells)}
    rows = [
        {columns[at, part]: 1.0 for part in one if part & block}
        | {columns[to, part]: -1.0 for part in other if part & block}
        for (at, one), (to, other) in combinations(enumerate(partitions), 2)
        for block in _common(one, other)
    ]
    entries = [(value, row, column) for row, line in enumerate(rows) for column, value in line.items()]
    values, at_row, at_column = zip(*entries, strict=True)
    said = sparse.csr_array((values, (at_row, at_column)), shape=(len(rows), len(cells)))
    return _rank((said.T @ said).toarray()) < len(cells) - _rank(of_parts.T @ of_parts)


def _common(one: Partition, other: Partition) -> list[int]:
    """The blocks of the finest partition that is coarser than both."""
    blocks: list[int] = []
    for block in (*one, *other):
        grown = block
        for known in blocks:
            if known & grown:
                grown |= known
        blocks = [*(known for known in blocks if not known & grown), grown]
    return blocks


def _rank(gram: Matrix) -> int:
    return int(np.linalg.matrix_rank(gram, hermitian=True))
