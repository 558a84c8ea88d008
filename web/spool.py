"""Audit events on their way: written down here first, so that a crash or a silent review loses none.

Guarantees: an event that `append` took is handed out by `pending` until `sent` says that it arrived, also
after the process was killed. Order is kept. The file is flushed to disk by `flush`, off the event loop.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections import deque
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

from onggi.errors import Unavailable
from onggi.reasons import Reason

_MAX_WAITING_BYTES = 32 * 1024 * 1024


class Spool:
    """A file of JSON lines, and a file that says how far it was sent."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._log = os.open(folder / "events.jsonl", flags | os.O_APPEND, 0o600)
        self._mark = os.open(folder / "sent", flags, 0o600)
        self._waiting: deque[tuple[int, dict[str, Any]]] = deque()
        self._sent = int(os.pread(self._mark, 24, 0).strip() or b"0")
        self._end = os.lseek(self._log, 0, os.SEEK_END)
        self._read_back()

    def append(self, event: Mapping[str, Any]) -> None:
        """Take an event.

        Raises:
            Unavailable: AUDIT_UNREACHABLE if too much is waiting already; DISK_FULL if it cannot be written,
                and then no part of it is.
        """
        line = json.dumps(event, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if self._end - self._sent + len(line) > _MAX_WAITING_BYTES:
            raise Unavailable(Reason.AUDIT_UNREACHABLE)
        self._write(line)
        self._end += len(line)
        self._waiting.append((self._end, dict(event)))

    def first(self) -> dict[str, Any] | None:
        """The oldest event that has not arrived."""
        return self._waiting[0][1] if self._waiting else None

    def oldest(self, count: int) -> list[dict[str, Any]]:
        """The oldest events that have not arrived, at most `count`, oldest first."""
        return [event for _, event in islice(self._waiting, count)]

    def sent(self, count: int = 1) -> None:
        """The `count` oldest events arrived."""
        for _ in range(count):
            self._sent, _ = self._waiting.popleft()
        if not self._waiting:
            os.ftruncate(self._log, 0)
            self._sent = self._end = 0
        with contextlib.suppress(OSError):  # what is sent again is known by its id
            os.pwrite(self._mark, str(self._sent).encode().ljust(24), 0)

    def flush(self) -> None:
        """Put what was appended on disk; blocks, so not on the event loop."""
        with contextlib.suppress(OSError):  # a disk that lost what it took is beyond this process
            os.fdatasync(self._log)

    def close(self) -> None:
        """Flush and give the files back."""
        self.flush()
        os.close(self._log)
        os.close(self._mark)

    def _write(self, line: bytes) -> None:
        try:
            if os.write(self._log, line) == len(line):
                return
        except OSError:
            pass  # treated as a short write
        os.ftruncate(self._log, self._end)
        raise Unavailable(Reason.DISK_FULL, path="events.jsonl")

    def _read_back(self) -> None:
        """What an earlier process left; a half-written last line is cut off."""
        self._sent = min(self._sent, self._end)
        data = os.pread(self._log, self._end - self._sent, self._sent)
        position = self._sent
        for line in data.splitlines(keepends=True):
            if not line.endswith(b"\n"):
                break
            position += len(line)
            self._waiting.append((position, json.loads(line)))
        os.ftruncate(self._log, position)
        self._end = position
