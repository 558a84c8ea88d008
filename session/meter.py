"""What a session has shown, counted across restarts of its server and against its member's day.

Guarantees: the number on disk is never lower than what was handed out. It is written ahead in steps, so a
crash costs the session up to one step, never the count. Survives a killed process; after a power cut the last
step may be lost, which is why the server flushes each step behind the scenes. Nothing is handed out that
egress review has not lent to this server before, so the member's day holds whatever becomes of the server.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egress_review.display.policy import DisplayPolicy
from egress_review.display.scope import Notice
from onggi.clock import from_text
from onggi.reasons import Reason
from session.purse import Block, Purse
from session.tab import count_on_tab
from web.slip import SLIP, Slip

__all__ = ["Day", "SessionMeter"]

_STEP_BYTES = 128 * 1024
_RECORD = 24
PAGE_LEVEL_BYTES = 1024 * 1024
"""What is kept lent for the page at least, a load of JupyterLab."""


@dataclass(frozen=True, slots=True)
class Day:
    """The member's day as egress review last told it, over all sessions of the project.

    Attributes:
        lent: bytes of output lent so far.
        limit, soft: bytes of output until nothing more is lent, and until a person is told.
        ends: RFC 3339 moment at which the next day begins.
        zone: name of the time zone in which it does.
    """

    day: str
    lent: int
    limit: int
    soft: int
    ends: str
    zone: str


class SessionMeter:
    """A count with a limit, kept in a small file, over what was lent for the day.

    Args:
        path: the file; made if missing, and a slip of what is lent beside it.
        policy: says what the session may show in its life, until `apply` brings another.
        clock: POSIX time.
    """

    def __init__(self, path: Path, policy: DisplayPolicy, clock: Callable[[], float] = time.time) -> None:
        self.limit = policy.session_bytes
        self.purse = Purse(Slip(path.with_name(SLIP)))
        self.day: Day | None = None
        self.unreachable = True
        self.on_low: Callable[[], None] = lambda: None
        self.wait_for: Callable[[int], bool] = lambda _: False
        self._policy = policy
        self._clock = clock
        self._level = 0
        self._told: set[tuple[str, str]] = set()
        self._lock = threading.Lock()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        text = os.pread(self._fd, _RECORD, 0).strip()
        self.used = int(text) if text.isdigit() else 0
        self._reserved = self.used
        self._refusal = Notice(Reason.DISPLAY_METER_UNREACHABLE, {})

    def apply(self, policy: DisplayPolicy) -> None:
        """Limits from now on; what was shown stays counted."""
        with self._lock:
            self._policy = policy
            self.limit = policy.session_bytes

    def keep_above(self, level: int) -> None:
        """Ask for more as soon as less than `level` bytes of output are left."""
        self._level = level

    def take(self, count: int) -> bool:
        """Charge `count` bytes of output; False, and nothing charged, if a limit would be passed.

        In a thread it may wait a moment for egress review to lend more; on the event loop it never waits.
        """
        if not self._take(count):
            short = self._refusal.reason is Reason.DISPLAY_METER_UNREACHABLE
            if not (short and self.wait_for(count) and self._take(count)):
                return False
        count_on_tab(count)
        return True

    def expect(self, count: int) -> None:
        """From a thread that will take about `count` bytes in pieces: have them lent at once."""
        if self.purse.output < count:
            self.wait_for(count)

    def page(self, count: int) -> bool:
        """Charge `count` bytes of what the page needs around outputs; False, and nothing charged, if not."""
        with self._lock:
            paid = self.purse.spend("page", count, self._clock())
            low = self.purse.page < PAGE_LEVEL_BYTES
        if low:
            self.on_low()
        return paid

    def lend(self, block: Block, day: Day) -> None:
        """Take what egress review lent."""
        with self._lock:
            self.unreachable = False
            self.day = day
            self.purse.tidy()
            self.purse.add(block)

    @property
    def refusal(self) -> Notice:
        """Why the last charge was refused, for the person who waits for the output."""
        return self._refusal

    def news(self) -> list[Notice]:
        """What a person is to be told once: that a soft limit was passed."""
        found = []
        if self.used >= self._policy.session_soft_bytes and self._once("session", ""):
            params = {"used": str(self.used), "limit": str(self.limit)}
            found.append(Notice(Reason.DISPLAY_SESSION_SOFT, params))
        day = self.day
        if day is not None and self.day_used >= day.soft and self._once("day", day.day):
            params = {"used": str(self.day_used), "limit": str(day.limit)}
            found.append(Notice(Reason.DISPLAY_DAY_SOFT, params))
        return found

    @property
    def day_used(self) -> int:
        """Bytes of output that the member's day has used, as far as this server knows."""
        return 0 if self.day is None else max(0, self.day.lent - self.purse.output)

    def state(self) -> dict[str, Any]:
        """For the page, and for what a notebook may ask about itself."""
        day, withheld = self.day, self._withheld()
        return {
            "cell_bytes": self._policy.cell_text_bytes,
            "session_bytes": self.limit,
            "session_bytes_used": self.used,
            "session_soft_bytes": self._policy.session_soft_bytes,
            "day_bytes": self._policy.day_bytes if day is None else day.limit,
            "day_bytes_used": self.day_used,
            "day_soft_bytes": self._policy.day_soft_bytes if day is None else day.soft,
            "day_ends": None if day is None else day.ends,
            "withheld": None if withheld is None else withheld.value,
        }

    def settle(self) -> None:
        """Write the exact count and flush it to disk; at shutdown and now and then in between."""
        with self._lock:
            self._reserve(self.used)
        os.fsync(self._fd)

    def close(self) -> None:
        """Settle and give the file back."""
        self.settle()
        os.close(self._fd)
        self.purse.close()

    def _take(self, count: int) -> bool:
        with self._lock:  # notebooks are looked through in a thread
            if self.used + count > self.limit:
                self._refusal = Notice(Reason.DISPLAY_SESSION_LIMIT, {"limit": str(self.limit)})
                return False
            paid = self.purse.spend("output", count, self._clock())
            if not paid:
                self._refusal = self._not_lent()
            else:
                self.used += count
                if self.used > self._reserved:
                    self._reserve(self.used + _STEP_BYTES)
            low = self.purse.output < self._level
        if low:
            self.on_low()
        return paid

    def _not_lent(self) -> Notice:
        """Why there is nothing left to spend: the day is used up, or egress review does not lend."""
        day = self.day
        over = day is not None and day.lent >= day.limit and from_text(day.ends).timestamp() > self._clock()
        if day is None or not over:
            return Notice(Reason.DISPLAY_METER_UNREACHABLE, {})
        return Notice(Reason.DISPLAY_DAY_LIMIT, {"limit": str(day.limit), "zone": day.zone})

    def _withheld(self) -> Reason | None:
        if self.used >= self.limit:
            return Reason.DISPLAY_SESSION_LIMIT
        return None if self.purse.output else self._not_lent().reason

    def _once(self, what: str, which: str) -> bool:
        known = (what, which) in self._told
        self._told.add((what, which))
        return not known

    def _reserve(self, count: int) -> None:
        os.pwrite(self._fd, str(count).encode().ljust(_RECORD), 0)
        self._reserved = count
