"""What every action of the display meter works with, as one frozen value."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from typing import Any

from egress_review.meter.days import day_of, end_of_day
from egress_review.meter.folder import ShownFolder
from egress_review.meter.protocol import MeterStore
from onggi.clock import Clock
from onggi.events import Event, new_event

__all__ = ["MeterRoom"]


@dataclass(frozen=True, slots=True)
class MeterRoom:
    """The display meter, as far as its actions see it.

    Attributes:
        shown: where the contents of what was shown lie.
        zone: in which a day begins and ends.
        profile: the shipped profile of projects that were never given a policy.
    """

    store: MeterStore
    shown: ShownFolder
    clock: Clock
    zone: tzinfo
    profile: str

    def today(self) -> str:
        """The day that it is."""
        return day_of(self.clock.now(), self.zone)

    def day_ends(self) -> datetime:
        """The moment at which the day that it is ends."""
        return end_of_day(self.clock.now(), self.zone)

    def days_ago(self, count: int) -> str:
        """The day `count` days before today."""
        return day_of(self.clock.now() - timedelta(days=count), self.zone)

    def event(self, actor: str, action: str, subject: str, project: str | None, **details: Any) -> Event:
        """An audit event of this service, now."""
        return new_event(self.clock, "review", actor, action, subject, project, **details)
