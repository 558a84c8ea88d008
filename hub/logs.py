"""Keeps the folder of logs small: whoever can make a process write errors must not be able to fill the disk.

Guarantees: a log over `MOST_BYTES` is begun anew within about `EVERY_S` seconds, its end kept beside it as
`<name>.1`; a session's log that nobody has written to for `DAYS` is removed. Does not guarantee: lines
written in the moment of cutting. The writers know nothing of it: they append.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from pathlib import Path

__all__ = ["DAYS", "KEPT_BYTES", "MOST_BYTES", "tidy", "tidy_forever"]

MOST_BYTES = 16 * 1024**2
KEPT_BYTES = 4 * 1024**2
DAYS = 30
EVERY_S = 5.0


async def tidy_forever(logs: Path) -> None:
    """Look now and then, until cancelled."""
    while True:
        with contextlib.suppress(OSError):  # a full disk, say: the next look may do it
            await asyncio.to_thread(tidy, logs, time.time())
        await asyncio.sleep(EVERY_S)


def tidy(logs: Path, now: float) -> None:
    """Cut logs that are too long, and remove those of sessions that ended long ago.

    Args:
        now: POSIX time.

    Raises:
        OSError: if that cannot be done.
    """
    for log in logs.glob("*.log"):
        state = log.lstat()
        if state.st_size > MOST_BYTES:
            _cut(log)
        elif log.name.startswith("session-") and now - state.st_mtime > DAYS * 86_400:
            log.unlink()
            log.with_name(f"{log.name}.1").unlink(missing_ok=True)


def _cut(log: Path) -> None:
    with log.open("r+b") as file:
        file.seek(-KEPT_BYTES, os.SEEK_END)
        try:
            log.with_name(f"{log.name}.1").write_bytes(file.read(KEPT_BYTES))
        finally:  # all the more on a full disk
            file.truncate(0)
