"""The registry's tables. Moments are stored as RFC 3339 UTC text, which sorts as time does."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Dialect,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    Integer,
    String,
    Text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from sqlalchemy.types import TypeDecorator

from onggi.clock import from_text, text_or_none

_NAME = 64
_SLUG = 30


class Moment(TypeDecorator[datetime]):
    """An aware moment as `YYYY-MM-DDTHH:MM:SS.mmmZ`."""

    impl = String(24)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """To the database."""
        return text_or_none(value)

    def process_result_value(self, value: Any | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - SQLAlchemy's
        """From the database."""
        return None if value is None else from_text(str(value))


class Base(DeclarativeBase):
    """All tables of the registry."""


class PersonRow(Base):
    """Someone who may sign in."""

    __tablename__ = "people"
    name: Mapped[str] = mapped_column(String(_NAME), primary_key=True)
    roles: Mapped[list[str]] = mapped_column(JSON)


class ProjectRow(Base):
    """An approved piece of research."""

    __tablename__ = "projects"
    slug: Mapped[str] = mapped_column(String(_SLUG), primary_key=True)
    titles: Mapped[dict[str, str]] = mapped_column(JSON)
    starts: Mapped[datetime] = mapped_column(Moment)
    ends: Mapped[datetime | None] = mapped_column(Moment)


class MembershipRow(Base):
    """A person in a project."""

    __tablename__ = "memberships"
    project: Mapped[str] = mapped_column(ForeignKey("projects.slug"), primary_key=True)
    person: Mapped[str] = mapped_column(ForeignKey("people.name"), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    starts: Mapped[datetime] = mapped_column(Moment)
    ends: Mapped[datetime | None] = mapped_column(Moment)


class DatasetRow(Base):
    """A data-set version of the catalogue."""

    __tablename__ = "datasets"
    name: Mapped[str] = mapped_column(String(_SLUG), primary_key=True)
    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    titles: Mapped[dict[str, str]] = mapped_column(JSON)
    path: Mapped[str] = mapped_column(Text)
    manifest_sha256: Mapped[str] = mapped_column(String(64))


class GrantRow(Base):
    """A project's right to a data-set version."""

    __tablename__ = "grants"
    __table_args__ = (ForeignKeyConstraint(["dataset", "version"], ["datasets.name", "datasets.version"]),)
    project: Mapped[str] = mapped_column(ForeignKey("projects.slug"), primary_key=True)
    dataset: Mapped[str] = mapped_column(String(_SLUG), primary_key=True)
    version: Mapped[str] = mapped_column(String(64), primary_key=True)
    until: Mapped[datetime | None] = mapped_column(Moment)


class QuotaRow(Base):
    """What a project may hold at once."""

    __tablename__ = "quotas"
    project: Mapped[str] = mapped_column(ForeignKey("projects.slug"), primary_key=True)
    sessions: Mapped[int] = mapped_column(Integer)
    cpus: Mapped[int] = mapped_column(Integer)
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    storage_bytes: Mapped[int] = mapped_column(BigInteger)


class SessionRow(Base):
    """A session and its lease."""

    __tablename__ = "sessions"
    __table_args__ = (Index("sessions_open", "ended", "project"),)
    session_id: Mapped[str] = mapped_column(String(18), primary_key=True)
    member: Mapped[str] = mapped_column(ForeignKey("people.name"))
    project: Mapped[str] = mapped_column(ForeignKey("projects.slug"))
    language: Mapped[str] = mapped_column(String(8))
    key_sha256: Mapped[str] = mapped_column(String(64), unique=True)
    cpus: Mapped[int] = mapped_column(Integer)
    memory_bytes: Mapped[int] = mapped_column(BigInteger)
    datasets: Mapped[list[list[str]]] = mapped_column(JSON)
    started: Mapped[datetime] = mapped_column(Moment)
    ended: Mapped[datetime | None] = mapped_column(Moment)
    end_reason: Mapped[str | None] = mapped_column(String(64))


class AuditRefRow(Base):
    """The audit event that describes a committed write."""

    __tablename__ = "audit_refs"
    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
