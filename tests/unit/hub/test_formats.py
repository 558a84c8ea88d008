"""Moments as pages write them, and the zone that they say they are in."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from web.formats import local_moment, zone_name


@pytest.mark.parametrize(
    ("zone", "name", "written"),
    [("Asia/Seoul", "UTC+09:00", "1 Jul 2026, 09:30"), ("Asia/Kathmandu", "UTC+05:45", "1 Jul 2026, 06:15")],
)
def test_a_moment_is_written_in_the_zone_that_is_named(zone: str, name: str, written: str) -> None:
    assert zone_name(ZoneInfo(zone)) == name
    assert local_moment("en", datetime(2026, 7, 1, 0, 30, tzinfo=UTC), ZoneInfo(zone)) == written


def test_without_a_zone_it_is_the_servers() -> None:
    offset = datetime.now(UTC).astimezone().isoformat()[-6:]
    assert zone_name() == f"UTC{offset}"
    assert re.fullmatch(r"UTC[+-]\d\d:\d\d", zone_name())
