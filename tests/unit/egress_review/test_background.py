"""Background jobs: each has its turn, whatever the others do."""

from __future__ import annotations

import threading

from egress_review.background import Background, Job
from onggi.errors import Unavailable
from onggi.reasons import Reason


def test_failing_and_slow_jobs_keep_no_other_from_its_turn() -> None:
    turns: dict[str, int] = {"fails": 0, "refuses": 0, "works": 0}
    enough, release = threading.Event(), threading.Event()

    def count(name: str) -> None:
        turns[name] += 1
        if min(turns.values()) >= 3:
            enough.set()

    def fail() -> None:
        count("fails")
        raise ZeroDivisionError

    def refuse() -> None:
        count("refuses")
        raise Unavailable(Reason.DATABASE_LOCKED)

    jobs = [Job("slow", release.wait, 60), Job("fails", fail, 0.01), Job("refuses", refuse, 0.01)]
    background = Background([*jobs, Job("works", lambda: count("works"), 0.01)])
    background.start()
    try:
        assert enough.wait(20)
    finally:
        release.set()
        background.stop()


def test_waking_ends_the_rest_and_stopping_ends_all() -> None:
    seen = threading.Semaphore(0)
    background = Background([Job("rests", seen.release, 3600)])
    background.start()
    assert seen.acquire(timeout=20)
    background.wake()
    assert seen.acquire(timeout=20)
    background.stop()
    background.wake()
    assert not seen.acquire(timeout=0.2)
