"""Why a decided request still waits, as far as this process knows: in memory, for the pages.

Guarantees: what is told is the outcome of the last try. Does not guarantee: an answer; after a start nothing
is known until the next try, which comes within seconds.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from onggi.errors import OnggiError
from onggi.reasons import Reason

SHORTEST_PAUSE = timedelta(seconds=2)
LONGEST_PAUSE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Wait:
    """A try that failed.

    Attributes:
        reason, params: of its error.
        since: of the first try that failed, in this process.
        at: of the last.
    """

    reason: Reason
    params: Mapping[str, str]
    since: datetime
    at: datetime

    @property
    def due(self) -> datetime:
        """When to try again: after as long as it has failed already, so that the pauses double."""
        return self.at + min(max(self.at - self.since, SHORTEST_PAUSE), LONGEST_PAUSE)


class Waits:
    """The last failed tries, by the id of a request or release."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._known: dict[str, Wait] = {}

    def note(self, subject: str, error: OnggiError, now: datetime) -> None:
        """A try has failed."""
        with self._lock:
            before = self._known.get(subject)
            self._known[subject] = Wait(error.reason, error.params, before.since if before else now, now)

    def forget(self, subject: str) -> None:
        """A try has succeeded, or there is nothing to try any more."""
        with self._lock:
            self._known.pop(subject, None)

    def is_due(self, subject: str, now: datetime) -> bool:
        """Whether it may be tried: it never failed, or its pause is over."""
        wait = self.of(subject)
        return wait is None or now >= wait.due

    def of(self, subject: str) -> Wait | None:
        """Why it waits; None if nothing is known."""
        with self._lock:
            return self._known.get(subject)
