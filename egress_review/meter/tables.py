"""The tables of the display meter, in the database of egress review. Moments are RFC 3339 text."""

from __future__ import annotations

import sqlalchemy as sa

from egress_review.store.tables import metadata

__all__ = ["days", "leases", "lifts", "policies", "showings"]

policies = sa.Table(
    "display_policies",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(40), nullable=False),
    sa.Column("text", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
)

days = sa.Table(
    "display_days",
    metadata,
    sa.Column("project", sa.String(64), primary_key=True),
    sa.Column("member", sa.String(64), primary_key=True),
    sa.Column("day", sa.String(10), primary_key=True, index=True),
    sa.Column("output", sa.BigInteger, nullable=False),
    sa.Column("page", sa.BigInteger, nullable=False),
)

leases = sa.Table(
    "display_leases",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("session", sa.String(32), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("member", sa.String(64), nullable=False),
    sa.Column("day", sa.String(10), nullable=False, index=True),
    sa.Column("output", sa.BigInteger, nullable=False),
    sa.Column("page", sa.BigInteger, nullable=False),
    sa.Column("settled", sa.Boolean, nullable=False),
)

lifts = sa.Table(
    "display_lifts",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("member", sa.String(64), nullable=False),
    sa.Column("day", sa.String(10), nullable=False, index=True),
    sa.Column("extra_bytes", sa.BigInteger, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("by", sa.String(64), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
)

showings = sa.Table(
    "display_showings",
    metadata,
    sa.Column("id", sa.String(36), primary_key=True),
    sa.Column("session", sa.String(32), nullable=False),
    sa.Column("project", sa.String(64), nullable=False),
    sa.Column("member", sa.String(64), nullable=False),
    sa.Column("day", sa.String(10), nullable=False),
    sa.Column("at", sa.String(24), nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("subject", sa.Text, nullable=False),
    sa.Column("number", sa.Integer),
    sa.Column("code_sha256", sa.String(64), nullable=False),
    sa.Column("sizes", sa.Text, nullable=False),
    sa.Column("shown_bytes", sa.BigInteger, nullable=False),
    sa.Column("cuts", sa.Integer, nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("policy", sa.String(64), nullable=False),
    sa.Column("kept", sa.Boolean, nullable=False),
    sa.Index(None, "session", "at"),
    sa.Index(None, "project", "day"),
)
