"""Budgets: how much a cell, the background and a whole session may still show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from egress_review.display.encoded import Runs
from egress_review.display.policy import DisplayPolicy
from onggi.reasons import Reason


@dataclass(frozen=True, slots=True)
class Notice:
    """What a person is told in place of what was cut."""

    reason: Reason
    params: Mapping[str, str]


class Meter(Protocol):
    """Counts what a whole session has shown, across restarts of its server."""

    def take(self, count: int) -> bool:
        """Charge `count` bytes; False, and nothing charged, if a limit would be passed."""
        ...

    @property
    def refusal(self) -> Notice:
        """Why the last charge was refused."""
        ...


class CountingMeter:
    """A meter in memory, for tests and for looking at files apart from a session."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.used = 0

    def take(self, count: int) -> bool:
        """Charge `count` bytes if they fit."""
        if self.used + count > self.limit:
            return False
        self.used += count
        return True

    @property
    def refusal(self) -> Notice:
        """The session's limit is the only one here."""
        return Notice(Reason.DISPLAY_SESSION_LIMIT, {"limit": str(self.limit)})


def text_bytes(text: str) -> int:
    """Length in UTF-8; a lone surrogate counts as the three bytes it would take."""
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def fit(text: str, count: int) -> str:
    """The longest prefix of at most `count` bytes in UTF-8 that ends between characters."""
    if text_bytes(text) <= count:
        return text
    return text.encode("utf-8", "surrogatepass")[: max(count, 0)].decode("utf-8", "ignore")


@dataclass(slots=True)
class Budget:
    """What is left to one cell (or to the background), and what it has shown so far.

    `shown` is bytes by mime type since the last report, `cuts` counts what was withheld. `runs` watches for
    encoded data over all its text. `told` holds the reasons that its reader has been given, so that each is
    said once.
    """

    text: int
    errors: int
    images: int
    runs: Runs
    shown: dict[str, int] = field(default_factory=dict)
    cuts: int = 0
    told: set[Reason] = field(default_factory=set)

    def record(self, kind: str, count: int) -> None:
        """Remember that `count` bytes were shown as `kind`."""
        self.shown[kind] = self.shown.get(kind, 0) + count

    def move(self, before: Budget, after: Budget) -> None:
        """Go on as if it had begun as `after` and not as `before`; what was shown stays spent."""
        self.text += after.text - before.text
        self.errors += after.errors - before.errors
        self.images += after.images - before.images
        self.runs.limit = after.runs.limit

    @property
    def dirty(self) -> bool:
        """Whether there is something to report."""
        return bool(self.shown) or self.cuts > 0


def cell_budget(policy: DisplayPolicy) -> Budget:
    """The budget of a cell whose execution was forwarded."""
    return Budget(
        policy.cell_text_bytes, policy.cell_error_bytes, policy.cell_images, Runs(policy.encoded_run)
    )


def background_budget(policy: DisplayPolicy) -> Budget:
    """The budget shared by everything that no forwarded execution explains."""
    return Budget(policy.background_bytes, 0, policy.cell_images, Runs(policy.encoded_run))


def charge_text(meter: Meter, budget: Budget, text: str, kind: str) -> tuple[str, Reason | None]:
    """As much of `text` as budget and session allow, and why the rest is missing."""
    kept = fit(text, budget.text)
    reason = None if kept == text else Reason.DISPLAY_CELL_LIMIT
    raw = kept.encode("utf-8", "replace")
    if raw and not meter.take(len(raw)):
        budget.cuts += 1
        return "", Reason.DISPLAY_SESSION_LIMIT
    budget.text -= text_bytes(kept)
    if reason is not None:
        budget.cuts += 1
    if raw:
        budget.record(kind, len(raw))
    return kept, reason
