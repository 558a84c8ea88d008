"""The audit log in SQL, always inside a transaction that the caller began and will commit.

Guarantees: of two writers at once, each gets its own index: the head row is locked before it is read
(PostgreSQL: `FOR UPDATE`; SQLite: the caller's `BEGIN IMMEDIATE`). If the transaction is rolled back,
nothing was appended.
"""

from __future__ import annotations

import json
from collections.abc import Iterator

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from egress_review.audit import tables
from egress_review.audit.merkle import completed_by, leaf_hash
from egress_review.audit.protocol import Logged, StoredCheckpoint, check_event_id
from onggi.errors import Conflict, Tampered
from onggi.events import Event, event_from_json
from onggi.reasons import Reason

__all__ = ["SqlAuditLog", "SqlEventLog"]

_PAGE_EVENTS = 500

# Built once: an append is a handful of statements, and building them would cost as much as running them.
_LOCKED_SIZE = sa.select(tables.head.c.size).with_for_update()
_KNOWN = sa.select(tables.leaves.c.leaf, tables.leaves.c.body).where(
    tables.leaves.c.event_id == sa.bindparam("wanted")
)
_SUBTREE = sa.select(tables.subtrees.c.hash).where(
    tables.subtrees.c.level == sa.bindparam("at_level"), tables.subtrees.c.number == sa.bindparam("at_number")
)
_ADD_LEAF = sa.insert(tables.leaves)
_ADD_SUBTREES = sa.insert(tables.subtrees)
_GROW = sa.update(tables.head).values(size=sa.bindparam("grown"))


class SqlAuditLog:
    """See `egress_review.audit.protocol.AuditLog`.

    Args:
        connection: in a transaction; for appending, one that may write.
    """

    def __init__(self, connection: sa.Connection) -> None:
        self._connection = connection

    def append(self, event: Event) -> int:
        """Write an event down; its index."""
        body = event.canonical()
        check_event_id(event.id)
        size = self._locked_size()
        known = self._connection.execute(_KNOWN, {"wanted": event.id}).first()
        if known is not None:
            if bytes(known.body) != body:
                raise Conflict(Reason.EVENT_ID_REUSED, id=event.id)
            return int(known.leaf)
        complete = list(completed_by(size, leaf_hash(body), self.subtree))
        row = {"leaf": size, "event_id": event.id, "source": event.source, "time": event.time, "body": body}
        self._connection.execute(_ADD_LEAF, row)
        nodes = [{"level": level, "number": number, "hash": digest} for level, number, digest in complete]
        self._connection.execute(_ADD_SUBTREES, nodes)
        self._connection.execute(_GROW, {"grown": size + 1})
        return size

    def size(self) -> int:
        """How many events there are."""
        return int(self._connection.execute(sa.select(tables.head.c.size)).scalar_one())

    def index_of(self, event_id: str) -> int | None:
        """Where the event with this id stands."""
        query = sa.select(tables.leaves.c.leaf).where(tables.leaves.c.event_id == event_id)
        found = self._connection.execute(query).scalar()
        return None if found is None else int(found)

    def events(self, start: int = 0, end: int | None = None) -> Iterator[Logged]:
        """Events [start, end) in order, a page at a time."""
        table, stored = tables.leaves, tables.subtrees
        same = (stored.c.number == table.c.leaf) & (stored.c.level == 0)
        query = sa.select(table.c.leaf, table.c.body, stored.c.hash).outerjoin_from(table, stored, same)
        end = self.size() if end is None else end
        while start < end:
            page = query.where(table.c.leaf >= start, table.c.leaf < end).order_by(table.c.leaf)
            rows = self._connection.execute(page.limit(_PAGE_EVENTS)).all()
            if not rows:
                return
            for row in rows:
                yield Logged(int(row.leaf), bytes(row.body), bytes(row.hash or b""))
            start = int(rows[-1].leaf) + 1

    def last(self, source: str, limit: int = 1) -> tuple[Event, ...]:
        """The newest events of one source, newest first."""
        table = tables.leaves
        query = sa.select(table.c.body).where(table.c.source == source).order_by(table.c.leaf.desc())
        found = self._connection.execute(query.limit(limit)).scalars()
        return tuple(event_from_json(json.loads(body)) for body in found)

    def subtree(self, level: int, index: int) -> bytes:
        """The stored hash of a perfect subtree."""
        found = self._connection.execute(_SUBTREE, {"at_level": level, "at_number": index}).scalar()
        if found is None:
            raise Tampered(Reason.AUDIT_TAMPERED, detail=f"subtree {level}/{index}")
        return bytes(found)

    def add_checkpoint(self, checkpoint: StoredCheckpoint) -> None:
        """Keep a signed checkpoint."""
        make = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        statement = make(tables.checkpoints).on_conflict_do_nothing()
        self._connection.execute(statement, [{"size": checkpoint.size, "note": checkpoint.note}])

    def checkpoints(self, after: int = -1) -> tuple[StoredCheckpoint, ...]:
        """The signed checkpoints with more than `after` events, smallest first."""
        table = tables.checkpoints
        query = sa.select(table).where(table.c.size > after).order_by(table.c.size)
        return tuple(StoredCheckpoint(int(row.size), row.note) for row in self._connection.execute(query))

    def _locked_size(self) -> int:
        return int(self._connection.execute(_LOCKED_SIZE).scalar_one())


class SqlEventLog:
    """The log as the review store writes it: each call says in which transaction."""

    def append(self, connection: sa.Connection, event: Event) -> int:
        """Write an event down in the transaction of `connection`; its index.

        Raises:
            Conflict, Invalid: as `AuditLog.append`.
        """
        return SqlAuditLog(connection).append(event)

    def last(self, connection: sa.Connection, source: str, limit: int) -> tuple[Event, ...]:
        """The newest events of one source, newest first."""
        return SqlAuditLog(connection).last(source, limit)
