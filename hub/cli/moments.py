"""Dates on the command line."""

from __future__ import annotations

from datetime import datetime

from hub.desk.fields import moment_of


def moment(name: str, text: str | None) -> datetime | None:
    """A moment from RFC 3339 or a date; None for none.

    Raises:
        Invalid: naming the option if it is neither.
    """
    return None if text is None else moment_of(name, text)
