"""A real PostgreSQL for contract suites, in a folder of its own, on a UNIX socket only."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_ALL = Path("/usr/lib/postgresql")
BIN = max((path.parent for path in _ALL.glob("*/bin/postgres")), default=_ALL)


def missing() -> str | None:
    """Why there is no PostgreSQL here, or None."""
    if not (BIN / "postgres").exists():
        return f"no PostgreSQL in {BIN}"
    if os.geteuid() == 0:
        return "PostgreSQL does not run as root"
    return None


def _run(argv: list[str | Path]) -> None:
    subprocess.run(argv, check=True, stdout=subprocess.DEVNULL, timeout=60)


@contextmanager
def running(folder: Path) -> Iterator[str]:
    """A server without durability, for tests; the SQLAlchemy URL of its database `postgres`."""
    data, sockets = folder / "data", folder / "s"
    sockets.mkdir()
    _run([BIN / "initdb", "-D", data, "-U", "onggi", "-A", "trust", "-N"])
    options = (
        f"-c listen_addresses='' -c unix_socket_directories='{sockets}' -c fsync=off -c max_connections=40"
    )
    control: list[str | Path] = [BIN / "pg_ctl", "-D", data, "-w", "-l", folder / "log"]
    _run([*control, "-o", options, "start"])
    try:
        yield f"postgresql+psycopg://onggi@/postgres?host={sockets}"
    finally:
        _run([*control, "-m", "immediate", "stop"])
