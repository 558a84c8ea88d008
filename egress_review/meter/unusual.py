"""Members whose days on the screen differ from what is usual, told by robust statistics.

Bytes of a day are looked at as logarithms, because days differ by factors; the middle is the median and the
spread the median absolute deviation (MAD), so that a few extreme days, which are what one looks for, do not
hide themselves. The modified z-score is 0.6745 · (x − median) / MAD; above 3.5 a day is called unusual.

A day is held against the other members of its project, and against everybody. Whoever works much like their
colleagues is not unusual; neither is anybody while there are too few days to compare with.

Source: B. Iglewicz, D. C. Hoaglin, How to Detect and Handle Outliers (ASQC, 1993), section 3.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from math import log2
from statistics import median

from egress_review.meter.domain import DayUse

__all__ = ["MIN_DAYS", "Band", "Remark", "Word", "judge"]

MIN_DAYS = 14
"""Member-days that a comparison needs."""
THRESHOLD = 3.5
_SCALE = 0.6745
_LEAST_MAD = 0.5
"""Half a doubling: where everybody's days are alike, twice as much is still nothing to speak of."""
_LEAST_BYTES = 1024 * 1024
"""Days below 1 MiB are never unusual, however quiet the others are."""


class Word(StrEnum):
    """What is said of a member's day."""

    TOO_FEW = "too_few"
    USUAL = "usual"
    UNUSUAL = "unusual"


@dataclass(frozen=True, slots=True)
class Band:
    """What is usual: the median of `days` member-days in bytes, the score of the day looked at, the word."""

    days: int
    median_bytes: int
    score: float
    word: Word


@dataclass(frozen=True, slots=True)
class Remark:
    """One member-day held against its project and against all projects."""

    use: DayUse
    project: Band
    everywhere: Band

    @property
    def word(self) -> Word:
        """The project's word if it has one, else everybody's."""
        return self.everywhere.word if self.project.word is Word.TOO_FEW else self.project.word


def judge(days: Iterable[DayUse], since: str) -> tuple[Remark, ...]:
    """A remark on every member-day from `since` on, the most unusual first.

    A day is never part of what it is compared with, and neither are its member's other days: who shows much
    every day does not thereby become usual.
    """
    used = [one for one in days if one.lent.output > 0]
    remarks = [_remark(one, used) for one in used if one.day >= since]
    return tuple(sorted(remarks, key=_rank, reverse=True))


def _rank(remark: Remark) -> tuple[bool, float, str]:
    band = remark.everywhere if remark.project.word is Word.TOO_FEW else remark.project
    return remark.word is Word.UNUSUAL, band.score, remark.use.day


def _remark(use: DayUse, days: Sequence[DayUse]) -> Remark:
    others = [one for one in days if one.member != use.member]
    near = [one.lent.output for one in others if one.project == use.project]
    return Remark(use, _band(use, near), _band(use, [one.lent.output for one in others]))


def _band(use: DayUse, sizes: Sequence[int]) -> Band:
    if len(sizes) < MIN_DAYS:
        return Band(len(sizes), int(median(sizes)) if sizes else 0, 0.0, Word.TOO_FEW)
    logs = [log2(size) for size in sizes]
    middle = median(logs)
    spread = max(median(abs(one - middle) for one in logs), _LEAST_MAD)
    score = _SCALE * (log2(use.lent.output) - middle) / spread
    unusual = score > THRESHOLD and use.lent.output >= _LEAST_BYTES
    return Band(len(sizes), int(2**middle), score, Word.UNUSUAL if unusual else Word.USUAL)
