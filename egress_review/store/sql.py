"""The SQL adapter of the review store: SQLite embedded, PostgreSQL elsewhere."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from egress_review.domain import Release, Request, State, Vote
from egress_review.ledger.sql import SqlLedger
from egress_review.store import rows, tables
from egress_review.store.engine import reading, writing
from egress_review.store.unit import EventLog, SqlUnit, visible_votes
from onggi.clock import to_text
from onggi.errors import NotFound
from onggi.events import Event
from onggi.reasons import Reason


class SqlReviewStore:
    """See `egress_review.store.protocol.ReviewStore`.

    Args:
        engine: from `egress_review.store.engine.open_engine`, its schema up to date.
        log: the audit log in the same database.
    """

    def __init__(self, engine: sa.Engine, log: EventLog) -> None:
        self._engine = engine
        self._log = log

    @contextmanager
    def unit(self) -> Iterator[SqlUnit]:
        """A transaction that writes."""
        with writing(self._engine) as connection:
            yield SqlUnit(connection, self._log)

    @property
    def ledger(self) -> SqlLedger:
        """The ledger of releases."""
        return SqlLedger(self._engine)

    def request(self, request_id: str) -> Request:
        """The newest version of a request."""
        found = self._requests(tables.requests.c.id == request_id, tables.requests.c.newest)
        if not found:
            raise NotFound(Reason.NOT_FOUND, what="request")
        return found[0]

    def history(self, request_id: str) -> tuple[Request, ...]:
        """All versions, oldest first."""
        found = self._requests(tables.requests.c.id == request_id)
        return tuple(sorted(found, key=lambda one: one.version))

    def requests_of(self, member: str, project: str | None = None) -> tuple[Request, ...]:
        """A member's requests, newest first."""
        table = tables.requests
        where = [table.c.member == member, table.c.newest]
        if project is not None:
            where.append(table.c.project == project)
        return tuple(sorted(self._requests(*where), key=lambda one: (one.created, one.id), reverse=True))

    def requests_in(self, states: Collection[State], last: int | None = None) -> tuple[Request, ...]:
        """Requests in any of `states`, oldest submission first."""
        table = tables.requests
        names = [state.value for state in states]
        order = (sa.func.coalesce(table.c.submitted, table.c.created).desc(), table.c.id.desc())
        found = self._requests(table.c.state.in_(names), table.c.newest, order=order, limit=last)
        return tuple(sorted(found, key=lambda one: (one.submitted or one.created, one.id)))

    def votes_seen_by(self, viewer: str, request: Request) -> tuple[Vote, ...]:
        """All votes if complete, else the viewer's own."""
        with reading(self._engine) as connection:
            return visible_votes(connection, request, viewer)

    def received_bytes(self, member: str, since: datetime) -> int:
        """Bytes handed in since a moment."""
        table = tables.intake
        query = sa.select(sa.func.sum(table.c.size)).where(
            table.c.member == member, table.c.at >= to_text(since)
        )
        with reading(self._engine) as connection:
            return int(connection.execute(query).scalar() or 0)

    def release(self, release_id: str) -> Release:
        """A release with its number of downloads."""
        found = self._releases(tables.releases.c.id == release_id)
        if not found:
            raise NotFound(Reason.NOT_FOUND, what="release")
        return found[0]

    def release_of(self, request: Request) -> Release | None:
        """The release of a request version."""
        table = tables.releases
        found = self._releases(table.c.request == request.id, table.c.version == request.version)
        return found[0] if found else None

    def releases_of(self, projects: Collection[str]) -> tuple[Release, ...]:
        """Releases of projects, newest first."""
        found = self._releases(tables.releases.c.project.in_(projects))
        return tuple(sorted(found, key=lambda one: (one.created, one.id), reverse=True))

    def uncertified(self) -> tuple[Release, ...]:
        """Releases without a certificate."""
        return self._releases(tables.releases.c.certificate.is_(None))

    def last_events(self, source: str, limit: int) -> tuple[Event, ...]:
        """The newest events of one source, newest first."""
        with reading(self._engine) as connection:
            return self._log.last(connection, source, limit)

    def _requests(
        self,
        *where: sa.ColumnElement[bool],
        order: Sequence[sa.ColumnElement[Any]] = (),
        limit: int | None = None,
    ) -> tuple[Request, ...]:
        query = sa.select(tables.requests).where(*where).order_by(*order).limit(limit)
        with reading(self._engine) as connection:
            found = connection.execute(query).mappings().all()
            return rows.load_requests(connection, found)

    def _releases(self, *where: sa.ColumnElement[bool]) -> tuple[Release, ...]:
        with reading(self._engine) as connection:
            found = connection.execute(sa.select(tables.releases).where(*where)).mappings().all()
            return rows.load_releases(connection, found)
