"""Time, as a value that a test can hold still."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Protocol

from onggi.errors import Invalid
from onggi.reasons import Reason


class Clock(Protocol):
    """Tells the time; always aware, always UTC."""

    def now(self) -> datetime:
        """The present moment."""
        ...


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        """The present moment in UTC."""
        return datetime.now(UTC)


def to_text(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds: `2026-11-21T09:30:00.000Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def text_or_none(moment: datetime | None) -> str | None:
    """As `to_text`; None for no moment."""
    return None if moment is None else to_text(moment)


def from_text(text: str) -> datetime:
    """Read an RFC 3339 moment.

    Raises:
        Invalid: if it is not one, or has no time zone.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid(Reason.FIELD_INVALID, field="time", value=text[:40]) from None
    if moment.tzinfo is None:
        raise Invalid(Reason.FIELD_INVALID, field="time", value=text[:40])
    return moment.astimezone(UTC)
