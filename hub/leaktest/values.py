"""What the leak test says: a channel, what was tried, and a verdict that a control stands behind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """The word on one channel."""

    CLOSED = "closed"
    """Tried, and nothing came through, while the same attempt came through where no wall stands."""
    METERED = "metered"
    """It came through, and the session's meter was charged for at least what came through."""
    OPEN = "open"
    """It came through uncharged."""
    NOT_PROVEN = "not_proven"
    """The attempt or its control could not be made; counts as open."""


@dataclass(frozen=True, slots=True)
class Found:
    """One line of the table.

    Attributes:
        channel: `group.name`; the group's sentence says what was tried.
        verdict: see `Verdict`.
        evidence: what was seen, as codes and numbers.
        tried: the variant of the group's sentence, if it has one; a technical name.
        bytes_a_day: how much the channel carries at most, as far as a limit or a measurement says.
    """

    channel: str
    verdict: Verdict
    evidence: str
    tried: str = ""
    bytes_a_day: int | None = None

    @property
    def group(self) -> str:
        """The part of the channel's name that has a sentence in the catalogues."""
        return self.channel.partition(".")[0]

    def to_json(self) -> dict[str, Any]:
        """The finding as a JSON object."""
        return {
            "channel": self.channel,
            "verdict": self.verdict.value,
            "tried": self.tried,
            "evidence": self.evidence,
            "bytes_a_day": self.bytes_a_day,
        }


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt came to.

    Attributes:
        reached: whether it came through; None if it could not be made.
        said: what was seen: an error's name, a count.
        bytes_a_day: what the channel carries, if that was measured.
    """

    reached: bool | None
    said: str
    bytes_a_day: int | None = None


def judge(channel: str, inside: Attempt, outside: Attempt, tried: str = "") -> Found:
    """The verdict on an attempt through the wall, beside the same attempt where no wall stands."""
    evidence = f"inside: {inside.said}; outside: {outside.said}"
    if inside.reached is None:
        verdict = Verdict.NOT_PROVEN
    elif inside.reached:
        verdict = Verdict.OPEN
    else:
        verdict = Verdict.CLOSED if outside.reached else Verdict.NOT_PROVEN
    return Found(channel, verdict, evidence, tried, inside.bytes_a_day)


@dataclass(frozen=True, slots=True)
class Residual:
    """A channel that is known to stay open, to how many bytes a day, and why."""

    channel: str
    bytes_a_day: int
    reason: Mapping[str, str] = field(default_factory=dict)

    def covers(self, found: Found) -> bool:
        """Whether what was found is what is documented; more than documented is not."""
        return (
            found.channel == self.channel
            and found.verdict is Verdict.OPEN
            and found.bytes_a_day is not None
            and found.bytes_a_day <= self.bytes_a_day
        )
