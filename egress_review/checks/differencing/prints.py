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
_PART_SALT = np.uint64(0xD1B54A32D192ED03)


def mix(numbers: Persons) -> Persons:
    """Numbers of 64 bits without pattern.

    Source: G. Steele, D. Lea, C. Flood, Fast splittable pseudorandom number generators, OOPSLA 2014.
    """
    mixed = numbers + np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def prints_of(sets: Sequence[Persons]) -> Prints:
    """Sets × parts."""
    prints = np.zeros((len(sets), PARTS), dtype=np.uint64)
    filled = [place for place, one in enumerate(sets) if one.size]
    if not filled:
        return prints
    everyone = np.concatenate([sets[place] for place in filled])
    starts = np.cumsum([0, *(sets[place].size for place in filled[:-1])])
    part = mix(everyone ^ _PART_SALT) % np.uint64(PARTS)
    number = mix(everyone)
    for one in range(PARTS):
        inside = np.where(part == np.uint64(one), number, np.uint64(0))
        prints[filled, one] = np.add.reduceat(inside, starts)
    return prints


def merged(prints: Prints, parts: int) -> Prints:
    """The same prints over fewer parts.

    Args:
        parts: from 1 to `PARTS`.
    """
    starts = np.linspace(0, PARTS, parts, endpoint=False).astype(np.intp)
    return np.asarray(np.add.reduceat(prints, starts, axis=1), dtype=np.uint64)
