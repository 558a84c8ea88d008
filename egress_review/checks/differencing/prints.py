"""Fingerprints of sets of persons that add up: the print of a disjoint union is the sum of the prints.

Every person belongs to one of `PARTS` parts and has a number of 64 bits; the print of a set holds, for each
part, the sum of its persons' numbers modulo 2**64. If a sum of sets differs from another set by fewer than k
persons, at least one of k parts is left untouched, and there the prints are equal (pigeonhole). So a search
for equal prints in any part misses nothing; what it finds by chance is thrown out by the sets themselves.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

PARTS = 32
"""Parts of the persons; no larger threshold than this can be searched for."""

Persons = npt.NDArray[np.uint64]
Prints = npt.NDArray[np.uint64]
_CHUNK = 22
_PART_SALT = np.uint64(0xD1B54A32D192ED03)


def mix(numbers: Persons) -> Persons:
    """Numbers of 64 bits without pattern.

    Source: G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def prints_by(which: npt.NDArray[np.int64], persons: Persons, amounts: Persons, count: int) -> Prints:
    """Prints of vectors over the persons, modulo 2**64: as of sets, each person as often as it says.

    Args:
        which: for each entry its vector, from 0 to `count` - 1.
        persons, amounts: for each entry who it is, and how much.
    """
    place = which * PARTS + (mix(persons ^ _PART_SALT) % np.uint64(PARTS)).view(np.int64)
    number = mix(persons) * amounts
    prints = np.zeros(count * PARTS, dtype=np.uint64)
    for shift in range(0, 64, _CHUNK):
        # Sums of doubles are exact here: fewer than 2**31 whole numbers below 2**22.
        chunk = (number >> np.uint64(shift)) & np.uint64(2**_CHUNK - 1)
        sums = np.bincount(place, chunk.astype(np.float64), prints.size)
        prints += sums.astype(np.uint64) << np.uint64(shift)
    return prints.reshape(count, PARTS)


def prints_of(sets: Sequence[Persons]) -> Prints:
    """Sets × parts."""
    everyone = np.concatenate([*sets, np.empty(0, dtype=np.uint64)])
    which = np.repeat(np.arange(len(sets)), [one.size for one in sets])
    return prints_by(which, everyone, np.ones_like(everyone), len(sets))


def merged(prints: Prints, parts: int) -> Prints:
    """The same prints over fewer parts.

    Args:
        parts: from 1 to `PARTS`.
    """
    starts = np.linspace(0, PARTS, parts, endpoint=False).astype(np.intp)
    return np.asarray(np.add.reduceat(prints, starts, axis=1), dtype=np.uint64)
