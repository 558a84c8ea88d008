"""The SQL adapter of the display meter: SQLite embedded, PostgreSQL elsewhere."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from egress_review.meter import rows, tables
from egress_review.meter.domain import DayUse, Lease, Lift, PolicyVersion, Showing
from egress_review.meter.protocol import SessionShown
from egress_review.store.engine import reading, writing
from egress_review.store.unit import EventLog
from onggi.errors import NotFound
from onggi.events import Event
from onggi.reasons import Reason

__all__ = ["SqlMeterStore", "SqlMeterUnit"]


class SqlMeterUnit:
    """See `egress_review.meter.protocol.MeterUnit`."""

    def __init__(self, connection: sa.Connection, log: EventLog) -> None:
        self._connection = connection
        self._log = log

    def day(self, project: str, member: str, day: str) -> DayUse:
        """A member's day, locked: its row is there before it is read, so that two cannot both miss it."""
        key = {"project": project, "member": member, "day": day}
        make = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        fresh = make(tables.days).on_conflict_do_nothing()
        self._connection.execute(fresh, [key | {"output": 0, "page": 0}])
        query = sa.select(tables.days).where(*_same(tables.days, key)).with_for_update()
        return rows.read_day(self._connection.execute(query).mappings().one())

    def save_day(self, use: DayUse) -> None:
        """Keep what has been lent."""
        key = {"project": use.project, "member": use.member, "day": use.day}
        change = sa.update(tables.days).where(*_same(tables.days, key))
        self._connection.execute(change, {"output": use.lent.output, "page": use.lent.page})

    def lease(self, lease_id: str) -> Lease | None:
        """The lease of that id."""
        query = sa.select(tables.leases).where(tables.leases.c.id == lease_id)
        found = self._connection.execute(query).mappings().first()
        return None if found is None else rows.read_lease(found)

    def add_lease(self, lease: Lease) -> None:
        """Keep a new lease."""
        self._connection.execute(sa.insert(tables.leases), [rows.lease_row(lease)])

    def settle(self, lease_id: str) -> None:
        """Note that the rest of a lease came back."""
        change = sa.update(tables.leases).where(tables.leases.c.id == lease_id)
        self._connection.execute(change, {"settled": True})

    def lifted(self, project: str, member: str, day: str) -> int:
        """Bytes that administrators added."""
        key = {"project": project, "member": member, "day": day}
        query = sa.select(sa.func.sum(tables.lifts.c.extra_bytes)).where(*_same(tables.lifts, key))
        return int(self._connection.execute(query).scalar() or 0)

    def add_lift(self, lift: Lift, event: Event) -> None:
        """Keep an administrator's word."""
        self._connection.execute(sa.insert(tables.lifts), [rows.lift_row(lift)])
        self.append(event)

    def policy(self, project: str) -> PolicyVersion | None:
        """The newest version of a project's policy."""
        found = _policies(self._connection, project, 1)
        return found[0] if found else None

    def add_policy(self, version: PolicyVersion, event: Event) -> None:
        """Keep a new version."""
        self._connection.execute(sa.insert(tables.policies), [rows.policy_row(version)])
        self.append(event)

    def add_showing(self, showing: Showing) -> bool:
        """Keep what was shown; False if it is known already."""
        make = postgresql.insert if self._connection.dialect.name == "postgresql" else sqlite.insert
        statement = make(tables.showings).on_conflict_do_nothing().values(rows.showing_row(showing))
        return bool(self._connection.execute(statement).rowcount)

    def drop_leases(self, before: str) -> None:
        """Let go of old leases."""
        self._connection.execute(sa.delete(tables.leases).where(tables.leases.c.day < before))

    def forget_contents(self, showing_ids: tuple[str, ...], event: Event) -> None:
        """Note that contents are no longer kept."""
        change = sa.update(tables.showings).where(tables.showings.c.id.in_(showing_ids))
        self._connection.execute(change, {"kept": False})
        self.append(event)

    def append(self, event: Event) -> int:
        """Write an event down."""
        return self._log.append(self._connection, event)


class SqlMeterStore:
    """See `egress_review.meter.protocol.MeterStore`.

    Args:
        engine: of the review database, its schema up to date.
        log: the audit log in the same database.
    """

    def __init__(self, engine: sa.Engine, log: EventLog) -> None:
        self._engine = engine
        self._log = log

    @contextmanager
    def unit(self) -> Iterator[SqlMeterUnit]:
        """A transaction that writes."""
        with writing(self._engine) as connection:
            yield SqlMeterUnit(connection, self._log)

    def policy(self, project: str) -> PolicyVersion | None:
        """The newest version of a project's policy."""
        with reading(self._engine) as connection:
            found = _policies(connection, project, 1)
        return found[0] if found else None

    def policies(self, project: str) -> tuple[PolicyVersion, ...]:
        """All versions, newest first."""
        with reading(self._engine) as connection:
            return _policies(connection, project, None)

    def days(self, since: str, project: str | None = None) -> tuple[DayUse, ...]:
        """The days of members, newest first."""
        table = tables.days
        query = sa.select(table).where(table.c.day >= since, _of(table, project))
        order = (table.c.day.desc(), table.c.project, table.c.member)
        return tuple(rows.read_day(row) for row in self._all(query.order_by(*order)))

    def shown_days(self, since: str) -> tuple[DayUse, ...]:
        """What members were shown on each day."""
        table = tables.showings
        key = (table.c.project, table.c.member, table.c.day)
        total = sa.cast(sa.func.sum(table.c.shown_bytes), sa.BigInteger).label("output")
        query = sa.select(*key, total, sa.literal(0).label("page")).where(table.c.day >= since)
        return tuple(rows.read_day(row) for row in self._all(query.group_by(*key).order_by(*key)))

    def lifts(self, since: str, project: str | None = None) -> tuple[Lift, ...]:
        """Administrators' words, newest first."""
        table = tables.lifts
        query = sa.select(table).where(table.c.day >= since, _of(table, project))
        return tuple(rows.read_lift(row) for row in self._all(query.order_by(table.c.at.desc(), table.c.id)))

    def sessions(self, project: str, limit: int) -> tuple[SessionShown, ...]:
        """The sessions of a project that have shown something, newest first."""
        table = tables.showings
        last = sa.func.max(table.c.at)
        query = (
            sa.select(
                table.c.session,
                table.c.project,
                table.c.member,
                sa.func.count().label("showings"),
                sa.cast(sa.func.sum(table.c.shown_bytes), sa.BigInteger).label("shown_bytes"),
                sa.func.min(table.c.at).label("first"),
                last.label("last"),
            )
            .where(table.c.project == project)
            .group_by(table.c.session, table.c.project, table.c.member)
            .order_by(last.desc(), table.c.session)
            .limit(limit)
        )
        return tuple(SessionShown(**row) for row in self._all(query))

    def showings(self, session: str, limit: int, before: str | None = None) -> tuple[Showing, ...]:
        """What a session has shown, newest first."""
        table = tables.showings
        query = sa.select(table).where(table.c.session == session)
        if before is not None:
            mark = sa.select(table.c.at, table.c.id).where(table.c.id == before).subquery()
            older = (table.c.at < mark.c.at) | ((table.c.at == mark.c.at) & (table.c.id < mark.c.id))
            query = query.join(mark, older)
        order = (table.c.at.desc(), table.c.id.desc())
        return tuple(rows.read_showing(row) for row in self._all(query.order_by(*order).limit(limit)))

    def showing(self, showing_id: str) -> Showing:
        """One showing."""
        found = self._all(sa.select(tables.showings).where(tables.showings.c.id == showing_id))
        if not found:
            raise NotFound(Reason.NOT_FOUND, what="showing")
        return rows.read_showing(found[0])

    def kept_before(self, project: str, day: str) -> tuple[Showing, ...]:
        """Showings whose contents are kept from days before `day`."""
        table = tables.showings
        query = sa.select(table).where(table.c.project == project, table.c.day < day, table.c.kept)
        return tuple(rows.read_showing(row) for row in self._all(query.order_by(table.c.at, table.c.id)))

    def shown_projects(self) -> tuple[str, ...]:
        """The projects of which contents are kept."""
        table = tables.showings
        query = sa.select(table.c.project).where(table.c.kept).distinct().order_by(table.c.project)
        return tuple(str(row["project"]) for row in self._all(query))

    def _all(self, query: sa.Select[Any]) -> list[sa.RowMapping]:
        with reading(self._engine) as connection:
            return list(connection.execute(query).mappings())


def _policies(connection: sa.Connection, project: str, limit: int | None) -> tuple[PolicyVersion, ...]:
    table = tables.policies
    query = sa.select(table).where(table.c.project == project).order_by(table.c.number.desc()).limit(limit)
    return tuple(rows.read_policy(row) for row in connection.execute(query).mappings())


def _same(table: sa.Table, key: dict[str, str]) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in key.items()]


def _of(table: sa.Table, project: str | None) -> sa.ColumnElement[bool]:
    return sa.true() if project is None else table.c.project == project
