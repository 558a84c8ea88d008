"""How much a folder holds that a hostile process is writing to while it is measured.

Guarantees: no link is followed, no file is opened, and the work is bounded: after `MOST_ENTRIES` entries
the folder counts as too full. Does not guarantee: an exact sum, since the folder changes meanwhile.
"""

from __future__ import annotations

import os
from dataclasses import dataclass

MOST_ENTRIES = 200_000
MOST_DEPTH = 64
_BLOCK = 512
_OPEN = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(slots=True)
class FolderSize:
    """What was counted; `overflowed` if there was more than may be counted."""

    bytes: int = 0
    entries: int = 0
    overflowed: bool = False

    def exceeds(self, limit_bytes: int) -> bool:
        """Whether it is more than a limit, or more than could be counted."""
        return self.overflowed or self.bytes > limit_bytes


def measure(path: str, most_entries: int = MOST_ENTRIES) -> FolderSize:
    """Count the blocks that a folder holds on disk; a file with several names counts once for each."""
    size = FolderSize()
    try:
        descriptor = os.open(path, _OPEN)
    except OSError:
        return size
    _add(descriptor, size, most_entries, 0)
    return size


def _add(descriptor: int, size: FolderSize, most_entries: int, depth: int) -> None:
    """Add one open folder, and close it."""
    try:
        with os.scandir(descriptor) as entries:
            for entry in entries:
                size.entries += 1
                if size.entries > most_entries or depth > MOST_DEPTH:
                    size.overflowed = True
                    return
                _add_entry(entry, descriptor, size, most_entries, depth)
    except OSError:
        return
    finally:
        os.close(descriptor)


def _add_entry(entry: os.DirEntry[str], parent: int, size: FolderSize, most_entries: int, depth: int) -> None:
    try:
        size.bytes += entry.stat(follow_symlinks=False).st_blocks * _BLOCK
        if entry.is_dir(follow_symlinks=False):
            _add(os.open(entry.name, _OPEN, dir_fd=parent), size, most_entries, depth + 1)
    except OSError:  # gone, or no longer a folder
        return
