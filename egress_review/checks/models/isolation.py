"""Whether columns together set apart a few persons although none of them does alone.

`greatest(age - 60, 0)`, `greatest(age - 61, 0)` and `greatest(age - 62, 0)` are columns of many; twice the
second taken from the others leaves whoever is 61. A model has a coefficient fewer without a group if and only
if the group's block of the hat matrix has the eigenvalue 1.

Guarantees: if the k - 1 largest leverages of persons add up to less than 1, there is no such group, whatever
it is. Else found is every group of fewer than k persons who are next to each other in the order of some
column, who agree in all columns of two values, or who agree in all. Not searched: all groups that there are.

Source: Belsley, Kuh, Welsch, Regression Diagnostics (1980), ch. 2, for one row; blocks of rows alike.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from egress_review.checks.models.groups import ALONE, Codes, Group, Matrix, orthonormal

_TWO = 2


def isolated(matrix: Matrix, names: Sequence[str], persons: Codes, least: int) -> Iterator[Group]:
    """Groups of fewer than `least` persons whom some combination of columns sets apart.

    Args:
        matrix: shape (rows, columns), of full column rank.
        persons: shape (rows,), codes of persons.
    """
    basis = orthonormal(matrix)
    leverage = (basis**2).sum(axis=1)
    traces = np.bincount(np.unique(persons, return_inverse=True)[1], weights=leverage)
    if np.sort(traces)[-(least - 1) :].sum() < ALONE:
        return  # the eigenvalue is at most the trace
    told: set[str] = set()
    for name, group in _partitions(matrix, names):
        order = np.argsort(group, kind="stable")
        for start, end in _windows(group[order], persons[order], leverage[order], least):
            rows = order[start:end]
            few = len(np.unique(persons[rows]))
            if name not in told and few < least and _largest(basis[rows]) >= ALONE:
                told.add(name)
                yield Group(name, few)


def _partitions(matrix: Matrix, names: Sequence[str]) -> Iterator[tuple[str, Codes]]:
    """Ways to put rows into groups: by the values of each column, of all of two values, of all."""
    pairs = []
    for place, name in enumerate(names):
        values, group = np.unique(matrix[:, place], return_inverse=True)
        if len(values) > _TWO:
            yield name, group
        elif len(values) == _TWO:
            pairs.append(place)
    for chosen in (pairs, range(len(names))):
        if len(chosen) > 1:
            group = np.unique(matrix[:, list(chosen)], axis=0, return_inverse=True)[1].ravel()
            yield ", ".join(names[one] for one in chosen), group


def _windows(group: Codes, persons: Codes, leverage: Matrix, least: int) -> Iterator[tuple[int, int]]:
    """The longest runs of neighbouring groups with fewer than `least` persons, if they can weigh enough.

    Args:
        group, persons, leverage: by row, in the order of the groups.
    """
    starts = np.flatnonzero(np.diff(group, prepend=-1))
    ends = np.append(starts[1:], len(group))
    pairs = np.unique(np.column_stack([group, persons]), axis=0)[:, 0]
    counts = np.unique(pairs, return_counts=True)[1]
    before = np.concatenate([[0], np.cumsum(counts)])
    weight = np.concatenate([[0.0], np.cumsum(leverage)])
    last = np.searchsorted(before, before[:-1] + least - 1, "right") - 1
    last = np.where(last > np.arange(len(starts)), last, 0)
    for first in np.flatnonzero(last).tolist():
        start, end = int(starts[first]), int(ends[last[first] - 1])
        if weight[end] - weight[start] >= ALONE:
            yield start, end


def _largest(block: Matrix) -> float:
    small = block @ block.T if len(block) < block.shape[1] else block.T @ block
    return float(np.linalg.eigvalsh(small)[-1])
