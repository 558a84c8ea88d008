"""What a box may use, and by what each limit is held.

Guarantees: processes and threads of the box together (kernel ≥ 5.14 counts them per user namespace, so
boxes do not disturb each other), descriptors per process, bytes per file and private memory per process are
held by rlimits that are set inside the box, hard, before the first hostile instruction. With a cgroup the
memory, the processes and the processor time of the whole box are held by the kernel. A box that steps back
(`nice`) leaves the processors to those that do not, whenever both want them.

Does not guarantee, without a cgroup: the memory of all processes together (somebody has to watch:
`spawner.watch`), or the share of processor time beyond the choice of processors: hostile code can take its
stepping back away again where the kernel groups processes by session (autogroup). The bytes of a bound
folder are never held here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

NICE = "/usr/bin/nice"
PRLIMIT = "/usr/bin/prlimit"
ADDRESS_SPACE_FACTOR = 4
"""Libraries reserve far more address space than they touch (64 MiB an arena, 8 MiB a thread)."""
BEHIND_SERVERS = 10
"""How far hostile work steps back: one that computes without end takes a tenth of what a server may have."""
AUTOGROUP = Path("/proc/self/autogroup")
"""Where a session's own niceness stands, if the kernel groups processes by session (sched(7))."""


class HeldBy(StrEnum):
    """What makes a limit hold; the first two are the kernel's word for the whole box."""

    CGROUP2 = "cgroup2"
    CGROUP1 = "cgroup1"
    RLIMIT = "rlimit"
    AFFINITY = "affinity"
    WATCHED = "watched"
    NONE = "none"


Held = Mapping[str, HeldBy]
"""By the names `memory`, `processes`, `open_files`, `disk` and `cpu`."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Upper bounds; None leaves one open.

    Attributes:
        memory_bytes: per process as RLIMIT_DATA, and of the whole box where a cgroup holds it.
        cpus: processor cores' worth of time; needs a cgroup.
        processes: processes and threads of the whole box.
        open_files: descriptors per process.
        file_bytes: size of any one file that is written.
        nice: how far the box steps back when processors are short, 0 (not) to 19 (nice(2)).
    """

    memory_bytes: int | None = None
    cpus: int | None = None
    processes: int | None = None
    open_files: int | None = None
    file_bytes: int | None = None
    nice: int = 0


def nice_argv(limits: Limits) -> list[str]:
    """The command that steps back, with all that it will start, and becomes the command that follows."""
    return [NICE, "-n", str(limits.nice)] if limits.nice else []


def prlimit_argv(limits: Limits) -> list[str]:
    """The command that sets the rlimits, hard and soft, and then becomes the command that follows."""
    values = {
        "core": 0,
        "data": limits.memory_bytes,
        "as": None if limits.memory_bytes is None else ADDRESS_SPACE_FACTOR * limits.memory_bytes,
        "nproc": limits.processes,
        "nofile": limits.open_files,
        "fsize": limits.file_bytes,
    }
    return [PRLIMIT, *(f"--{name}={value}" for name, value in values.items() if value is not None)]


def held_by_rlimits(limits: Limits, *, pinned: bool) -> dict[str, HeldBy]:
    """By what each limit is held when there is no cgroup.

    Args:
        pinned: whether the box is kept to chosen processors.
    """

    def rlimit(value: int | None) -> HeldBy:
        return HeldBy.NONE if value is None else HeldBy.RLIMIT

    return {
        "memory": rlimit(limits.memory_bytes),
        "processes": rlimit(limits.processes),
        "open_files": rlimit(limits.open_files),
        "disk": HeldBy.NONE,
        "cpu": HeldBy.AFFINITY if pinned else HeldBy.NONE,
    }
