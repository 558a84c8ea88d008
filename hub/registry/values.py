"""What the registry holds beyond the shared domain values."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class SessionRecord:
    """One session of a member, from the moment it was promised to its end, with its lease.

    Attributes:
        session_id: `s-` and 16 hex digits.
        key_sha256: hex SHA-256 of the session key; the key itself is never stored.
        cpus: whole cores leased.
        memory_bytes: memory leased.
        datasets: (name, version) of each data set mounted into it.
        started: when the lease began.
        ended: when it was released, or None while it is open.
        end_reason: why it ended: `stopped`, or the code of the reason that ended it.
    """

    session_id: str
    member: str
    project: str
    language: str
    key_sha256: str
    cpus: int
    memory_bytes: int
    datasets: tuple[tuple[str, str], ...]
    started: datetime
    ended: datetime | None = None
    end_reason: str | None = None
