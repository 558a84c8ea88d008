"""What the cells of a table leave of its margins: who stands in the cells that its file hides or leaves out.

A total of 128 and cells of 25, 35 and 45 say that the two that are hidden hold 23 persons. Who publishes one
of them elsewhere, over the same people by another FROM, publishes the other. So a rest of k persons or more
is a set like those that are listed; a smaller one is for the rules and the attack.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from scipy import sparse

from egress_review.checks.differencing.sets import BASE, Family, Sets

_Rest = tuple[int, tuple[int, ...], frozenset[str]]
"""The margin, its cells that are listed, and what is published of all."""


def with_rests(sets: Sets, k: int) -> Sets:
    """The same table with the rests of k persons or more among its sets.

    The place of a rest is that of its margin.
    """
    found = list(_rests(sets, k))
    if not found:
        return sets
    starts, indices = sets.made_of.indptr, sets.made_of.indices
    atoms = [frozenset(indices[start:end].tolist()) for start, end in pairwise(starts)]
    listed = set(atoms)
    by_atoms = {atoms[one[0]].difference(*(atoms[cell] for cell in one[1])): one for one in reversed(found)}
    rests = {tuple(sorted(name)): one for name, one in by_atoms.items() if name not in listed}
    if not rests:
        return sets
    count, weights = len(sets.place), np.bincount(sets.atom, minlength=sets.made_of.shape[1])
    rows = np.repeat(np.arange(len(rests)), [len(name) for name in rests])
    columns = np.array([atom for name in rests for atom in name], dtype=np.int64)
    ones = np.ones(rows.size, dtype=sets.made_of.dtype)
    more = sparse.csr_array((ones, (rows, columns)), shape=(len(rests), sets.made_of.shape[1]))
    left = [sets.prints[at] - sets.prints[list(cells)].sum(axis=0) for at, cells, _ in rests.values()]
    return replace(
        sets,
        made_of=sparse.csr_array(sparse.vstack([sets.made_of, more])),
        place=(*sets.place, *(sets.place[at] for at, _, _ in rests.values())),
        row=(*sets.row, *(-1 - at for at in range(len(rests)))),
        families=(
            *sets.families,
            *(Family((count + at,), tags, disjoint=True) for at, (_, _, tags) in enumerate(rests.values())),
        ),
        sizes=np.concatenate([sets.sizes, (more @ weights).astype(np.int64)]),
        prints=np.concatenate([sets.prints, np.stack(left)]),
        rest_of={count + at: cells for at, (_, cells, _) in enumerate(rests.values())},
    )


def _rests(sets: Sets, k: int) -> Iterator[_Rest]:
    for family in sets.families:
        cells = np.array(family.sets, dtype=np.int64)
        # Where everybody is in some cell nothing is left of any margin.
        if not family.disjoint or sets.sizes[cells].sum() == sets.people.size:
            continue
        inside, weights = sets.made_of[cells], np.bincount(sets.atom, minlength=sets.made_of.shape[1])
        shared = (sets.made_of.multiply(weights[None, :]).tocsr() @ inside.T).tocoo()
        margin, cell = (one.astype(np.int64) for one in shared.coords)
        held = shared.data == sets.sizes[cells[cell]]
        margin, cell = margin[held], cells[cell[held]]
        left = sets.sizes - np.bincount(margin, sets.sizes[cell], len(sets.place)).astype(np.int64)
        for one in np.intersect1d(np.flatnonzero(left >= k), margin).tolist():
            tags = (family.tags & sets.tags[one]) - {BASE}
            if tags:
                yield one, tuple(cell[margin == one].tolist()), tags
