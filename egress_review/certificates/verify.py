"""Checks a certificate with the public key alone, and names what does not hold.

Guarantees: without a finding, the key's owner signed exactly this statement, the release's event stands at
its place in a log that he signed, the event vouches for exactly this statement and these files, and every
file that was given is one of them. Does not guarantee that the log was never forked: compare its checkpoint
with others (`onggi audit verify`).

The statement and the checkpoint are signed apart. So where the statement was changed, the event still tells
what it said.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from egress_review.audit.checkpoint import Checkpoint, open_checkpoint
from egress_review.audit.findings import Found, Proof
from egress_review.audit.merkle import leaf_hash, verify_inclusion
from egress_review.audit.note import NoteVerifier
from egress_review.certificates.dsse import PAYLOAD_TYPE, Envelope, read_envelope
from egress_review.certificates.statement import PREDICATE_TYPE, STATEMENT_TYPE, core_sha256
from onggi.errors import Invalid, Tampered
from onggi.events import Event, canonical_json, event_from_json

__all__ = ["CertificateReport", "VerifiedCertificate", "verify_certificate"]

_RELEASE_EVENT = "release.create"
_MAX_PROOF = 64


@dataclass(frozen=True, slots=True)
class VerifiedCertificate:
    """What a certificate says, once everything in it holds.

    Attributes:
        files: SHA-256 by name.
        statement: the whole in-toto Statement.
        index: of the release's event in the log.
        checkpoint: the log's head that the proof leads to.
    """

    release: str
    project: str
    files: Mapping[str, str]
    statement: Mapping[str, Any]
    index: int
    checkpoint: Checkpoint


@dataclass(frozen=True, slots=True)
class CertificateReport:
    """The outcome: a verified certificate, or what is wrong with it."""

    certificate: VerifiedCertificate | None
    findings: tuple[Found, ...]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return self.certificate is not None and not self.findings


@dataclass(frozen=True, slots=True)
class _Parts:
    """A statement taken apart; its form is right, its content is not believed yet."""

    statement: Mapping[str, Any]
    core: Mapping[str, Any]
    files: tuple[Mapping[str, Any], ...]
    index: int
    event: Event
    note: str
    proof: tuple[bytes, ...]


def verify_certificate(
    data: bytes, verifier: NoteVerifier, files: Mapping[str, str] | None = None
) -> CertificateReport:
    """Check a certificate, and the files that came with it.

    Args:
        verifier: the log's public key (`egress_review.audit.note.read_verifier`).
        files: SHA-256 in hex by name, of the files at hand; they need not be all.
    """
    try:
        return _examined(read_envelope(data), verifier, files or {})
    except (Invalid, ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return CertificateReport(None, (Found(Proof.CERTIFICATE_UNREADABLE),))


def _examined(envelope: Envelope, verifier: NoteVerifier, files: Mapping[str, str]) -> CertificateReport:
    parts = _taken_apart(envelope)
    if parts is None:
        return CertificateReport(None, (Found(Proof.CERTIFICATE_FORM_UNKNOWN),))
    findings: list[Found] = []
    if not envelope.signed_by(verifier):
        findings.append(Found(Proof.SIGNATURE_WRONG, {"name": verifier.name}))
    checkpoint = _checkpoint(parts, verifier, findings)
    findings += _contradictions(parts)
    findings += _wrong_files(parts, files)
    if findings or checkpoint is None:
        return CertificateReport(None, tuple(findings))
    return CertificateReport(_verified(parts, checkpoint), ())


def _taken_apart(envelope: Envelope) -> _Parts | None:
    """The parts of the statement; None if it is of another kind."""
    statement = json.loads(envelope.payload)
    kinds = (envelope.payload_type, statement["_type"], statement["predicateType"])
    if kinds != (PAYLOAD_TYPE, STATEMENT_TYPE, PREDICATE_TYPE):
        return None
    if canonical_json(statement) != envelope.payload:
        raise ValueError("not canonical")
    predicate = dict(statement["predicate"])
    log = predicate.pop("log")
    proof = tuple(bytes.fromhex(step) for step in log["proof"])
    files = tuple(predicate["outputs"])
    named = [{"name": one["name"], "digest": {"sha256": one["sha256"]}} for one in files]
    if len(proof) > _MAX_PROOF or type(log["index"]) is not int or named != statement["subject"]:
        raise ValueError("subject and outputs differ")
    event = event_from_json(log["event"])
    core = {**statement, "predicate": predicate}
    return _Parts(statement, core, files, log["index"], event, str(log["checkpoint"]), proof)


def _checkpoint(parts: _Parts, verifier: NoteVerifier, findings: list[Found]) -> Checkpoint | None:
    """The signed head of the log, if the event is proven to be under it."""
    try:
        checkpoint = open_checkpoint(parts.note, verifier)
    except Tampered:
        findings.append(Found(Proof.CHECKPOINT_NOT_SIGNED, {"name": verifier.name}))
        return None
    leaf = leaf_hash(parts.event.canonical())
    if not verify_inclusion(leaf, parts.index, checkpoint.size, parts.proof, checkpoint.root):
        findings.append(Found(Proof.PROOF_INVALID, {"index": str(parts.index), "size": str(checkpoint.size)}))
    return checkpoint


def _contradictions(parts: _Parts) -> Iterator[Found]:
    """Where the statement says something else than the release's event."""
    said, event = parts.core["predicate"], parts.event
    pairs = {
        "action": (_RELEASE_EVENT, event.action),
        "release": (said["release"], event.subject),
        "project": (said["project"], event.project),
        "request": (said["request"]["id"], event.details.get("request")),
        "version": (said["request"]["version"], event.details.get("version")),
        "policy": (said["policy"], event.details.get("policy")),
        "expires": (said["expires"], event.details.get("expires")),
    }
    for field, (statement, logged) in pairs.items():
        if statement != logged:
            yield Found(
                Proof.EVENT_CONTRADICTS, {"field": field, "said": _text(statement), "logged": _text(logged)}
            )
    yield from _contradicting_files(parts)
    if event.details.get("statement") != core_sha256(parts.core):
        yield Found(Proof.STATEMENT_CONTRADICTS, {"index": str(parts.index)})


def _contradicting_files(parts: _Parts) -> Iterator[Found]:
    logged = {one["number"]: (one["sha256"], one["size"]) for one in parts.event.details["files"]}
    for one in parts.files:
        if logged.pop(one["number"], None) != (one["sha256"], one["size"]):
            yield Found(Proof.FILE_HASH_CONTRADICTS, {"name": _text(one["name"])})
    for number in logged:
        yield Found(Proof.FILE_HASH_CONTRADICTS, {"name": f"#{_text(number)}"})


def _wrong_files(parts: _Parts, files: Mapping[str, str]) -> Iterator[Found]:
    """Files at hand that are not what was released. A renamed file is known by its hash."""
    released = {one["name"]: one["sha256"] for one in parts.files}
    for name, sha256 in files.items():
        if sha256 in released.values():
            continue
        same = [one for one in released if one == name or one.rpartition("/")[2] == name.rpartition("/")[2]]
        yield Found(Proof.FILE_CHANGED if same else Proof.FILE_NOT_NAMED, {"name": name})


def _verified(parts: _Parts, checkpoint: Checkpoint) -> VerifiedCertificate:
    said = parts.core["predicate"]
    files = {one["name"]: one["sha256"] for one in parts.files}
    return VerifiedCertificate(
        said["release"], said["project"], files, parts.statement, parts.index, checkpoint
    )


def _text(value: object) -> str:
    return str(value)[:80]
