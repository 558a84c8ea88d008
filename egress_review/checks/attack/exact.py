"""Exact recovery: the hidden cells that linked tables give away to whoever adds, subtracts and thinks.

Guarantees: a hidden cell that equalities determine is found, always (`elimination` says why); so is every
cell that bounds and whole numbers pin line by line. What takes several lines *and* bounds at once is the
affair of `bounds`. If `certain` is False, nothing that was not found may be called safe.
"""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from egress_review.checks.attack.elimination import VECTORS, NullSpace, null_space
from egress_review.checks.attack.model import Flags
from egress_review.checks.attack.modular import PRIME
from egress_review.checks.attack.propagation import Ranges, propagate
from egress_review.checks.attack.system import Indices, System, components_of


@dataclass(frozen=True, slots=True)
class Recovery:
    """What is found out about the unknowns of a system.

    Attributes:
        by_lines: unknowns that equalities determine (together with those that bounds pin).
        by_bounds: unknowns that bounds pin.
        ranges: bounds after propagation.
        ties: unknown → unknown behind which one person stands, who can calculate the first from his own.
        certain: whether all others are proven not to be determined by equalities.
    """

    by_lines: Flags
    by_bounds: Flags
    ranges: Ranges
    ties: dict[int, int]
    certain: bool

    @property
    def recovered(self) -> Flags:
        """All that are known exactly."""
        return self.by_lines | self.by_bounds


def exact_recovery(system: System, until: float = math.inf) -> Recovery:
    """Find every cell that is known exactly.

    Args:
        until: of `time.monotonic`; what is not decided by then is not `certain`.
    """
    size = len(system.unknowns)
    by_lines, by_bounds = np.zeros(size, bool), np.zeros(size, bool)
    while True:
        space, free = _without(system, by_bounds, until)
        by_lines[free[space.determined]] = True
        valued = by_lines & np.isfinite(system.true)
        ranges = propagate(
            system,
            np.where(valued, system.true, system.low),
            np.where(valued, system.true, system.high),
            until,
        )
        late = time.monotonic() > until
        fresh = ranges.pinned() & ~by_lines & ~by_bounds
        by_bounds |= fresh
        if late or not fresh.any():
            break
    return Recovery(by_lines, by_bounds, ranges, _ties(system, space, free), space.certain and not late)


def _without(system: System, pinned: Flags, until: float) -> tuple[NullSpace, Indices]:
    """The null space of the unknowns that are not pinned, component by component; and which they are."""
    free = np.flatnonzero(~pinned)
    rest = sparse.csr_array(system.matrix[:, free])
    vectors = np.zeros((len(free), VECTORS))
    certain = True
    for number, (rows, columns) in enumerate(components_of(rest)):
        # With the same random numbers, unknowns of two components would look like multiples.
        space = null_space(sparse.csr_array(rest[rows][:, columns]), seed=number, until=until)
        vectors[columns] = space.vectors
        certain = certain and space.certain
    return NullSpace(vectors, certain), free


def _ties(system: System, space: NullSpace, free: Indices) -> dict[int, int]:
    """Unknowns that a single person can calculate from his own: their null vectors are multiples."""
    moving = np.flatnonzero(space.vectors.any(axis=1))
    vectors = space.vectors[moving].astype(np.int64)
    first = vectors[np.arange(len(moving)), (vectors != 0).argmax(axis=1)]
    inverses = np.array([pow(int(one), -1, PRIME) for one in first], dtype=np.int64)
    directions = vectors * inverses[:, None] % PRIME
    _, group = np.unique(directions, axis=0, return_inverse=True)
    owners: dict[int, list[int]] = {}
    for number, unknown in zip(group.ravel(), free[moving], strict=True):
        if system.singleton[unknown]:
            owners.setdefault(int(number), []).append(int(unknown))
    ties: dict[int, int] = {}
    for number, unknown in zip(group.ravel(), free[moving], strict=True):
        others = [one for one in owners.get(int(number), ()) if one != unknown]
        if others:
            ties[int(unknown)] = others[0]
    return ties
