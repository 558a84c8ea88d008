"""Running attempts: each in a process of its own, all at once, so that none can hang or end the others."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from typing import Any

Given = Mapping[str, Any]
"""Where the listeners and planted things are."""
Seen = tuple[bool | None, str]
"""Whether it came through, and what was seen."""
Tried = Callable[[Given], Seen]
_SECONDS = 12.0


def run_all(attempts: Mapping[str, Tried], given: Given) -> dict[str, Seen]:
    """What each attempt came to; one that ends in another way than by its answer is not proven."""
    running = {name: _start(attempt, given) for name, attempt in attempts.items()}
    deadline = time.monotonic() + _SECONDS
    return {name: _answer(pid, reader, deadline) for name, (pid, reader) in running.items()}


def _start(attempt: Tried, given: Given) -> tuple[int, int]:
    reader, writer = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writer)
        return pid, reader
    os.close(reader)
    os.write(writer, json.dumps(_seen(attempt, given)).encode("utf-8", "replace")[:60_000])
    os._exit(0)


def _seen(attempt: Tried, given: Given) -> Seen:
    try:
        return attempt(given)
    except OSError as error:
        return False, errno.errorcode.get(error.errno or 0, type(error).__name__)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is no proof
        return None, f"{type(error).__name__}: {error}"[:200]


def _answer(pid: int, reader: int, deadline: float) -> Seen:
    raw = b""
    while select.select([reader], [], [], max(0.0, deadline - time.monotonic()))[0]:
        part = os.read(reader, 65536)
        if not part:
            break
        raw += part
    os.close(reader)
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
    _, status = os.waitpid(pid, 0)
    if not raw:
        return None, f"ended with status {status}"
    reached, said = json.loads(raw)
    return reached, said
