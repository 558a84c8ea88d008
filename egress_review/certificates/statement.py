"""What a certificate says: an in-toto Statement about the released files.

The *core* is everything but the proof. Its hash stands in the release's audit event, which is written
before the certificate exists, so a certificate cannot be paired with another release. Votes on outputs that
were not released, and the evidence behind findings, stay inside: they may say what may not leave.

Source: in-toto Attestation Framework, Statement v1.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from egress_review.audit.protocol import StoredCheckpoint
from egress_review.domain import Release, ReleasedFile, Request, Vote
from onggi.clock import to_text
from onggi.events import canonical_json

__all__ = ["PREDICATE_TYPE", "STATEMENT_TYPE", "core_of", "core_sha256", "statement_of"]

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:onggi:release:v1"


def core_of(release: Release, request: Request, votes: Sequence[Vote]) -> dict[str, Any]:
    """The statement without its proof.

    Args:
        votes: all votes of the request version; those on released outputs are told.
    """
    released = {one.number for one in release.files}
    told = [one for one in votes if one.output in released]
    predicate = {
        "release": release.id,
        "project": release.project,
        "request": {"id": request.id, "version": request.version, "member": request.member},
        "policy": request.policy,
        "created": to_text(release.created),
        "expires": to_text(release.expires),
        "outputs": [_output(one, request) for one in release.files],
        "votes": [_vote(one) for one in sorted(told, key=lambda one: (one.output, one.reviewer))],
    }
    return {
        "_type": STATEMENT_TYPE,
        "subject": [{"name": one.name, "digest": {"sha256": one.sha256}} for one in release.files],
        "predicateType": PREDICATE_TYPE,
        "predicate": predicate,
    }


def core_sha256(core: Mapping[str, Any]) -> str:
    """What the release's audit event holds under `statement`."""
    return hashlib.sha256(canonical_json(core)).hexdigest()


def statement_of(
    core: Mapping[str, Any],
    index: int,
    event: Mapping[str, Any],
    checkpoint: StoredCheckpoint,
    proof: Sequence[bytes],
) -> bytes:
    """The whole statement: the core and the proof that its event stands in the log.

    Args:
        index: of the release's event.
        event: its wire form.
        proof: audit path from the event to the checkpoint's root.
    """
    log = {
        "index": index,
        "event": event,
        "checkpoint": checkpoint.note,
        "proof": [step.hex() for step in proof],
    }
    return canonical_json({**core, "predicate": {**core["predicate"], "log": log}})


def _output(file: ReleasedFile, request: Request) -> dict[str, Any]:
    output = request.output(file.number)
    report = output.report if output else None
    return {
        "number": file.number,
        "name": file.name,
        "size": file.size,
        "sha256": file.sha256,
        "verdict": report.verdict.value if report else None,
        "findings": sorted({finding.code.value for finding in report.findings}) if report else [],
    }


def _vote(vote: Vote) -> dict[str, Any]:
    return {
        "output": vote.output,
        "reviewer": vote.reviewer,
        "vote": vote.ballot.value,
        "time": to_text(vote.cast),
        "reason": vote.reason,
    }
