"""What running servers take: memory and processor time of the processes that are named, kernels left out."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from dataclasses import dataclass

import psutil

_MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Memory:
    """Of some processes, in MiB.

    Attributes:
        rss: resident; pages that processes share count once for each.
        pss: the same with shared pages divided among all processes on the machine that share them.
    """

    rss: float
    pss: float


def python_processes(*words: str) -> set[int]:
    """Python processes under this one with all these words in their command line."""
    found = set()
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.Error):
            line = process.cmdline()
            if line and "python" in line[0] and all(word in " ".join(line) for word in words):
                found.add(process.pid)
    return found


def memory(pids: Iterable[int]) -> Memory:
    """What they hold together."""
    found = [psutil.Process(pid).memory_full_info() for pid in pids]
    return Memory(sum(one.rss for one in found) / _MIB, sum(one.pss for one in found) / _MIB)


def processor_seconds(pids: Iterable[int]) -> float:
    """Processor time that they have taken so far, of both the program and the system for it."""
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(one.user + one.system for one in times)
