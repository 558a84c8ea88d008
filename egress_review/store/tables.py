"""The tables of egress review. Moments are RFC 3339 text, so that every database sorts them alike."""

from __future__ import annotations

import sqlalchemy as sa

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)

requests = sa.Table(
    "requests",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("newest", sa.Boolean, nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("member", sa.String(64), nullable=False),
    sa.Column("purpose", sa.Text, nullable=False),
    sa.Column("context", sa.Text, nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("policy", sa.String(64), nullable=False),
    sa.Column("reviewers", sa.Integer, nullable=False),
    sa.Column("created", sa.String(24), nullable=False),
    sa.Column("submitted", sa.String(24)),
    sa.Column("decided", sa.String(24)),
    sa.Index(None, "member", "project"),
)

outputs = sa.Table(
    "outputs",
    metadata,
    sa.Column("request", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("sha256", sa.String(64)),
    sa.Column("declared_sha256", sa.String(64)),
    sa.Column("claim", sa.Text),
    sa.Column("report", sa.Text),
    sa.ForeignKeyConstraint(["request", "version"], ["requests.id", "requests.version"]),
)

votes = sa.Table(
    "votes",
    metadata,
    sa.Column("request", sa.String(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True),
    sa.Column("reviewer", sa.String(64), primary_key=True),
    sa.Column("output", sa.Integer, primary_key=True),
    sa.Column("ballot", sa.String(16), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("cast", sa.String(24), nullable=False),
    sa.Column("salt", sa.String(64), nullable=False),
    sa.ForeignKeyConstraint(["request", "version"], ["requests.id", "requests.version"]),
)

releases = sa.Table(
    "releases",
    metadata,
    sa.Column("id", sa.String(32), primary_key=True),
    sa.Column("request", sa.String(32), nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("project", sa.String(64), nullable=False, index=True),
    sa.Column("created", sa.String(24), nullable=False),
    sa.Column("expires", sa.String(24), nullable=False),
    sa.Column("leaf", sa.BigInteger, nullable=False),
    sa.Column("certificate", sa.Text),
    sa.UniqueConstraint("request", "version"),
    sa.ForeignKeyConstraint(["request", "version"], ["requests.id", "requests.version"]),
)

released_files = sa.Table(
    "released_files",
    metadata,
    sa.Column("release", sa.String(32), sa.ForeignKey("releases.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
)

downloads = sa.Table(
    "downloads",
    metadata,
    sa.Column("event", sa.String(36), primary_key=True),
    sa.Column("release", sa.String(32), sa.ForeignKey("releases.id"), nullable=False, index=True),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("person", sa.String(64), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
)

intake = sa.Table(
    "intake",
    metadata,
    sa.Column("event", sa.String(36), primary_key=True),
    sa.Column("member", sa.String(64), nullable=False),
    sa.Column("size", sa.BigInteger, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Index(None, "member", "at"),
)
