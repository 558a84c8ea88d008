"""The words of the display meter as frozen values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

__all__ = ["Amounts", "DayUse", "Kind", "Lease", "Lift", "Piece", "PolicyVersion", "Showing", "Verdict"]


@dataclass(frozen=True, slots=True)
class Amounts:
    """Bytes by purse.

    Attributes:
        output: what kernels and files show; the policy's `day_bytes` limit it.
        page: what the page needs around that: headers, lists, frames, errors.
    """

    output: int = 0
    page: int = 0


@dataclass(frozen=True, slots=True)
class DayUse:
    """What a member has been lent of one project in one day, less what came back unused.

    Attributes:
        day: `YYYY-MM-DD` in the installation's time zone.
    """

    project: str
    member: str
    day: str
    lent: Amounts = field(default_factory=Amounts)


@dataclass(frozen=True, slots=True)
class Lease:
    """A block of a day's budget in the hands of one session server.

    Attributes:
        id: chosen by the session server, so that asking twice lends once.
        settled: whether its rest came back.
    """

    id: str
    session: str
    project: str
    member: str
    day: str
    lent: Amounts
    settled: bool = False


@dataclass(frozen=True, slots=True)
class Lift:
    """An administrator's word that a member may be shown more on one day, and why."""

    id: str
    project: str
    member: str
    day: str
    extra_bytes: int
    reason: str
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class PolicyVersion:
    """One version of a project's display policy.

    Attributes:
        number: 1 for the first that the project was given; 0 stands for the installation's profile.
        name: what the document calls itself.
        text: the document as it was given.
        by: who gave it; empty for the installation's profile.
    """

    project: str
    number: int
    name: str
    text: str
    by: str = ""
    reason: str = ""
    at: datetime | None = None

    @property
    def label(self) -> str:
        """What stands in every record, e.g. `standard-1@7`."""
        return f"{self.name}@{self.number}"


class Kind(StrEnum):
    """What it was that showed something."""

    BACKGROUND = "background"
    CELL = "cell"
    FILE = "file"


class Verdict(StrEnum):
    """What became of it."""

    CUT = "cut"
    SHOWN = "shown"
    WITHHELD = "withheld"


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece of what was shown, as the browser got it; `content` is text, images in base64."""

    mime: str
    content: str


@dataclass(frozen=True, slots=True)
class Showing:
    """What a session showed at one go: a cell, a file, or what no cell explains.

    Attributes:
        id: chosen by the session server, so that handing it in twice keeps it once.
        subject: the cell's message id, or the file's path in the project folder.
        number: the cell's number as the page shows it, or None.
        code_sha256: of the code that ran; empty for files.
        sizes: bytes by mime type.
        sha256: over all pieces in order, as the audit log says it.
        kept: whether the contents are kept until their window ends.
    """

    id: str
    session: str
    project: str
    member: str
    day: str
    at: datetime
    kind: Kind
    subject: str
    number: int | None
    code_sha256: str
    sizes: Mapping[str, int]
    cuts: int
    sha256: str
    verdict: Verdict
    policy: str
    kept: bool = False

    @property
    def shown_bytes(self) -> int:
        """All bytes together."""
        return sum(self.sizes.values())
