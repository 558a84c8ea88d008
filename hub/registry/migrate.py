"""Bring a registry's tables up to date, once, whoever comes first."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text

from hub.registry.sql import SqlRegistry, registry_engine, translated_errors

_HERE = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> None:
    """Run the missing migrations.

    Raises:
        Unavailable: if the database cannot serve.
    """
    with translated_errors(), _alone(engine), engine.connect() as connection:
        if not _is_current(connection):
            _migrate(connection)
            connection.commit()


def open_registry(url: str) -> SqlRegistry:
    """The registry at `url`, up to date.

    Raises:
        Unavailable: if the database cannot serve.
    """
    engine = registry_engine(url)
    upgrade(engine)
    return SqlRegistry(engine)


def newest_revision() -> str:
    """The revision that the code wants: the last file's, since they are numbered."""
    return max(path.name for path in (_HERE / "versions").glob("[0-9]*.py")).partition("_")[0]


def _is_current(connection: Connection) -> bool:
    if not inspect(connection).has_table("alembic_version"):
        return False
    return connection.execute(text("SELECT version_num FROM alembic_version")).scalar() == newest_revision()


def _migrate(connection: Connection) -> None:
    from alembic import command  # a third of a second that only the first start and an upgrade need
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_HERE))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """Hold others off: hub, desk and the command line may all start at once on one SQLite file."""
    path = engine.url.database
    if engine.dialect.name != "sqlite" or not path or path == ":memory:":
        yield
        return
    Path(path).parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with Path(f"{path}.upgrade").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
