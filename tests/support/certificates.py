"""A released request and its certificate, made by the real hands over a log in memory."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass, replace
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from egress_review.audit.memory import MemoryAuditLog
from egress_review.audit.notary import Notary
from egress_review.certificates.certifier import LogCertifier
from egress_review.checks.report import Finding, FindingCode, OutputReport
from egress_review.domain import Ballot, Output, Release, ReleasedFile, Request, State, Vote
from onggi.clock import to_text
from onggi.events import Event
from tests.support.audit import SIGNER, START, event

CONTENTS = {"표 1.csv": b"sex,persons\nF,120\nM,130\n", "figure.csv": b"age,n\n60,40\n"}


@dataclass(frozen=True)
class Issued:
    """A release, its request and votes, and the certificate."""

    release: Release
    request: Request
    votes: tuple[Vote, ...]
    certificate: bytes
    certifier: LogCertifier
    log: MemoryAuditLog


def request_of(suffix: str = "1") -> Request:
    outputs = tuple(
        Output(
            number,
            name,
            len(content),
            digest(content),
            report=OutputReport(
                name, digest(content), "csv", (Finding(FindingCode.RECOMPUTED, {"submitted": "43"}),)
            ),
        )
        for number, (name, content) in enumerate([*CONTENTS.items(), ("secret.csv", b"x")], 1)
    )
    return Request(
        f"r-{suffix}",
        1,
        "liver-study",
        "researcher1",
        "p",
        "c",
        State.APPROVED,
        "review-1",
        2,
        START,
        outputs,
    )


def votes_of(request: Request) -> tuple[Vote, ...]:
    return tuple(
        Vote(
            request.id,
            1,
            reviewer,
            number,
            Ballot.REJECT if number == 3 else Ballot.APPROVE,
            "cell (70+, F) holds 3 persons" if number == 3 else "충분히 큽니다",
            START,
            "salt",
        )
        for reviewer in ("reviewer1", "reviewer2")
        for number in (1, 2, 3)
    )


def issued(folder: Path, suffix: str = "1", log: MemoryAuditLog | None = None) -> Issued:
    """Write the release's event as the action does, and sign."""
    log = log or MemoryAuditLog()
    certifier = LogCertifier(
        SIGNER, Notary(SIGNER, lambda: nullcontext(log), folder / "guard"), lambda: nullcontext(log)
    )
    request = request_of(suffix)
    votes = votes_of(request)
    files = tuple(
        ReleasedFile(number, name, digest(content), len(content))
        for number, (name, content) in enumerate(CONTENTS.items(), 1)
    )
    release = Release(
        f"rel-{suffix}", request.id, 1, request.project, files, START, START + timedelta(days=14)
    )
    for number in range(10):
        log.append(event(number))
    details = {
        "request": request.id,
        "version": 1,
        "policy": request.policy,
        "expires": to_text(release.expires),
        "files": [{"number": one.number, "sha256": one.sha256, "size": one.size} for one in files],
        "statement": certifier.statement_sha256(release, request, votes),
    }
    logged = Event(
        f"ev-{suffix}",
        to_text(START),
        "review",
        "service:review",
        "release.create",
        "liver-study",
        release.id,
        details,
    )
    release = replace(release, leaf=log.append(logged))
    log.append(event(50))
    certificate = certifier.certificate(release, request, votes).encode()
    return Issued(release, request, votes, certificate, certifier, log)


def digest(content: bytes) -> str:
    return sha256(content).hexdigest()
