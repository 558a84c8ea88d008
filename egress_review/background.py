"""What runs beside the requests: checks, interrupted releases, checkpoints. One thread, job after job.

Guarantees: a job that fails is tried again at its next turn and keeps no other from its turn. Nothing is
remembered here: what is to be done is read from the store each time, so a crash loses nothing.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from onggi.errors import OnggiError

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """Something to do again and again; `every_s` seconds lie between two beginnings at least."""

    name: str
    act: Callable[[], object]
    every_s: float


class Background:
    """The thread. It begins with every job once, and so with what an earlier process left."""

    def __init__(self, jobs: Sequence[Job]) -> None:
        self._jobs = tuple(jobs)
        self._wake = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._loop, name="background", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> None:
        """End after the job at hand; what is left is done by the next start."""
        self._stop.set()
        self._wake.set()
        self._thread.join(timeout_s)

    def wake(self) -> None:
        """Something waits: every job has its turn now."""
        self._wake.set()

    def _loop(self) -> None:
        due = dict.fromkeys((job.name for job in self._jobs), 0.0)
        while not self._stop.is_set():
            woken = self._wake.is_set()
            self._wake.clear()
            for job in self._jobs:
                if (woken or time.monotonic() >= due[job.name]) and not self._stop.is_set():
                    due[job.name] = time.monotonic() + job.every_s
                    _attempt(job)
            self._wake.wait(max(0.05, min(due.values(), default=1.0) - time.monotonic()))


def _attempt(job: Job) -> None:
    try:
        job.act()
    except OnggiError as error:
        log.warning("%s waits: %s", job.name, error)
    except Exception:  # the thread must outlive any one job; the cause is in the log
        log.exception("%s failed", job.name)
