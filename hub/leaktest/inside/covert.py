"""What another process of the machine does, felt from within: channels between computes, not out of them.

While these run, a process outside locks and opens a file of the data set, fills memory and disk, in turns.
"""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import time
from collections.abc import Callable, Mapping

from hub.leaktest.inside.running import Given, Seen, Tried

_SECONDS = 2.0
_PAUSE = 0.005
_STEP_BYTES = 48 * 1024**2
_libc = ctypes.CDLL(None, use_errno=True)


def _locks(given: Given) -> Seen:
    """Whether somebody else holds a lock on a file that both may read."""
    with open(given["data_file"], "rb") as file:  # noqa: PTH123 - no hub here

        def held() -> int:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return 1
            fcntl.flock(file, fcntl.LOCK_UN)
            return 0

        return _changes(held, 1)


def _opens(given: Given) -> Seen:
    """Events of a file's being opened by somebody else."""
    descriptor = _libc.inotify_init1(os.O_NONBLOCK)
    if descriptor < 0 or _libc.inotify_add_watch(descriptor, given["data_file"].encode(), 0x20) < 0:
        raise OSError(ctypes.get_errno(), "inotify")
    ends, seen = time.monotonic() + _SECONDS, 0
    while time.monotonic() < ends:
        time.sleep(_PAUSE)
        try:
            seen += len(os.read(descriptor, 65536)) // 16
        except BlockingIOError:
            continue
    return seen > 0, f"{seen} events in {_SECONDS:.0f} s"


def _disk(given: Given) -> Seen:
    """Free space of the file system that the project folder shares with all others."""

    def free() -> int:
        found = os.statvfs(given["project"])
        return found.f_bfree * found.f_frsize

    return _changes(free, _STEP_BYTES)


def _memory(_given: Given) -> Seen:
    """Free memory of the machine, by sysinfo(2)."""
    return _changes(lambda: _sysinfo()[0], _STEP_BYTES)


def _load(_given: Given) -> Seen:
    """The machine's load, by sysinfo(2)."""
    load = _sysinfo()[1]
    return load > 0, f"load {load / 65536:.2f}"


def _sysinfo() -> tuple[int, int]:
    """Free bytes, and the load of a minute in 65536ths."""
    room = ctypes.create_string_buffer(256)
    if _libc.sysinfo(room):
        raise OSError(ctypes.get_errno(), "sysinfo")
    numbers = struct.unpack_from("=q3Q2Q", room.raw)
    return numbers[5], numbers[1]


def _changes(look: Callable[[], int], least: int) -> Seen:
    """How often a number changed by at least `least`; even once is not closed."""
    ends, changes, last = time.monotonic() + _SECONDS, 0, look()
    while time.monotonic() < ends:
        time.sleep(_PAUSE)
        now = look()
        if abs(now - last) >= least:
            changes, last = changes + 1, now
    return changes > 0, f"{changes} changes in {_SECONDS:.0f} s"


ATTEMPTS: Mapping[str, Tried] = {
    "locks": _locks,
    "opens": _opens,
    "disk": _disk,
    "memory": _memory,
    "load": _load,
}
