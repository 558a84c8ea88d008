"""An audit log for tests: a fixed key, events in order, a notary that can sign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from egress_review.audit.export import export_lines
from egress_review.audit.memory import MemoryAuditLog
from egress_review.audit.notary import Notary
from egress_review.audit.note import NoteSigner
from egress_review.audit.protocol import AuditLog
from onggi.clock import to_text
from onggi.events import Event

START = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
SIGNER = NoteSigner("onggi/test-log", Ed25519PrivateKey.from_private_bytes(bytes(range(32))))


def event(number: int, source: str = "desk", details: Mapping[str, Any] | None = None) -> Event:
    """The event with that number; the same each time."""
    return Event(
        id=str(UUID(int=number)),
        time=to_text(START + timedelta(seconds=number)),
        source=source,
        actor="admin",
        action="member.add",
        project="liver-study",
        subject=f"연구자{number}",
        details=details or {},
    )


def notary_of(log: AuditLog, folder: Path, every: int = 16) -> Notary:
    """A notary of a log that is its own transaction."""

    @contextmanager
    def transaction() -> Iterator[AuditLog]:
        yield log

    return Notary(SIGNER, transaction, folder / "last-checkpoint", every)


def log_of(count: int) -> MemoryAuditLog:
    """A log in memory."""
    log = MemoryAuditLog()
    for number in range(count):
        log.append(event(number))
    return log


def exported(folder: Path, count: int, every: int = 16) -> list[bytes]:
    """The lines of an export of a log with checkpoints."""
    log = log_of(count)
    newest = notary_of(log, folder, every).checkpoint()
    return list(export_lines(log, SIGNER.name, newest))
