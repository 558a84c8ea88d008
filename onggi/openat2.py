"""The system call `openat2`, which Python's `os` does not have.

Guarantees: the kernel itself, in one step and without a race, resolves a name strictly below a directory and
through no link of any kind. There is no fallback: a kernel without it (before Linux 5.6, or a container
filter that hides it) is refused.

Source: openat2(2); linux/openat2.h.
"""

from __future__ import annotations

import ctypes
import errno
import os

from onggi.errors import Unavailable
from onggi.reasons import Reason

__all__ = ["open_at"]

_SYS_OPENAT2 = 437  # the same number on every architecture but alpha
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_RESOLVE = _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS
_ALWAYS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_MISSING = frozenset({errno.ENOSYS, errno.E2BIG})


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


_libc = ctypes.CDLL(None, use_errno=True)
_libc.syscall.restype = ctypes.c_long


def open_at(directory: int, relative: bytes, flags: int) -> int:
    """A descriptor of `relative` below the open `directory`; close-on-exec and never blocking.

    Args:
        directory: descriptor of a directory; O_PATH is enough.
        relative: checked name (`onggi.safe_names.check_name`), or `.`.
        flags: as for `os.open`; what follows no link is added. Not for creating files.

    Raises:
        OSError: ELOOP for a link on the way, EXDEV for a way out, and whatever open(2) raises.
        Unavailable: KERNEL_TOO_OLD where the kernel does not offer the call.
    """
    # O_PATH admits no other flag that opens something.
    wanted = flags | (os.O_NOFOLLOW | os.O_CLOEXEC if flags & os.O_PATH else _ALWAYS)
    how = _OpenHow(flags=wanted, mode=0, resolve=_RESOLVE)
    descriptor = _libc.syscall(
        ctypes.c_long(_SYS_OPENAT2),
        ctypes.c_int(directory),
        ctypes.c_char_p(relative),
        ctypes.byref(how),
        ctypes.c_size_t(ctypes.sizeof(how)),
    )
    if descriptor >= 0:
        return int(descriptor)
    code = ctypes.get_errno()
    if code in _MISSING:
        raise Unavailable(Reason.KERNEL_TOO_OLD, call="openat2")
    raise OSError(code, os.strerror(code))
