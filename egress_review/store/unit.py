"""One writing transaction of the SQL store."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Protocol

import sqlalchemy as sa

from egress_review.domain import Download, Release, Request, Vote
from egress_review.ledger.sql import SqlLedgerUnit
from egress_review.store import rows, tables
from onggi.clock import to_text
from onggi.errors import Conflict, NotFound
from onggi.events import Event
from onggi.reasons import Reason


class EventLog(Protocol):
    """The audit log, as far as the store writes it: in the store's own transaction."""

    def append(self, connection: sa.Connection, event: Event) -> int:
        """Write the event down; its leaf index, the same for the same event twice."""
        ...

    def last(self, connection: sa.Connection, source: str, limit: int) -> tuple[Event, ...]:
        """The newest events of one source, newest first."""
        ...


class SqlUnit:
    """See `egress_review.store.protocol.Unit`."""

    def __init__(self, connection: sa.Connection, log: EventLog) -> None:
        self._connection = connection
        self._log = log

    def request(self, request_id: str) -> Request:
        """The newest version, locked."""
        table = tables.requests
        query = sa.select(table).where(table.c.id == request_id, table.c.newest).with_for_update()
        found = self._connection.execute(query).mappings().all()
        if not found:
            raise NotFound(Reason.NOT_FOUND, what="request")
        return rows.load_requests(self._connection, found)[0]

    def create(self, request: Request, event: Event) -> None:
        """Keep a new version; the older ones are no longer the newest."""
        table = tables.requests
        present = sa.select(table.c.id).where(table.c.id == request.id, table.c.version == request.version)
        if self._connection.execute(present).first():
            raise Conflict(Reason.ALREADY_EXISTS, what="request", name=request.id)
        self._run(sa.update(table).where(table.c.id == request.id).values(newest=False))
        self._run(sa.insert(table), [{**rows.request_row(request), "newest": True}])
        self._run(sa.insert(tables.outputs), [rows.output_row(request, one) for one in request.outputs])
        self.append(event)

    def save(self, request: Request, event: Event) -> None:
        """Keep what has become of a request."""
        table = tables.requests
        same = (table.c.id == request.id) & (table.c.version == request.version)
        if self._run(sa.update(table).where(same), rows.request_row(request)) == 0:
            raise NotFound(Reason.NOT_FOUND, what="request")
        for one in request.outputs:
            row = rows.output_row(request, one)
            keys = [tables.outputs.c[name] == row[name] for name in ("request", "version", "number")]
            self._run(sa.update(tables.outputs).where(*keys), row)
        self.append(event)

    def add_intake(self, member: str, size: int, at: datetime, event: Event) -> None:
        """Count bytes handed in."""
        row = {"event": event.id, "member": member, "size": size, "at": to_text(at)}
        self._run(sa.insert(tables.intake), [row])
        self.append(event)

    def add_votes(self, votes: Sequence[Vote], event: Event) -> None:
        """Keep a ballot paper."""
        table = tables.votes
        for vote in votes:
            keys = (table.c.request, table.c.version, table.c.reviewer, table.c.output)
            values = (vote.request, vote.version, vote.reviewer, vote.output)
            if self._connection.execute(sa.select(table.c.cast).where(sa.tuple_(*keys) == values)).first():
                raise Conflict(Reason.ALREADY_VOTED)
        self._run(sa.insert(table), [rows.vote_row(vote) for vote in votes])
        self.append(event)

    def votes(self, request: Request) -> tuple[Vote, ...]:
        """All votes if they are complete, else none."""
        return visible_votes(self._connection, request, None)

    def set_aside(self, request: Request, reviewer: str, told: Callable[[Sequence[Vote]], Event]) -> None:
        """Take back a ballot paper."""
        table = tables.votes
        same = (table.c.request == request.id) & (table.c.version == request.version)
        theirs = same & (table.c.reviewer == reviewer)
        query = sa.select(table).where(theirs).order_by(table.c.output)
        votes = [rows.read_vote(row) for row in self._connection.execute(query).mappings()]
        if not votes:
            raise NotFound(Reason.NOT_FOUND, what="vote")
        self._run(sa.delete(table).where(theirs))
        self.append(told(votes))

    def add_release(self, release: Release, event: Event) -> Release:
        """Keep a release without its certificate."""
        table = tables.releases
        same = (table.c.request == release.request) & (table.c.version == release.version)
        if self._connection.execute(sa.select(table.c.id).where(same)).first():
            raise Conflict(Reason.ALREADY_EXISTS, what="release", name=release.request)
        release = replace(release, leaf=self.append(event))
        names = ("id", "request", "version", "project", "leaf")
        moments = {"created": to_text(release.created), "expires": to_text(release.expires)}
        self._run(sa.insert(table), [{name: getattr(release, name) for name in names} | moments])
        files = [
            {
                "release": release.id,
                "number": one.number,
                "name": one.name,
                "sha256": one.sha256,
                "size": one.size,
            }
            for one in release.files
        ]
        self._run(sa.insert(tables.released_files), files)
        return release

    def set_certificate(self, release_id: str, certificate: str, event: Event) -> None:
        """Keep a certificate."""
        table = tables.releases
        if self._run(sa.update(table).where(table.c.id == release_id), {"certificate": certificate}) == 0:
            raise NotFound(Reason.NOT_FOUND, what="release")
        self.append(event)

    def add_download(self, download: Download, event: Event) -> None:
        """Keep a delivery."""
        row = {
            "event": event.id,
            "release": download.release,
            "number": download.number,
            "person": download.person,
            "at": to_text(download.at),
        }
        self._run(sa.insert(tables.downloads), [row])
        self.append(event)

    @property
    def ledger(self) -> SqlLedgerUnit:
        """The ledger of releases, in this transaction."""
        return SqlLedgerUnit(self._connection, self.append)

    def append(self, event: Event) -> int:
        """Write an event down."""
        return self._log.append(self._connection, event)

    def _run(self, statement: sa.Executable, values: Any = None) -> int:
        if values is not None and not values:
            return 0
        return int(self._connection.execute(statement, values).rowcount)


def visible_votes(connection: sa.Connection, request: Request, viewer: str | None) -> tuple[Vote, ...]:
    """The wall of blindness, in the query: all votes once complete, before that only the viewer's own."""
    table = tables.votes
    same = (table.c.request == request.id) & (table.c.version == request.version)
    needed = (
        sa.select(tables.requests.c.reviewers)
        .where(tables.requests.c.id == request.id, tables.requests.c.version == request.version)
        .scalar_subquery()
    )
    voted = sa.select(sa.func.count(sa.distinct(table.c.reviewer))).where(same).scalar_subquery()
    seen = (voted >= needed) | (table.c.reviewer == viewer)
    query = sa.select(table).where(same, seen).order_by(table.c.reviewer, table.c.output)
    return tuple(rows.read_vote(row) for row in connection.execute(query).mappings())
