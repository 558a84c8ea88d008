"""What a released table was about, beside its entry: new tables are attacked together with it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.add_column("ledger_entries", sa.Column("question", sa.Text(), nullable=False, server_default="{}"))
