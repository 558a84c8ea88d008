"""What was shown, piece by piece on disk before its bytes go to the browser, until egress review has it.

Guarantees: a piece that `write` took is not lost when this process dies; after a power cut the last moments
may be missing. Bounded: beyond `MAX_WAITING_BYTES` contents are let go of, and what was shown is then known
by its hash alone.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

__all__ = ["MAX_WAITING_BYTES", "Journal", "Leaf", "Read", "read_leaf"]

MAX_WAITING_BYTES = 64 * 1024 * 1024
Pieces = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Read:
    """A leaf as it was found; `end` is None if its process died before the showing was done."""

    head: dict[str, Any]
    pieces: Pieces
    end: dict[str, Any] | None


class Leaf:
    """The file of one showing: a line that says what it is, then each piece as a line and its bytes."""

    def __init__(self, path: Path, head: Mapping[str, Any]) -> None:
        self.path = path
        self.size = 0
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        self._fd = os.open(path, flags, 0o600)
        self._put(json.dumps(head, ensure_ascii=False).encode("utf-8", "replace"), b"\n")

    def write(self, mime: str, raw: bytes) -> None:
        """Put a piece on disk.

        Raises:
            OSError: if the disk does not take it.
        """
        self._put(json.dumps([mime, len(raw)]).encode() + b"\n", raw, b"\n")

    def close(self, end: Mapping[str, Any] | None = None) -> None:
        """No more pieces; `end` says what was said of them.

        Raises:
            OSError: if the disk does not take that.
        """
        try:
            if end is not None:
                self._put(json.dumps(end, ensure_ascii=False).encode("utf-8", "replace"), b"\n")
        finally:
            os.close(self._fd)

    def _put(self, *parts: bytes) -> None:
        size = sum(map(len, parts))
        if os.writev(self._fd, parts) != size:
            raise OSError("short write")
        self.size += size


def read_leaf(path: Path) -> Read:
    """What a showing is, its pieces, its end; a half-written last line is left out.

    Raises:
        ValueError: if not even its first line is whole.
    """
    with path.open("rb") as file:
        head = json.loads(file.readline())
        pieces: Pieces = []
        while line := file.readline():
            with suppress(ValueError, TypeError):
                found = json.loads(line)
                if isinstance(found, dict):
                    return Read(head, pieces, found)
                mime, size = found
                raw = file.read(size)
                if len(raw) == size and file.read(1) == b"\n":
                    pieces.append((mime, raw.decode("utf-8")))
                    continue
            break
    return Read(head, pieces, None)


class Journal:
    """A folder of leaves, and how much of it waits."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700, exist_ok=True)
        self._folder = folder
        self.waiting = sum(path.stat().st_size for path in folder.iterdir())

    def open(self, showing_id: str, head: Mapping[str, Any]) -> Leaf | None:
        """A leaf for a showing; None if too much waits, or the disk does not take it."""
        if self.waiting > MAX_WAITING_BYTES:
            return None
        try:
            return Leaf(self._folder / showing_id, head)
        except OSError:
            return None

    def waits(self, leaf: Leaf, end: Mapping[str, Any]) -> None:
        """A leaf is complete and waits to be sent."""
        with suppress(OSError):  # egress review then hears of it as of one that was not done
            leaf.close(end)
        self.waiting += leaf.size

    def drop(self, path: Path) -> None:
        """A leaf is sent, or nobody wants it."""
        with suppress(FileNotFoundError):
            self.waiting -= path.stat().st_size
            path.unlink()
