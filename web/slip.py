"""What a session server has left of the bytes that egress review lent it, on disk for whoever outlives it.

Guarantees: what `read_slip` finds is what the last `Slip.keep` wrote, whenever its process was killed; a full
disk is no hindrance, since the file has its room from the start. After a power cut it may be older, or
unreadable, and an unreadable one says that nothing is left.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from pathlib import Path

__all__ = ["SLIP", "Left", "Slip", "read_slip"]

SLIP = "lent.json"
"""Name of the file in a session server's own folder."""
_ROOM = 4096
_MOST_LEASES = 32

Left = tuple[str, int, int]
"""Id of a lease, and bytes of output and of the page that are left of it."""


class Slip:
    """A small file, written over in place by single calls.

    Raises:
        OSError: if there is no room for it.
    """

    def __init__(self, path: Path) -> None:
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        self._fd = os.open(path, flags, 0o600)
        os.posix_fallocate(self._fd, 0, _ROOM)

    def keep(self, lefts: Iterable[Left]) -> None:
        """Write down what is left, of as many leases as there is room for.

        Raises:
            OSError: if the disk does not take it.
        """
        written = json.dumps(list(lefts)[:_MOST_LEASES]).encode()
        os.pwrite(self._fd, written.ljust(_ROOM), 0)

    def close(self) -> None:
        """Give the file back."""
        os.close(self._fd)


def read_slip(path: Path) -> list[Left]:
    """What a session server left; nothing if there is no such file, or it cannot be read."""
    try:
        return [(str(lease), int(output), int(page)) for lease, output, page in json.loads(path.read_bytes())]
    except (OSError, TypeError, ValueError):
        return []
