"""What runs beside the requests: checks, interrupted releases, checkpoints. One thread a job.

Guarantees: a job that fails is tried again at its next turn, and one that takes long keeps no other from its
turn. Nothing is remembered here: what is to be done is read from the store each time, so a crash loses
nothing.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from onggi.errors import OnggiError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again, with `every_s` seconds of rest between; waking ends the rest."""

    name: str
    act: Callable[[], object]
    every_s: float


class Background:
    """The threads. Each begins with a turn, and so with what an earlier process left."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._stop = threading.Event()
        self._wakes = [threading.Event() for _ in jobs]
        self._threads = [
            threading.Thread(target=self._loop, args=pair, name=pair[0].name, daemon=True)
            for pair in zip(jobs, self._wakes, strict=True)
        ]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End after the jobs at hand; what is left is done by the next start."""
        self._stop.set()
        self.wake()
        for thread in self._threads:
            thread.join(timeout_s)

    def wake(self) -> None:
        """Something waits: every job has its turn now."""
        for event in self._wakes:
            event.set()

    def _loop(self, job: Job, wake: threading.Event) -> None:
        while not self._stop.is_set():
            wake.clear()
            _attempt(job)
            if not self._stop.is_set():
                wake.wait(job.every_s)


def _attempt(job: Job) -> None:
    try:
        job.act()
    except OnggiError as error:
        log.warning("%s waits: %s", job.name, error)
    except Exception:  # the thread must outlive any one turn; the cause is in the log
        log.exception("%s failed", job.name)
