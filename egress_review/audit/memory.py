"""The audit log in memory: the twin that tests and the one-process composition use."""

from __future__ import annotations

import json
from collections.abc import Iterator

from egress_review.audit.merkle import completed_by, leaf_hash
from egress_review.audit.protocol import Logged, StoredCheckpoint, check_event_id
from onggi.errors import Conflict, Tampered
from onggi.events import Event, event_from_json
from onggi.reasons import Reason

__all__ = ["MemoryAuditLog"]


class MemoryAuditLog:
    """See `egress_review.audit.protocol.AuditLog`; every call is its own transaction."""

    def __init__(self) -> None:
        self._bodies: list[bytes] = []
        self._indexes: dict[str, int] = {}
        self._subtrees: dict[tuple[int, int], bytes] = {}
        self._checkpoints: dict[int, StoredCheckpoint] = {}

    def append(self, event: Event) -> int:
        """Write an event down; its index."""
        body = event.canonical()
        known = self._indexes.get(check_event_id(event.id))
        if known is not None:
            if self._bodies[known] != body:
                raise Conflict(Reason.EVENT_ID_REUSED, id=event.id)
            return known
        index = len(self._bodies)
        self._bodies.append(body)
        self._indexes[event.id] = index
        for level, number, digest in completed_by(index, leaf_hash(body), self.subtree):
            self._subtrees[level, number] = digest
        return index

    def size(self) -> int:
        """How many events there are."""
        return len(self._bodies)

    def index_of(self, event_id: str) -> int | None:
        """Where the event with this id stands."""
        return self._indexes.get(event_id)

    def events(self, start: int = 0, end: int | None = None) -> Iterator[Logged]:
        """Events [start, end) in order."""
        for index, body in enumerate(self._bodies[start:end], start):
            yield Logged(index, body, self._subtrees[0, index])

    def last(self, source: str, limit: int = 1) -> tuple[Event, ...]:
        """The newest events of one source, newest first."""
        newest = (event_from_json(json.loads(body)) for body in reversed(self._bodies))
        found = (event for event in newest if event.source == source)
        return tuple(event for event, _ in zip(found, range(limit), strict=False))

    def subtree(self, level: int, index: int) -> bytes:
        """The stored hash of a perfect subtree."""
        try:
            return self._subtrees[level, index]
        except KeyError:
            raise Tampered(Reason.AUDIT_TAMPERED, detail=f"subtree {level}/{index}") from None

    def add_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        """Keep a signed checkpoint."""
        self._checkpoints.setdefault(checkpoint.size, checkpoint)

    def checkpoints(self, after: int = -1) -> tuple[StoredCheckpoint, ...]:
        """The signed checkpoints with more than `after` events, smallest first."""
        return tuple(self._checkpoints[size] for size in sorted(self._checkpoints) if size > after)
