"""The first tables of egress review."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "intake",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_intake")),
    )
    op.create_index(op.f("ix_intake_member_at"), "intake", ["member", "at"], unique=False)
    op.create_table(
        "requests",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("newest", sa.Boolean(), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("member", sa.String(length=64), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("context", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("policy", sa.String(length=64), nullable=False),
        sa.Column("reviewers", sa.Integer(), nullable=False),
        sa.Column("created", sa.String(length=24), nullable=False),
        sa.Column("submitted", sa.String(length=24), nullable=True),
        sa.Column("decided", sa.String(length=24), nullable=True),
        sa.PrimaryKeyConstraint("id", "version", name=op.f("pk_requests")),
    )
    op.create_index(op.f("ix_requests_member_project"), "requests", ["member", "project"], unique=False)
    op.create_index(op.f("ix_requests_state"), "requests", ["state"], unique=False)
    op.create_table(
        "outputs",
        sa.Column("request", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("declared_sha256", sa.String(length=64), nullable=True),
        sa.Column("claim", sa.Text(), nullable=True),
        sa.Column("report", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request", "version"], ["requests.id", "requests.version"], name=op.f("fk_outputs_requests")
        ),
        sa.PrimaryKeyConstraint("request", "version", "number", name=op.f("pk_outputs")),
    )
    op.create_table(
        "releases",
        sa.Column("id", sa.String(length=32), nullable=False),
        sa.Column("request", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("project", sa.String(length=64), nullable=False),
        sa.Column("created", sa.String(length=24), nullable=False),
        sa.Column("expires", sa.String(length=24), nullable=False),
        sa.Column("leaf", sa.BigInteger(), nullable=False),
        sa.Column("certificate", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["request", "version"], ["requests.id", "requests.version"], name=op.f("fk_releases_requests")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_releases")),
        sa.UniqueConstraint("request", "version", name=op.f("uq_releases_request_version")),
    )
    op.create_index(op.f("ix_releases_project"), "releases", ["project"], unique=False)
    op.create_table(
        "votes",
        sa.Column("request", sa.String(length=32), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("reviewer", sa.String(length=64), nullable=False),
        sa.Column("output", sa.Integer(), nullable=False),
        sa.Column("ballot", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("cast", sa.String(length=24), nullable=False),
        sa.Column("salt", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["request", "version"], ["requests.id", "requests.version"], name=op.f("fk_votes_requests")
        ),
        sa.PrimaryKeyConstraint("request", "version", "reviewer", "output", name=op.f("pk_votes")),
    )
    op.create_table(
        "downloads",
        sa.Column("event", sa.String(length=36), nullable=False),
        sa.Column("release", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("person", sa.String(length=64), nullable=False),
        sa.Column("at", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(["release"], ["releases.id"], name=op.f("fk_downloads_releases")),
        sa.PrimaryKeyConstraint("event", name=op.f("pk_downloads")),
    )
    op.create_index(op.f("ix_downloads_release"), "downloads", ["release"], unique=False)
    op.create_table(
        "released_files",
        sa.Column("release", sa.String(length=32), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["release"], ["releases.id"], name=op.f("fk_released_files_releases")),
        sa.PrimaryKeyConstraint("release", "number", name=op.f("pk_released_files")),
    )
