"""A release that keeps failing is tried less and less often, and never given up."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from egress_review.waiting import LONGEST_PAUSE, SHORTEST_PAUSE, Waits
from onggi.errors import Unavailable
from onggi.reasons import Reason

START = datetime(2026, 11, 21, 9, tzinfo=UTC)


def test_the_pauses_double_up_to_the_longest() -> None:
    waits, now, tries = Waits(), START, []
    while now < START + timedelta(hours=2):
        if waits.is_due("req-1", now):
            tries.append(now)
            waits.note("req-1", Unavailable(Reason.LEDGER_NOT_WRITTEN, cause="time_limit"), now)
        now += timedelta(seconds=2)
    pauses = [later - before for before, later in pairwise(tries)]
    assert pauses[:4] == [SHORTEST_PAUSE, SHORTEST_PAUSE, 2 * SHORTEST_PAUSE, 4 * SHORTEST_PAUSE]
    assert pauses[-1] == LONGEST_PAUSE
    assert len(tries) < 30


def test_what_never_failed_or_was_forgotten_is_tried_at_once() -> None:
    waits = Waits()
    assert waits.is_due("req-1", START)
    waits.note("req-1", Unavailable(Reason.LEDGER_NOT_WRITTEN, cause="time_limit"), START)
    assert not waits.is_due("req-1", START)
    waits.forget("req-1")
    assert waits.is_due("req-1", START)
