"""The tables of the audit log, in the database of egress review: a write and its event are one transaction.

Triggers refuse to change or remove rows: that stops mistakes, not who owns the database; the
signed checkpoints are for him.
"""

from __future__ import annotations

import sqlalchemy as sa

__all__ = ["checkpoints", "create_tables", "head", "leaves", "metadata", "subtrees"]

metadata = sa.MetaData()

head = sa.Table(
    "audit_head",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, nullable=False),
)
"""One row: how many events there are. Who appends locks it."""

leaves = sa.Table(
    "audit_leaves",
    metadata,
    sa.Column("leaf", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("event_id", sa.String(100), nullable=False, unique=True),
    sa.Column("source", sa.String(16), nullable=False),
    sa.Column("time", sa.String(40), nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Index("ix_audit_leaves_source", "source", "leaf"),
)
"""The events: `body` is the canonical JSON that is hashed; the other columns come from it, to be searched."""

subtrees = sa.Table(
    "audit_subtrees",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary(32), nullable=False),
)

checkpoints = sa.Table(
    "audit_checkpoints",
    metadata,
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("note", sa.Text, nullable=False),
)

_APPEND_ONLY = (leaves, subtrees, checkpoints)


def create_tables(connection: sa.Connection) -> None:
    """Make what is missing; safe to repeat."""
    metadata.create_all(connection)
    if connection.execute(sa.select(head.c.size)).first() is None:
        connection.execute(sa.insert(head).values(id=1, size=0))
    for table in _APPEND_ONLY:
        for statement in _protection(table.name, connection.dialect.name):
            connection.exec_driver_sql(statement)


def _protection(table: str, dialect: str) -> tuple[str, ...]:
    if dialect == "sqlite":
        return tuple(
            f"CREATE TRIGGER IF NOT EXISTS {table}_no_{verb} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the audit log is append-only'); END"
            for verb in ("update", "delete")
        )
    function = (
        "CREATE OR REPLACE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the audit log is append-only'; END $$"
    )
    trigger = (
        f"CREATE OR REPLACE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
        "FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()"
    )
    return function, trigger
