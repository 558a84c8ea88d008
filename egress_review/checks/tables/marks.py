"""What stands in a table where a number was suppressed, and whether what it says is true.

A mark that says "below ten" must stand on a count below ten; a cell that is declared suppressed and still
shows a number is blocked.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from enum import Enum
from typing import Any

from onggi.words import LANGUAGES, say

_BELOW = re.compile(r"(<|<=|≤)\s*(\d{1,9})")
_SIGNS = re.compile(r"[\s*.…‥·•○●x×X\-–—_/#~?()\[\]]{0,3}")
_EMPTY = frozenset(
    word.casefold() for language in LANGUAGES for word in say(language, "check.not_shown").split("|")
)
"""Words that say that a number is not shown, and nothing about it."""
_DIGIT = re.compile(r"\d")


def bounds(marks: Sequence[str]) -> tuple[int, ...]:
    """What is hidden is below one of these numbers, as far as its marks say it."""
    found = (_BELOW.fullmatch(mark.strip()) for mark in marks)
    return tuple(sorted(int(one[2]) + (one[1] != "<") for one in found if one is not None))


def say_nothing(marks: Iterable[str]) -> bool:
    """Whether all that can be read in marks is what `bounds` reads: no word, no number in other words."""
    return all(
        mark.strip().casefold() in _EMPTY or _BELOW.fullmatch(mark.strip()) or _SIGNS.fullmatch(mark)
        for mark in marks
    )


class Cover(Enum):
    """How a field hides its number."""

    OPEN = "open"
    SUPPRESSED = "suppressed"
    SHOWS_NUMBER = "shows_number"
    UNTRUE = "untrue"


def covered(text: str, expected: Any, marks: Sequence[str]) -> Cover:
    """Whether a field, quotes removed, is a mark of suppression.

    Args:
        expected: the recomputed number.
        marks: those that the claim declares.
    """
    if text in marks:
        return Cover.SUPPRESSED if _true(text, expected) else Cover.UNTRUE
    partly = any(mark and mark in text for mark in marks)
    rest = text
    for mark in marks:
        rest = rest.replace(mark, "") if mark else rest
    return Cover.SHOWS_NUMBER if partly and _DIGIT.search(rest) else Cover.OPEN


def _true(mark: str, expected: Any) -> bool:
    found = _BELOW.fullmatch(mark.strip())
    if found is None:
        return True
    if not isinstance(expected, int | float):
        return False
    return expected < int(found[2]) or (found[1] != "<" and expected == int(found[2]))
