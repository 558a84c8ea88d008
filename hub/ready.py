"""The note that a running `onggi up` leaves in its state folder: that it is ready, and where it listens."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

__all__ = ["Ready", "read_ready"]


@dataclass(frozen=True, slots=True)
class Ready:
    """An `onggi up` that answers: its process id and its first port."""

    pid: int
    base_port: int

    def write(self, path: Path) -> None:
        """Leave the note."""
        path.write_text(f"{self.pid} {self.base_port}", "ascii")


def read_ready(path: Path) -> Ready | None:
    """The note of a process that is still there, or None."""
    try:
        pid, base_port = (int(word) for word in path.read_text("ascii").split())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    return Ready(pid, base_port)
