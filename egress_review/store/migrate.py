"""Bring the review database up to date, once, whoever comes first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from egress_review.audit.tables import create_tables
from egress_review.store.engine import writing

_HERE = Path(__file__).parent / "migrations"
_PG_LOCK = 0x6F6E6767690001  # an advisory lock of ours: "onggi", 1


def upgrade(engine: sa.Engine) -> None:
    """Run the missing migrations, and make the tables of the audit log that lives beside.

    Raises:
        Unavailable: if the database cannot serve.
    """
    with _alone(engine), writing(engine) as connection:
        if engine.dialect.name == "postgresql":
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_PG_LOCK)))
        if not _is_current(connection):
            _migrate(connection)
        create_tables(connection)


def newest_revision() -> str:
    """The revision that the code wants: the last file's, since they are numbered."""
    return max(path.name for path in (_HERE / "versions").glob("[0-9]*.py")).partition("_")[0]


def _is_current(connection: sa.Connection) -> bool:
    if not sa.inspect(connection).has_table("alembic_version"):
        return False
    known = connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar()
    return bool(known == newest_revision())


def _migrate(connection: sa.Connection) -> None:
    from alembic import command  # a third of a second that only the first start and an upgrade need
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[None]:
    """Hold others off: the service and the command line may start at once on one SQLite file."""
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        yield
        return
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Path(f"{path}.upgrade").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
