"""Members whose days differ from the usual are named; normal work, however different, is not."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from egress_review.meter.domain import Amounts, DayUse
from egress_review.meter.unusual import MIN_DAYS, Word, judge

MIB = 1024 * 1024
TODAY = date(2026, 11, 21)
TODAY_TEXT = TODAY.isoformat()


def days(member: str, sizes: Iterable[float], project: str = "liver") -> list[DayUse]:
    """The newest day last."""
    listed = list(sizes)
    return [
        DayUse(project, member, (TODAY - timedelta(days=len(listed) - 1 - n)).isoformat(), Amounts(int(size)))
        for n, size in enumerate(listed)
    ]


def ordinary(seed: int, count: int = 20) -> list[float]:
    """Days as people have them: around 3 MiB, at times a third or three times of it."""
    chance = random.Random(seed)
    return [3 * MIB * chance.lognormvariate(0, 0.6) for _ in range(count)]


def test_a_day_of_fifty_times_the_usual_is_named_first() -> None:
    found = days("a", ordinary(1)) + days("b", ordinary(2)) + days("c", [*ordinary(3, 19), 60 * 3 * MIB])
    first = judge(found, TODAY_TEXT)[0]
    assert (first.use.member, first.word) == ("c", Word.UNUSUAL)
    assert first.project.score > 3.5


@pytest.mark.parametrize("seed", range(40))
def test_ordinary_days_raise_no_alarm(seed: int) -> None:
    found = [one for n, name in enumerate("abcde") for one in days(name, ordinary(seed * 10 + n))]
    unusual = [one for one in judge(found, "2026-01-01") if one.word is Word.UNUSUAL]
    assert len(unusual) <= 1  # of a hundred days


def test_extreme_days_do_not_hide_each_other() -> None:
    """A standard deviation would grow with them; the median and the MAD do not."""
    found = days("a", ordinary(1)) + days("b", ordinary(2))
    found += [one for name in "cdef" for one in days(name, [400 * MIB])]
    words = {one.use.member: one.word for one in judge(found, TODAY_TEXT)}
    assert [words[name] for name in "cdef"] == [Word.UNUSUAL] * 4


def test_who_shows_much_every_day_does_not_become_usual_by_it() -> None:
    found = days("a", ordinary(1)) + days("b", ordinary(2)) + days("c", [300 * MIB] * 60)
    assert {one.word for one in judge(found, TODAY_TEXT) if one.use.member == "c"} == {Word.UNUSUAL}


def test_a_project_is_held_against_itself_before_all_others() -> None:
    """Everybody in the imaging project shows a lot: that is how it works there, and it is said beside."""
    found = [one for n, name in enumerate("abc") for one in days(name, ordinary(n))]
    imaging = [
        one for n, name in enumerate("xyz") for one in days(name, [50 * s for s in ordinary(n)], "imaging")
    ]
    remarks = [one for one in judge(found + imaging, TODAY_TEXT) if one.use.project == "imaging"]
    assert {one.word for one in remarks} == {Word.USUAL}
    assert {one.project.word for one in remarks} == {Word.USUAL}


def test_too_few_days_say_nothing() -> None:
    found = days("a", ordinary(1, MIN_DAYS - 1)) + days("b", [900 * MIB])
    words = {one.use.member: one.word for one in judge(found, TODAY_TEXT)}
    assert words == {"a": Word.TOO_FEW, "b": Word.TOO_FEW}
    found = days("a", ordinary(1, MIN_DAYS)) + days("b", [900 * MIB])
    assert judge(found, TODAY_TEXT)[0].word is Word.UNUSUAL


def test_days_that_are_all_alike_make_nobody_unusual_by_a_little() -> None:
    found = days("a", [3 * MIB] * 20) + days("b", [3 * MIB] * 20) + days("c", [6 * MIB])
    assert {one.word for one in judge(found, TODAY_TEXT)} == {Word.USUAL}


def test_little_is_never_unusual() -> None:
    found = days("a", [1000] * 20) + days("b", [500_000])
    (word,) = [one.word for one in judge(found, TODAY_TEXT) if one.use.member == "b"]
    assert word is Word.USUAL


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.integers(0, 2**50)), max_size=80))
def test_any_days_are_judged(given_days: list[tuple[str, int]]) -> None:
    found = [
        DayUse("liver", member, (TODAY - timedelta(days=n % 30)).isoformat(), Amounts(size))
        for n, (member, size) in enumerate(given_days)
    ]
    assert len(judge(found, "2026-01-01")) == sum(size > 0 for _, size in given_days)
