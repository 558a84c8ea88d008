"""Limits that the kernel does not hold here, held by looking once a second.

Guarantees: a compute whose processes together go over its memory loses its largest process within about two
seconds, and all of its kernels if that does not help; one that makes its project folder grow beyond its
quota loses its kernels within about ten seconds; deleting files is always possible.

Does not guarantee: that a limit is never passed for a moment. `Held` says `watched` for these.
"""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from spawner import processes
from spawner.folder_size import FolderSize
from spawner.processes import Parents

MOST_RUNTIME_BYTES = 16 * 1024**2
"""Of the folder that holds the kernels' sockets and connection files."""
MOST_RUNTIME_ENTRIES = 4096
PATIENCE = 3
"""How many looks in a row over the limit, before everything is killed instead of the largest."""


class Incident(StrEnum):
    """What a compute did that had to be stopped."""

    MEMORY = "memory"
    DISK = "disk"
    RUNTIME_FOLDER = "runtime_folder"


@dataclass(slots=True)
class MemoryWatch:
    """Watches the memory of one compute.

    Attributes:
        root: the box's first process.
        limit_bytes: of private memory and of folders in memory together.
        folders: the folders in memory.
    """

    root: int
    limit_bytes: int
    folders: Sequence[str]
    _over: int = field(default=0, init=False)

    def look(self, table: Parents) -> bool:
        """Whether something had to be killed."""
        pids = processes.descendants(self.root, table)
        if not pids or self._measure(pids, exact=False) <= self.limit_bytes:
            self._over = 0
            return False
        if self._measure(pids, exact=True) <= self.limit_bytes:
            return False
        self._over += 1
        kernels = _not_the_agent(self.root, pids, table)
        if self._over >= PATIENCE:
            kill(kernels)
        else:
            kill(sorted(kernels, key=processes.resident_bytes)[-1:])
        return True

    def _measure(self, pids: Sequence[int], *, exact: bool) -> int:
        one = processes.proportional_bytes if exact else processes.resident_bytes
        return sum(map(one, pids)) + processes.tmpfs_bytes(pids[0], self.folders)


@dataclass(slots=True)
class DiskWatch:
    """Watches the folders of one compute. `limit_bytes` is the quota of the project folder."""

    root: int
    limit_bytes: int
    _before: int = field(default=0, init=False)

    def look(self, project: FolderSize, runtime: FolderSize, table: Parents) -> Incident | None:
        """What had to be stopped, if anything."""
        grown = project.bytes > self._before or project.overflowed
        self._before = project.bytes
        if runtime.exceeds(MOST_RUNTIME_BYTES):
            kill(_not_the_agent(self.root, processes.descendants(self.root, table), table))
            return Incident.RUNTIME_FOLDER
        if project.exceeds(self.limit_bytes) and grown:
            kill(_not_the_agent(self.root, processes.descendants(self.root, table), table))
            return Incident.DISK
        return None


def kill(pids: Sequence[int]) -> None:
    """Kill processes; those that have ended meanwhile are passed over."""
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def _not_the_agent(root: int, pids: Sequence[int], table: Parents) -> list[int]:
    """Without the first command of the box, which is the agent; orphans, which return to the root, have
    higher numbers.
    """
    agent = min(processes.children(root, table), default=0)
    return [pid for pid in pids if pid != agent]
