"""Checkpoints: the bytes of a file as they were, in the server's own folder."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from onggi.errors import NotFound
from onggi.reasons import Reason
from onggi.safe_files import shown
from session.contents.store import ProjectStore

_MAX_CHECKPOINTS = 200
CHECKPOINT_ID = "checkpoint"


class CheckpointStore:
    """One checkpoint per file, named by a hash of the file's path; the oldest are forgotten."""

    def __init__(self, folder: Path, project: ProjectStore) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self._project = project

    def create(self, path: str) -> dict[str, Any]:
        """Keep the present bytes."""
        data = self._project.raw(path)
        target = self._file(path)
        fresh = target.with_suffix(".new")
        fresh.write_bytes(data)
        fresh.replace(target)
        self._forget_oldest()
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
        self._file(path).unlink(missing_ok=True)

    def rename(self, old: str, new: str) -> None:
        """Follow a renamed file."""
        if (source := self._file(old)).exists():
            source.replace(self._file(new))

    def _file(self, path: str) -> Path:
        return self._folder / hashlib.sha256(self._project.name(path).encode()).hexdigest()

    def _forget_oldest(self) -> None:
        kept = sorted(self._folder.iterdir(), key=lambda file: file.stat().st_mtime)
        for file in kept[:-_MAX_CHECKPOINTS]:
            file.unlink(missing_ok=True)

    @staticmethod
    def _model(file: Path) -> dict[str, Any]:
        return {"id": CHECKPOINT_ID, "last_modified": datetime.fromtimestamp(file.stat().st_mtime, UTC)}
