"""Dates, numbers and sizes as people of each language write them."""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo

from babel import Locale, dates, numbers, units

from onggi.clock import from_text

_LOCALES = {"ko": Locale("ko", "KR"), "en": Locale("en", "GB")}
_MOMENTS = {"ko": "y. M. d. HH:mm", "en": "d MMM y, HH:mm"}
_STEPS = (("gigabyte", 1024**3), ("megabyte", 1024**2), ("kilobyte", 1024))


def local_moment(language: str, moment: datetime | str | None, zone: tzinfo | None = None) -> str:
    """A date and time to the minute in `zone` (the server's zone when None); a dash for none."""
    if moment is None or moment == "":
        return "–"
    value = from_text(moment) if isinstance(moment, str) else moment
    return dates.format_datetime(value.astimezone(zone), _MOMENTS[language], locale=_LOCALES[language])


def zone_name(zone: tzinfo | None = None) -> str:
    """The zone that moments are written in (the server's when None), as it is now: `UTC+09:00`."""
    return f"UTC{dates.get_timezone_gmt(datetime.now(UTC).astimezone(zone), 'iso8601')}"


def local_date(language: str, moment: datetime | str | None, zone: tzinfo | None = None) -> str:
    """A date in `zone` (the server's zone when None); a dash for none."""
    if moment is None or moment == "":
        return "–"
    value = from_text(moment) if isinstance(moment, str) else moment
    return dates.format_date(value.astimezone(zone), "medium", locale=_LOCALES[language])


def local_number(language: str, value: float) -> str:
    """A number with the language's grouping."""
    return numbers.format_decimal(value, locale=_LOCALES[language])


def local_size(language: str, size: int) -> str:
    """A size in bytes, rounded to one decimal of the fitting unit (1024-based)."""
    for unit, step in _STEPS:
        if size >= step:
            return units.format_unit(round(size / step, 1), unit, "short", locale=_LOCALES[language])
    return units.format_unit(size, "byte", "long", locale=_LOCALES[language])
