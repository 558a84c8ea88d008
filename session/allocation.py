"""How this process holds memory: large pieces go back when they are done, and heaps are few.

A notebook of 5 MB is held a dozen times while it is opened. glibc keeps what was once freed for the next of
that size, for each thread apart; without this the server stays 40 MiB larger after a few.
"""

from __future__ import annotations

import ctypes
import gc

__all__ = ["bound_heaps", "keep_start"]

_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX = -1, -3, -8
_LARGE_BYTES = 256 * 1024
_HEAPS = 2


def bound_heaps() -> None:
    """Before the first thread starts: what is large is mapped by itself, heaps are few and are trimmed.

    Source: mallopt(3). Another C library has no such call, or takes it and does nothing.
    """
    tune = getattr(ctypes.CDLL(None), "mallopt", None)
    if tune is not None:
        tune(_MMAP_THRESHOLD, _LARGE_BYTES)
        tune(_TRIM_THRESHOLD, _LARGE_BYTES)
        tune(_ARENA_MAX, _HEAPS)


def keep_start() -> None:
    """What the start made stays: collecting garbage would go through all of it, for a tenth of a second."""
    gc.collect()
    gc.freeze()
