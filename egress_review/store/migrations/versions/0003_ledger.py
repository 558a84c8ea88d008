"""The ledger of releases."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "ledger_entries",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("release", sa.String(length=32), nullable=False),
        sa.Column("output", sa.Integer(), nullable=False),
        sa.Column("sets", sa.String(length=64), nullable=True),
        sa.Column("content", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["release"], ["releases.id"], name=op.f("fk_ledger_entries_releases")),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_ledger_entries")),
        sa.UniqueConstraint("release", "output", name=op.f("uq_ledger_entries_release_output")),
    )
    op.create_table(
        "ledger_datasets",
        sa.Column("dataset", sa.String(length=64), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.ForeignKeyConstraint(
            ["position"], ["ledger_entries.position"], name=op.f("fk_ledger_datasets_ledger_entries")
        ),
        sa.PrimaryKeyConstraint("dataset", "position", name=op.f("pk_ledger_datasets")),
    )
    for statement in _append_only(op.get_bind().dialect.name):
        op.execute(statement)


def _append_only(dialect: str) -> list[str]:
    """What stops mistakes; who owns the database is stopped by the audit log's hashes."""
    tables = ("ledger_entries", "ledger_datasets")
    if dialect == "sqlite":
        return [
            f"CREATE TRIGGER {table}_no_{verb} BEFORE {verb} ON {table} "
            "BEGIN SELECT RAISE(ABORT, 'the ledger is append-only'); END"
            for table in tables
            for verb in ("update", "delete")
        ]
    function = (
        "CREATE FUNCTION ledger_append_only() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION 'the ledger is append-only'; END $$"
    )
    return [
        function,
        *(
            f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table} "
            "FOR EACH STATEMENT EXECUTE FUNCTION ledger_append_only()"
            for table in tables
        ),
    ]
