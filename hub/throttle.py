"""How often sign-in may fail before it has to wait."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from onggi.clock import Clock
from onggi.errors import Refused
from onggi.reasons import Reason

FAILURES = 10
WINDOW = timedelta(minutes=5)
_MAX_NAMES = 10_000


class Throttle:
    """Counts failed attempts by name; in memory, so a restart forgets."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._failed: dict[str, deque[datetime]] = {}

    def check(self, name: str) -> None:
        """Go on if the name has not failed too often.

        Raises:
            Refused: `SIGN_IN_THROTTLED`.
        """
        recent = self._recent(name)
        if len(recent) >= FAILURES:
            raise Refused(Reason.SIGN_IN_THROTTLED, minutes=int(WINDOW.total_seconds() // 60))

    def failed(self, name: str) -> None:
        """Count a failure."""
        if len(self._failed) >= _MAX_NAMES:
            self._failed.clear()
        self._failed.setdefault(name, deque(maxlen=FAILURES)).append(self._clock.now())

    def succeeded(self, name: str) -> None:
        """Forget the failures of a name."""
        self._failed.pop(name, None)

    def _recent(self, name: str) -> list[datetime]:
        since = self._clock.now() - WINDOW
        return [moment for moment in self._failed.get(name, ()) if moment > since]
