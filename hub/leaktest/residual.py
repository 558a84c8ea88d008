"""The documented residual channels: the one list that the leak test lets pass."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path

from hub.leaktest.values import Found, Residual, Verdict

_LIST = Path(__file__).with_name("residual.toml")


def documented(path: Path = _LIST) -> Mapping[str, Residual]:
    """The list by channel.

    Raises:
        KeyError, TypeError: if an entry is not complete.
    """
    entries = tomllib.loads(path.read_text("utf-8"))
    return {
        channel: Residual(
            channel,
            int(one["bytes_a_day"]),
            {language: str(one["reason"][language]) for language in ("ko", "en")},
        )
        for channel, one in entries.items()
    }


def undocumented(found: Iterable[Found], residual: Mapping[str, Residual]) -> list[Found]:
    """What stands open and is not documented as such, or carries more than is documented."""
    return [one for one in found if not passes(one, residual)]


def passes(found: Found, residual: Mapping[str, Residual]) -> bool:
    """Whether one finding lets the leak test succeed."""
    if found.verdict in {Verdict.CLOSED, Verdict.METERED}:
        return True
    known = residual.get(found.channel)
    return known is not None and known.covers(found)
