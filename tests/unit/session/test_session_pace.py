"""Work in vain has a share of the processor; what shows something, and a burst, is never held up."""

from __future__ import annotations

import pytest

from session.kernels.pace import Pace


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def busy(pace: Pace, clock: Clock, *, shown: bool, seconds: float = 10.0) -> float:
    """Seconds of work done in so much time by who works whenever it may, in slices of 2 ms."""
    worked, end = 0.0, clock.now + seconds
    while clock.now < end:
        worked += 0.002
        clock.now += 0.002
        clock.now += pace.rest(0.002, shown=shown)
    return worked


def test_what_shows_something_never_rests() -> None:
    clock = Clock()
    assert busy(Pace(clock=clock), clock, shown=True) == pytest.approx(10.0, abs=0.01)


def test_work_in_vain_is_held_to_its_share() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    busy(pace, clock, shown=False)  # the burst is spent
    assert busy(pace, clock, shown=False) == pytest.approx(2.0, abs=0.1)


def test_a_burst_and_what_comes_now_and_then_never_rest() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    assert pace.rest(0.4, shown=False) == 0.0
    for _ in range(1000):
        clock.now += 0.1
        assert pace.rest(0.01, shown=False) == 0.0


def test_no_rest_is_long() -> None:
    clock = Clock()
    pace = Pace(clock=clock)
    assert 0 < pace.rest(60.0, shown=False) < 1
