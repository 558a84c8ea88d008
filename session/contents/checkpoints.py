"""Checkpoints: the bytes of a file as they were, in the server's own folder.

Guarantees: at most `MAX_CHECKPOINTS`, of together at most `MAX_BYTES`, are kept, whatever a kernel writes
into the files that are kept.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onggi.errors import NotFound
from onggi.reasons import Reason
from onggi.safe_files import shown
from session.contents.store import ProjectStore

MAX_CHECKPOINTS = 200
MAX_BYTES = 128 * 1024 * 1024
"""Of all checkpoints; each is a file of at most 16 MiB, so the newest always fits."""
CHECKPOINT_ID = "checkpoint"


class CheckpointStore:
    """One checkpoint per file, named by a hash of the file's path; the oldest are forgotten."""

    def __init__(self, folder: Path, project: ProjectStore) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._project = project
        self._lock = threading.Lock()

    def create(self, path: str) -> dict[str, Any]:
        """Keep the present bytes."""
        data = self._project.raw(path)
        target = self._file(path)
        fresh = target.with_suffix(".new")
        with self._lock:
            self._make_room(len(data), target)
            fresh.write_bytes(data)
            fresh.replace(target)
            return self._model(target)

    def list(self, path: str) -> list[dict[str, Any]]:
        """What is kept of a file."""
        target = self._file(path)
        return [self._model(target)] if target.exists() else []

    def restore(self, path: str) -> None:
        """Put the kept bytes back.

        Raises:
            NotFound: FILE_NOT_FOUND.
        """
        target = self._file(path)
        if not target.exists():
            raise NotFound(Reason.FILE_NOT_FOUND, name=shown(path))
        self._project.put_raw(path, target.read_bytes())

    def delete(self, path: str) -> None:
        """Forget the kept bytes."""
        with self._lock:
            self._file(path).unlink(missing_ok=True)

    def rename(self, old: str, new: str) -> None:
        """Follow a renamed file."""
        with self._lock:
            if (source := self._file(old)).exists():
                source.replace(self._file(new))

    def _file(self, path: str) -> Path:
        return self._folder / hashlib.sha256(self._project.name(path).encode()).hexdigest()

    def _make_room(self, size: int, target: Path) -> None:
        """Forget the oldest until one more of `size` bytes fits; what is to be replaced counts no more."""
        kept = [(file, file.stat()) for file in self._folder.iterdir() if file != target]
        kept.sort(key=lambda one: one[1].st_mtime_ns)
        count, total = len(kept) + 1, sum(stat.st_size for _, stat in kept) + size
        for file, stat in kept:
            if count <= MAX_CHECKPOINTS and total <= MAX_BYTES:
                return
            file.unlink()
            count, total = count - 1, total - stat.st_size

    @staticmethod
    def _model(file: Path) -> dict[str, Any]:
        return {"id": CHECKPOINT_ID, "last_modified": datetime.fromtimestamp(file.stat().st_mtime, UTC)}
