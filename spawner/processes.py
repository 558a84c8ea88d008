"""Reading `/proc`: who descends from whom, and how much memory they hold.

Everything in a box descends from its first process (orphans return to it), so a box cannot hide a process.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from pathlib import Path

Parents = Mapping[int, int]
_KIB = 1024


def parents() -> Parents:
    """The parent of every process of the machine."""
    found: dict[int, int] = {}
    for name in os.listdir("/proc"):  # noqa: PTH208 - a Path for each process each second is waste
        if name.isdigit():
            with contextlib.suppress(OSError, ValueError, IndexError):
                after_name = Path("/proc", name, "stat").read_bytes().rpartition(b") ")[2]
                found[int(name)] = int(after_name.split()[1])
    return found


def children(pid: int, table: Parents) -> list[int]:
    """The direct children of a process."""
    return [child for child, parent in table.items() if parent == pid]


def descendants(pid: int, table: Parents) -> list[int]:
    """Children, their children, and so on; the process itself is not among them."""
    by_parent: dict[int, list[int]] = {}
    for child, parent in table.items():
        by_parent.setdefault(parent, []).append(child)
    found, waiting = [], [pid]
    while waiting:
        next_ones = by_parent.get(waiting.pop(), [])
        found += next_ones
        waiting += next_ones
    return found


def resident_bytes(pid: int) -> int:
    """Private memory of a process that is in RAM; pages shared after a fork count for each who has them."""
    return _field(pid, "status", b"RssAnon:")


def proportional_bytes(pid: int) -> int:
    """As `resident_bytes`, but a shared page is divided among those who have it. Costs milliseconds."""
    return _field(pid, "smaps_rollup", b"Pss_Anon:")


def tmpfs_bytes(pid: int, targets: Iterable[str]) -> int:
    """What is used of the folders in memory that a process sees."""
    total = 0
    for target in targets:
        with contextlib.suppress(OSError):
            usage = os.statvfs(f"/proc/{pid}/root{target}")
            total += (usage.f_blocks - usage.f_bfree) * usage.f_frsize
    return total


def _field(pid: int, file: str, name: bytes) -> int:
    with contextlib.suppress(OSError):
        for line in Path("/proc", str(pid), file).read_bytes().splitlines():
            if line.startswith(name):
                return int(line.split()[1]) * _KIB
    return 0
