"""What a session has shown, counted across restarts of its server.

Guarantees: the number on disk is never lower than what was handed out. It is written ahead in steps, so a
crash costs the session up to one step, never the count. Survives a killed process; after a power cut the last
step may be lost, which is why the server flushes each step behind the scenes.
"""

from __future__ import annotations

import os
import threading
from pathlib import Path

_STEP_BYTES = 128 * 1024
_RECORD = 24


class SessionMeter:
    """A count with a limit, kept in a small file.

    Args:
        path: the file; made if missing.
        limit: bytes the session may show in its life.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.limit = limit
        self._lock = threading.Lock()
        self._fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        text = os.pread(self._fd, _RECORD, 0).strip()
        self.used = int(text) if text.isdigit() else 0
        self._reserved = self.used

    def take(self, count: int) -> bool:
        """Charge `count` bytes; False, and nothing charged, if that would pass the limit."""
        with self._lock:  # notebooks are looked through in a thread
            if self.used + count > self.limit:
                return False
            self.used += count
            if self.used > self._reserved:
                self._reserve(self.used + _STEP_BYTES)
            return True

    def settle(self) -> None:
        """Write the exact count and flush it to disk; at shutdown and now and then in between."""
        with self._lock:
            self._reserve(self.used)
        os.fsync(self._fd)

    def close(self) -> None:
        """Settle and give the file back."""
        self.settle()
        os.close(self._fd)

    def _reserve(self, count: int) -> None:
        os.pwrite(self._fd, str(count).encode().ljust(_RECORD), 0)
        self._reserved = count
