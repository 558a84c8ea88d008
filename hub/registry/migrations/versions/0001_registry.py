"""The registry's first tables."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_MOMENT = sa.String(24)


def upgrade() -> None:
    _people_and_projects()
    _data()
    op.create_table(
        "sessions",
        sa.Column("session_id", sa.String(18), primary_key=True),
        sa.Column("member", sa.String(64), sa.ForeignKey("people.name"), nullable=False),
        sa.Column("project", sa.String(30), sa.ForeignKey("projects.slug"), nullable=False),
        sa.Column("language", sa.String(8), nullable=False),
        sa.Column("key_sha256", sa.String(64), nullable=False, unique=True),
        sa.Column("cpus", sa.Integer, nullable=False),
        sa.Column("memory_bytes", sa.BigInteger, nullable=False),
        sa.Column("datasets", sa.JSON, nullable=False),
        sa.Column("started", _MOMENT, nullable=False),
        sa.Column("ended", _MOMENT),
        sa.Column("end_reason", sa.String(64)),
    )
    op.create_index("sessions_open", "sessions", ["ended", "project"])
    op.create_table("audit_refs", sa.Column("event_id", sa.String(36), primary_key=True))


def _people_and_projects() -> None:
    op.create_table(
        "people",
        sa.Column("name", sa.String(64), primary_key=True),
        sa.Column("roles", sa.JSON, nullable=False),
    )
    op.create_table(
        "projects",
        sa.Column("slug", sa.String(30), primary_key=True),
        sa.Column("titles", sa.JSON, nullable=False),
        sa.Column("starts", _MOMENT, nullable=False),
        sa.Column("ends", _MOMENT),
    )
    op.create_table(
        "memberships",
        sa.Column("project", sa.String(30), sa.ForeignKey("projects.slug"), primary_key=True),
        sa.Column("person", sa.String(64), sa.ForeignKey("people.name"), primary_key=True),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("starts", _MOMENT, nullable=False),
        sa.Column("ends", _MOMENT),
    )
    op.create_table(
        "quotas",
        sa.Column("project", sa.String(30), sa.ForeignKey("projects.slug"), primary_key=True),
        sa.Column("sessions", sa.Integer, nullable=False),
        sa.Column("cpus", sa.Integer, nullable=False),
        sa.Column("memory_bytes", sa.BigInteger, nullable=False),
        sa.Column("storage_bytes", sa.BigInteger, nullable=False),
    )


def _data() -> None:
    op.create_table(
        "datasets",
        sa.Column("name", sa.String(30), primary_key=True),
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("titles", sa.JSON, nullable=False),
        sa.Column("path", sa.Text, nullable=False),
        sa.Column("manifest_sha256", sa.String(64), nullable=False),
    )
    op.create_table(
        "grants",
        sa.Column("project", sa.String(30), sa.ForeignKey("projects.slug"), primary_key=True),
        sa.Column("dataset", sa.String(30), primary_key=True),
        sa.Column("version", sa.String(64), primary_key=True),
        sa.Column("until", _MOMENT),
        sa.ForeignKeyConstraint(["dataset", "version"], ["datasets.name", "datasets.version"]),
    )


def downgrade() -> None:
    for table in (
        "audit_refs",
        "sessions",
        "grants",
        "datasets",
        "quotas",
        "memberships",
        "projects",
        "people",
    ):
        op.drop_table(table)
