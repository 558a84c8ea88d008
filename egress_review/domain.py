"""The words of egress review as frozen values: requests, outputs, votes, releases.

No SQL and no web in here. A `Request` is one *version*: what was submitted together at one time. A returned
request gets a new version with new outputs and new votes; the old one stays as it was.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from egress_review.checks.report import OutputReport, Verdict
from onggi.permissions import Role

__all__ = [
    "Actor",
    "Ballot",
    "Download",
    "Outcome",
    "Output",
    "OutputReport",
    "Release",
    "ReleasedFile",
    "Request",
    "State",
    "Verdict",
    "Vote",
]


class State(StrEnum):
    """Where a request stands."""

    APPROVED = "approved"
    CHECKING = "checking"
    DRAFT = "draft"
    IN_REVIEW = "in_review"
    REJECTED = "rejected"
    RELEASED = "released"
    RETURNED = "returned"
    WITHDRAWN = "withdrawn"


class Ballot(StrEnum):
    """A reviewer's word on one output. `return` asks the researcher to change something."""

    APPROVE = "approve"
    REJECT = "reject"
    RETURN = "return"


class Outcome(StrEnum):
    """What the votes make of one output."""

    APPROVED = "approved"
    REJECTED = "rejected"
    RETURNED = "returned"


@dataclass(frozen=True, slots=True)
class Output:
    """A file that a researcher wants out.

    Attributes:
        number: 1-based place in its request.
        name: as the researcher wrote it; hostile text, shown escaped only.
        size: bytes, as declared and later held.
        sha256: lower-case hex; None until the bytes are in the vault.
        declared_sha256: what the session server measured while it copied, if it said so.
        claim: the table's claim, or None.
        report: what the checks said, or None before them.
    """

    number: int
    name: str
    size: int
    sha256: str | None = None
    declared_sha256: str | None = None
    claim: Mapping[str, Any] | None = None
    report: OutputReport | None = None

    @property
    def verdict(self) -> Verdict | None:
        """The verdict of the checks; None before them."""
        return self.report.verdict if self.report else None


@dataclass(frozen=True, slots=True)
class Request:
    """One version of a request: outputs submitted together, with purpose and context.

    Attributes:
        id: `r-` and 16 hex digits; the same for all versions.
        version: 1-based.
        member: who asks.
        policy: version of the `ReviewPolicy` it is decided by.
        reviewers: how many independent votes that policy wants.
        voters: who has voted; never what.
    """

    id: str
    version: int
    project: str
    member: str
    purpose: str
    context: str
    state: State
    policy: str
    reviewers: int
    created: datetime
    outputs: tuple[Output, ...]
    submitted: datetime | None = None
    decided: datetime | None = None
    voters: frozenset[str] = frozenset()

    def output(self, number: int) -> Output | None:
        """The output with that number, or None."""
        return next((one for one in self.outputs if one.number == number), None)

    @property
    def votes_complete(self) -> bool:
        """Whether every reviewer that the policy wants has voted (a vote covers all outputs)."""
        return len(self.voters) >= self.reviewers


@dataclass(frozen=True, slots=True)
class Vote:
    """One reviewer's word on one output of one version.

    Attributes:
        reason: required for anything but approval, and for approving what is not proven.
        salt: hides the ballot behind its commitment in the audit log until all have voted.
    """

    request: str
    version: int
    reviewer: str
    output: int
    ballot: Ballot
    reason: str
    cast: datetime
    salt: str


@dataclass(frozen=True, slots=True)
class ReleasedFile:
    """An approved output as released."""

    number: int
    name: str
    sha256: str
    size: int


@dataclass(frozen=True, slots=True)
class Release:
    """Approved bytes made available outside until `expires`.

    Attributes:
        leaf: index of its `release.create` event in the audit log; None before it is written.
        certificate: the signed statement as text; None for the moment between decision and signature.
    """

    id: str
    request: str
    version: int
    project: str
    files: tuple[ReleasedFile, ...]
    created: datetime
    expires: datetime
    leaf: int | None = None
    certificate: str | None = None
    downloads: int = 0

    def file(self, number: int) -> ReleasedFile | None:
        """The file with that number, or None."""
        return next((one for one in self.files if one.number == number), None)


@dataclass(frozen=True, slots=True)
class Download:
    """One delivery of one released file (or `number` 0: the certificate) to one person."""

    release: str
    number: int
    person: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts, as far as the lifecycle asks.

    Attributes:
        roles: global roles.
        projects: every project of which the person is, was or will be a member.
        service: True for egress review itself (checker, decider), which has no roles.
    """

    name: str
    roles: frozenset[Role] = frozenset()
    projects: frozenset[str] = frozenset()
    service: bool = False
