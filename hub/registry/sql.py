"""The registry in SQL: SQLite (WAL) on one machine, PostgreSQL in a cluster.

A writing transaction begins with the write lock in hand (`BEGIN IMMEDIATE`; an advisory lock on
PostgreSQL), so what it reads cannot change before it commits, and two processes cannot both take a last
free place.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import Engine, create_engine, event, select, text
from sqlalchemy.exc import DatabaseError, IntegrityError, OperationalError
from sqlalchemy.orm import Session

from hub.registry import rows, schema
from hub.registry.values import SessionRecord
from onggi.domain import DatasetVersion, Grant, Membership, Person, Project, Quota
from onggi.errors import Conflict, OnggiError, Tampered, Unavailable
from onggi.reasons import Reason

BUSY_TIMEOUT_MS = 5_000
_WRITE_LOCK = 0x6F6E_6767  # "ongg": our advisory lock's number on PostgreSQL


def registry_engine(url: str, busy_timeout_ms: int = BUSY_TIMEOUT_MS) -> Engine:
    """An engine with the settings that the registry relies on.

    Args:
        url: `sqlite:////path/registry.sqlite` or `postgresql+psycopg://…`.
        busy_timeout_ms: how long a writer waits for another before it gives up.
    """
    engine = create_engine(url, hide_parameters=True)
    if engine.dialect.name == "sqlite":
        _prepare_sqlite(engine, busy_timeout_ms)
    return engine


def _prepare_sqlite(engine: Engine, busy_timeout_ms: int) -> None:
    @event.listens_for(engine, "connect")
    def _on_connect(connection: Any, _record: object) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in (
            f"busy_timeout = {busy_timeout_ms}",
            "journal_mode = WAL",
            "synchronous = FULL",
            "foreign_keys = ON",
        ):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Any) -> None:
        immediate = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


class SqlTransaction:
    """Reads and writes through one SQLAlchemy session."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def person(self, name: str) -> Person | None:
        """See `Reading`."""
        row = self._session.get(schema.PersonRow, name)
        return None if row is None else rows.person(row)

    def people(self) -> tuple[Person, ...]:
        """See `Reading`."""
        query = select(schema.PersonRow).order_by(schema.PersonRow.name)
        return tuple(rows.person(row) for row in self._session.scalars(query))

    def project(self, slug: str) -> Project | None:
        """See `Reading`."""
        row = self._session.get(schema.ProjectRow, slug)
        return None if row is None else rows.project(row)

    def projects(self) -> tuple[Project, ...]:
        """See `Reading`."""
        query = select(schema.ProjectRow).order_by(schema.ProjectRow.slug)
        return tuple(rows.project(row) for row in self._session.scalars(query))

    def membership(self, project: str, person: str) -> Membership | None:
        """See `Reading`."""
        row = self._session.get(schema.MembershipRow, (project, person))
        return None if row is None else rows.membership(row)

    def memberships(self, project: str | None = None, person: str | None = None) -> tuple[Membership, ...]:
        """See `Reading`."""
        table = schema.MembershipRow
        query = select(table).order_by(table.project, table.person)
        if project is not None:
            query = query.where(table.project == project)
        if person is not None:
            query = query.where(table.person == person)
        return tuple(rows.membership(row) for row in self._session.scalars(query))

    def dataset(self, name: str, version: str) -> DatasetVersion | None:
        """See `Reading`."""
        row = self._session.get(schema.DatasetRow, (name, version))
        return None if row is None else rows.dataset(row)

    def datasets(self) -> tuple[DatasetVersion, ...]:
        """See `Reading`."""
        query = select(schema.DatasetRow).order_by(schema.DatasetRow.name, schema.DatasetRow.version)
        return tuple(rows.dataset(row) for row in self._session.scalars(query))

    def grant(self, project: str, dataset: str, version: str) -> Grant | None:
        """See `Reading`."""
        row = self._session.get(schema.GrantRow, (project, dataset, version))
        return None if row is None else rows.grant(row)

    def grants(self, project: str | None = None) -> tuple[Grant, ...]:
        """See `Reading`."""
        table = schema.GrantRow
        query = select(table).order_by(table.project, table.dataset, table.version)
        if project is not None:
            query = query.where(table.project == project)
        return tuple(rows.grant(row) for row in self._session.scalars(query))

    def quota(self, project: str) -> Quota:
        """See `Reading`."""
        row = self._session.get(schema.QuotaRow, project)
        return Quota(project) if row is None else rows.quota(row)

    def session(self, session_id: str) -> SessionRecord | None:
        """See `Reading`."""
        row = self._session.get(schema.SessionRow, session_id)
        return None if row is None else rows.session(row)

    def session_by_key(self, key_sha256: str) -> SessionRecord | None:
        """See `Reading`."""
        query = select(schema.SessionRow).where(schema.SessionRow.key_sha256 == key_sha256)
        row = self._session.scalars(query).one_or_none()
        return None if row is None else rows.session(row)

    def open_sessions(
        self, project: str | None = None, member: str | None = None
    ) -> tuple[SessionRecord, ...]:
        """See `Reading`."""
        table = schema.SessionRow
        query = select(table).where(table.ended.is_(None)).order_by(table.started, table.session_id)
        if project is not None:
            query = query.where(table.project == project)
        if member is not None:
            query = query.where(table.member == member)
        return tuple(rows.session(row) for row in self._session.scalars(query))

    def has_audit_ref(self, event_id: str) -> bool:
        """See `Reading`."""
        return self._session.get(schema.AuditRefRow, event_id) is not None

    def save_person(self, person: Person) -> None:
        """See `Writing`."""
        self._merge(rows.person_row(person))

    def save_project(self, project: Project) -> None:
        """See `Writing`."""
        self._merge(rows.project_row(project))

    def save_membership(self, membership: Membership) -> None:
        """See `Writing`."""
        self._merge(rows.membership_row(membership))

    def save_dataset(self, dataset: DatasetVersion) -> None:
        """See `Writing`."""
        self._merge(rows.dataset_row(dataset))

    def save_grant(self, grant: Grant) -> None:
        """See `Writing`."""
        self._merge(rows.grant_row(grant))

    def save_quota(self, quota: Quota) -> None:
        """See `Writing`."""
        self._merge(rows.quota_row(quota))

    def save_session(self, session: SessionRecord) -> None:
        """See `Writing`."""
        self._merge(rows.session_row(session))

    def add_audit_ref(self, event_id: str) -> None:
        """See `Writing`."""
        if self.has_audit_ref(event_id):
            raise Conflict(Reason.STATE_CONFLICT, state="registry")
        self._merge(schema.AuditRefRow(event_id=event_id))

    def _merge(self, row: schema.Base) -> None:
        self._session.merge(row)
        self._session.flush()


class SqlRegistry:
    """A registry in a database that `hub.registry.migrate` has brought up to date."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @contextmanager
    def reading(self) -> Iterator[SqlTransaction]:
        """See `Registry`."""
        reader = self._engine
        if reader.dialect.name == "postgresql":
            reader = reader.execution_options(isolation_level="REPEATABLE READ")
        with translated_errors(), Session(reader) as session:
            yield SqlTransaction(session)

    @contextmanager
    def writing(self) -> Iterator[SqlTransaction]:
        """See `Registry`."""
        writer = self._engine.execution_options(writes=True)
        with translated_errors(), Session(writer) as session, session.begin():
            if self._engine.dialect.name == "postgresql":
                session.execute(text("SELECT pg_advisory_xact_lock(:number)"), {"number": _WRITE_LOCK})
            else:
                session.connection()  # takes the write lock now, before the block reads anything
            yield SqlTransaction(session)

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what a database raises into reasons.

    Raises:
        Conflict: for a broken key.
        Unavailable: for a locked database, a full disk or a database that does not answer.
        Tampered: for a database file that is not one.
    """
    try:
        yield
    except OnggiError:
        raise
    except IntegrityError:
        raise Conflict(Reason.STATE_CONFLICT, state="registry") from None
    except OperationalError as error:
        said = str(error.orig).lower()
        if "disk" in said or "full" in said or "no space" in said:
            raise Unavailable(Reason.DISK_FULL, path="registry") from error
        raise Unavailable(Reason.DATABASE_LOCKED) from error
    except DatabaseError as error:
        raise Tampered(Reason.DATA_HASH_MISMATCH, file="registry") from error
