"""How many persons stand behind each column, each pattern and each step of a model.

Guarantees: every count is of distinct persons, never of rows. Finds what one person decides alone: a column
that only a few persons set apart, a coefficient that rests on one person (leverage 1). It does not search all
sets of several persons that decide a coefficient together, when no column shows them.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from onggi.models.design import INTERCEPT

Matrix = npt.NDArray[np.float64]
Codes = npt.NDArray[np.int64]
Chosen = npt.NDArray[np.bool_]

ALONE = 1 - 1e-7
"""Leverage from which a coefficient is taken to rest on one person; numbers are doubles."""
_TWO_SIDES = 2


@dataclass(frozen=True, slots=True)
class Group:
    """Rows that a model sets apart.

    Attributes:
        name: of the column or of the pattern of levels.
        persons: distinct persons in them.
    """

    name: str
    persons: int


def persons_in(persons: Codes, chosen: Chosen) -> int:
    """Distinct persons among the chosen rows."""
    return len(np.unique(persons[chosen]))


def columns_of_few(matrix: Matrix, names: Sequence[str], persons: Codes, least: int) -> list[Group]:
    """Columns that are constant, or but for fewer than `least` persons: dummies of a person, or nearly.

    Args:
        matrix: shape (rows, columns).
        persons: shape (rows,), codes of persons.
    """
    found = []
    for place, name in enumerate(names):
        values, counts = np.unique(matrix[:, place], return_counts=True)
        if len(values) == 1:
            if name != INTERCEPT:
                found.append(Group(name, 0))
            continue
        usual = matrix[:, place] == values[counts.argmax()]
        apart = persons_in(persons, ~usual)
        if len(values) == _TWO_SIDES:
            apart = min(apart, persons_in(persons, usual))
        if apart < least:
            found.append(Group(name, apart))
    return found


@dataclass(frozen=True, slots=True)
class Levels:
    """A categorical column.

    Attributes:
        texts: its levels, as they are published.
        codes: for each row the place of its level, shape (rows,).
    """

    column: str
    texts: tuple[str, ...]
    codes: Codes


def patterns_of_few(levels: Sequence[Levels], persons: Codes, least: int) -> Iterator[Group]:
    """Combinations of levels that some and fewer than `least` persons have."""
    if not levels:
        return
    stacked = np.column_stack([one.codes for one in levels])
    patterns, which = np.unique(stacked, axis=0, return_inverse=True)
    pairs = np.unique(np.column_stack([which.ravel(), persons]), axis=0)
    counts = np.bincount(pairs[:, 0], minlength=len(patterns))
    for place in np.flatnonzero(counts < least):
        named = zip(levels, patterns[place].tolist(), strict=True)
        yield Group(", ".join(f"{one.column}[{one.texts[at]}]" for one, at in named), int(counts[place]))


def orthonormal(matrix: Matrix) -> Matrix:
    """An orthonormal basis of what the columns span, shape (rows, columns)."""
    scale = np.linalg.norm(matrix, axis=0)
    return np.linalg.qr(matrix / np.where(scale > 0, scale, 1))[0]


def largest_part(matrix: Matrix, response: Matrix, persons: Codes) -> float:
    """The largest part that one person has in what makes up a coefficient of least squares, from 0 to 1.

    A coefficient is a weighted sum of the responses, here taken from their median, so that what all have in
    common is nobody's part. Parts are of its absolute terms; the intercept is left out.
    """
    weights = np.linalg.pinv(matrix)[1:]
    terms = np.abs(weights * (response - np.median(response)))
    people = np.unique(persons, return_inverse=True)[1]
    parts = np.stack([np.bincount(people, one) for one in terms])
    whole = parts.sum(axis=1)
    return float((parts.max(axis=1)[whole > 0] / whole[whole > 0]).max(initial=0.0))


def rests_on_one(matrix: Matrix, persons: Codes) -> float:
    """The largest leverage of one person, all their rows together: 1 if a coefficient is theirs alone.

    A person's leverage is the largest eigenvalue of the person's block of the hat matrix: 1 exactly if the
    model has one coefficient fewer without them.

    Source: Belsley, Kuh, Welsch, Regression Diagnostics (1980), ch. 2, for one row; blocks of rows alike.
    """
    basis = orthonormal(matrix)
    share = (basis**2).sum(axis=1)
    _, which = np.unique(persons, return_inverse=True)
    traces = np.bincount(which, weights=share)
    single = np.bincount(which) == 1
    most = float(traces[single].max(initial=0.0))
    # The trace bounds the eigenvalue, so only who is above the present maximum has to be looked at.
    for person in sorted(np.flatnonzero(~single & (traces > most)), key=lambda one: -traces[one]):
        if traces[person] <= most:
            break
        block = basis[which == person]
        small = block @ block.T if len(block) < block.shape[1] else block.T @ block
        most = max(most, float(np.linalg.eigvalsh(small)[-1]))
    return most
