"""A day of the installation: from midnight to midnight in its time zone, also when clocks change."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta, tzinfo

__all__ = ["day_of", "end_of_day"]


def day_of(moment: datetime, zone: tzinfo) -> str:
    """The day of a moment, as `YYYY-MM-DD`."""
    return moment.astimezone(zone).date().isoformat()


def end_of_day(moment: datetime, zone: tzinfo) -> datetime:
    """The first moment of the next day, in UTC."""
    tomorrow = moment.astimezone(zone).date() + timedelta(days=1)
    return datetime.combine(tomorrow, time(), zone).astimezone(UTC)
