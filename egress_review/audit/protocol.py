"""What the audit log promises, whatever keeps it: memory, SQLite or PostgreSQL.

Guarantees, held by the contract suite:
- an event is appended once per id, at the next index, within the caller's transaction;
- what was appended is never changed, moved or removed through this interface;
- the stored subtree hashes are those of the appended events, so roots and proofs need no full reading.
It does not defend against who writes to the storage beside this interface: `notary` and `verify` find that
out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from onggi.errors import Invalid
from onggi.events import Event
from onggi.reasons import Reason

__all__ = ["AuditLog", "Logged", "StoredCheckpoint", "check_event_id"]

_EVENT_ID = re.compile(r"[\x21-\x7e]{1,100}")


@dataclass(frozen=True, slots=True)
class Logged:
    """An event in its place.

    Attributes:
        index: 0-based.
        body: the canonical JSON of the event.
        leaf: the leaf hash as it was stored when the event was appended; empty if it is gone.
    """

    index: int
    body: bytes
    leaf: bytes


@dataclass(frozen=True, slots=True)
class StoredCheckpoint:
    """A signed checkpoint as it was kept: its size and the whole note."""

    size: int
    note: str


class AuditLog(Protocol):
    """The log inside one transaction of its storage."""

    def append(self, event: Event) -> int:
        """Write an event down; its index. The same event again has the same index.

        Raises:
            Conflict: EVENT_ID_REUSED if another event has this id.
            Invalid: if it is no canonical event, or its id is longer than 100 printable characters.
        """
        ...

    def size(self) -> int:
        """How many events there are."""
        ...

    def index_of(self, event_id: str) -> int | None:
        """Where the event with this id stands."""
        ...

    def events(self, start: int = 0, end: int | None = None) -> Iterator[Logged]:
        """Events [start, end) in order, without holding all of them at once; one that is gone is left out."""
        ...

    def last(self, source: str, limit: int = 1) -> tuple[Event, ...]:
        """The newest events of one source, newest first."""
        ...

    def subtree(self, level: int, index: int) -> bytes:
        """The stored hash of a perfect subtree.

        Raises:
            Tampered: AUDIT_TAMPERED if it should be there and is not.
        """
        ...

    def add_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        """Keep a signed checkpoint; one for a size that has one is dropped."""
        ...

    def checkpoints(self, after: int = -1) -> tuple[StoredCheckpoint, ...]:
        """The signed checkpoints with more than `after` events, smallest first."""
        ...


def check_event_id(event_id: str) -> str:
    """The id, if it can be a key in any database.

    Raises:
        Invalid: if not.
    """
    if not _EVENT_ID.fullmatch(event_id):
        raise Invalid(Reason.FIELD_INVALID, field="id", value=event_id[:40])
    return event_id
