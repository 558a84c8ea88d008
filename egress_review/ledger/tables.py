"""The tables of the ledger, in the database of egress review. Triggers refuse to change or remove rows."""

from __future__ import annotations

import sqlalchemy as sa

from egress_review.store.tables import metadata

entries = sa.Table(
    "ledger_entries",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("release", sa.String(32), sa.ForeignKey("releases.id"), nullable=False),
    sa.Column("output", sa.Integer, nullable=False),
    sa.Column("sets", sa.String(64)),
    sa.Column("content", sa.Text, nullable=False),
    sa.Column("question", sa.Text, nullable=False, server_default="{}"),
    sa.UniqueConstraint("release", "output"),
)
"""`content` is what the entry's hash is of; the others come from it, to be searched."""

datasets = sa.Table(
    "ledger_datasets",
    metadata,
    sa.Column("dataset", sa.String(64), primary_key=True),
    sa.Column("position", sa.BigInteger, sa.ForeignKey("ledger_entries.position"), primary_key=True),
    sa.Column("version", sa.String(40), nullable=False),
)
