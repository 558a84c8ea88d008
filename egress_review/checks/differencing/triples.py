"""Three released sets of which two nearly add up to the third, whatever tables they come from.

A set W and a set P that lies in it (but for a few) leave a rest of |W| - |P| persons. The rest is compared
with every known set by prints: if W - P - X is about fewer than k persons, it leaves at least one of k parts
untouched, so the prints are equal there, and it touches fewer than k of all parts. X has at most k - 1
persons fewer than the rest, and at most 2(k - 1) more: who is in P and X but not in W counts twice. All three
are necessary, so nothing is missed; `support` then says exactly how many persons are left.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from egress_review.checks.differencing.prints import PARTS, Persons, Prints, merged, mix

MOST_RESTS = 1_000_000
MOST_MATCHES = 5_000_000
MOST_CANDIDATES = 2_000
_CHUNK = 200_000

Places = npt.NDArray[np.int64]


class OverBudgetError(Exception):
    """More would have to be compared than may be."""


@dataclass(frozen=True, slots=True)
class Known:
    """All sets that are known, equal ones once.

    Attributes:
        prints: distinct sets × parts.
        sizes: persons of each.
        first: for each distinct set, a place where it stands.
        which: for each place, its distinct set.
    """

    prints: Prints
    sizes: Places
    first: Places
    which: Places


def known_sets(prints: Prints, sizes: Places) -> Known:
    """Put equal sets together; equal means equal in all prints.

    Raises:
        OverBudgetError: if different prints have one sum, which nobody will see.
    """
    factors = mix(np.arange(prints.shape[1], dtype=np.uint64))
    _, first, which = np.unique(prints @ factors, return_index=True, return_inverse=True)
    if not np.array_equal(prints[first[which]], prints):
        raise OverBudgetError
    return Known(prints[first], sizes[first], first.astype(np.int64), which.astype(np.int64))


def candidates(known: Known, wholes: Places, parts: Places, k: int) -> list[tuple[int, int, int]]:
    """Places (W, P, X) for which W - P - X may be about fewer than k persons.

    Args:
        wholes, parts: pairs of places of which the second lies in the first but for a few persons.

    Raises:
        OverBudgetError: too many pairs or matches, or a threshold above `PARTS`.
    """
    if k > PARTS:
        raise OverBudgetError
    count = len(known.first)
    pairs = np.stack(np.divmod(np.unique(known.which[wholes] * count + known.which[parts]), count), axis=1)
    if len(pairs) > MOST_RESTS:
        raise OverBudgetError
    folded = merged(known.prints, k)
    found: set[tuple[int, int, int]] = set()
    matches = 0
    for part in range(k):
        column = folded[:, part]
        rest = column[pairs[:, 0]] - column[pairs[:, 1]]
        size = known.sizes[pairs[:, 0]] - known.sizes[pairs[:, 1]]
        rests, others = equal_in(known, column, rest, size, k, 2 * k - 1)
        matches += rests.size
        if matches > MOST_MATCHES:
            raise OverBudgetError
        for at in range(0, rests.size, _CHUNK):
            chosen = pairs[rests[at : at + _CHUNK]]
            other = others[at : at + _CHUNK]
            rest = known.prints[chosen[:, 0]] - known.prints[chosen[:, 1]]
            touched = np.count_nonzero(rest != known.prints[other], axis=1)
            near = touched < k
            found.update(zip(*chosen[near].T.tolist(), other[near].tolist(), strict=True))
        if len(found) > MOST_CANDIDATES:
            raise OverBudgetError
    first = known.first
    return [(int(first[whole]), int(first[part]), int(first[other])) for whole, part, other in sorted(found)]


def equal_in(
    known: Known, column: Prints, rest: Prints, size: Places, fewer: int, more: int
) -> tuple[Places, Places]:
    """Rests and sets whose prints are equal in one part and whose sizes fit; as indices of each.

    Args:
        column: prints of the sets in that part.
        rest, size: of the rests: print in that part, and persons.
        fewer, more: by so many persons a set has to be too small or too large for its rest.

    Raises:
        OverBudgetError: too many matches.
    """
    order = np.lexsort((known.sizes, column))
    values, sizes = column[order], known.sizes[order]
    low = np.searchsorted(values, rest, "left")
    high = low.copy()
    there = np.flatnonzero(values[np.minimum(low, values.size - 1)] == rest)
    high[there] = np.searchsorted(values, rest[there], "right")
    # Small sets leave parts empty: there all of them are equal, and their sizes tell them apart.
    start, end = np.searchsorted(values, np.uint64(0), "left"), np.searchsorted(values, np.uint64(0), "right")
    empty = rest == 0
    low[empty] = start + np.searchsorted(sizes[start:end], size[empty] - fewer + 1, "left")
    high[empty] = start + np.searchsorted(sizes[start:end], size[empty] + more - 1, "right")
    count = np.maximum(0, high - low)
    if int(count.sum()) > MOST_MATCHES:
        raise OverBudgetError
    rests = np.repeat(np.arange(len(rest)), count)
    ends = np.cumsum(count)
    others = order[np.arange(rests.size) - np.repeat(ends - count, count) + np.repeat(low, count)]
    apart = known.sizes[others] - size[rests]
    fits = (-fewer < apart) & (apart < more)
    return rests[fits], others[fits]


def touched(known: Known, some: Places, others: Places) -> Places:
    """In how many parts two sets differ, pair by pair."""
    found = np.empty(some.size, dtype=np.int64)
    for at in range(0, some.size, _CHUNK):
        part = slice(at, at + _CHUNK)
        differ = known.prints[some[part]] != known.prints[others[part]]
        found[part] = np.count_nonzero(differ, axis=1)
    return found


def support(whole: Persons, parts: Sequence[Persons]) -> int:
    """How many persons `whole` minus the sum of `parts` is about."""
    members = np.concatenate([whole, *parts])
    weights = np.concatenate([np.ones(whole.size), *(np.full(one.size, -1.0) for one in parts)])
    _, at = np.unique(members, return_inverse=True)
    return int(np.count_nonzero(np.bincount(at, weights)))
