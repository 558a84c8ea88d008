"""The system call `openat2`, which Python's `os` does not have, and folders opened with it.

Guarantees: the kernel itself, in one step and without a race, resolves a name strictly below a directory and
through no link of any kind. There is no fallback: a kernel without it (before Linux 5.6, or a container
filter that hides it) is refused.

Source: openat2(2); linux/openat2.h.
"""

from __future__ import annotations

import contextlib
import ctypes
import errno
import os
from collections.abc import Iterator
from pathlib import Path

from onggi.errors import Conflict, Invalid, NotFound, OnggiError, Refused, Unavailable
from onggi.reasons import Reason
from onggi.safe_names import check_name, shown

__all__ = ["as_reasons", "folder_beneath", "open_at", "parent_beneath"]

_SYS_OPENAT2 = 437  # the same number on every architecture but alpha
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_RESOLVE = _RESOLVE_BENEATH | _RESOLVE_NO_SYMLINKS | _RESOLVE_NO_MAGICLINKS
_ALWAYS = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_FOLDER = os.O_RDONLY | os.O_DIRECTORY
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


@contextlib.contextmanager
def folder_beneath(root: Path, relative: str, flags: int = _FOLDER) -> Iterator[int]:
    """A descriptor of a folder below `root`."""
    top = os.open(root, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        folder = open_at(top, check_name(relative).encode() if relative else b".", flags)
    finally:
        os.close(top)
    try:
        yield folder
    finally:
        os.close(folder)


@contextlib.contextmanager
def parent_beneath(root: Path, relative: str) -> Iterator[tuple[int, str]]:
    """The folder that holds a name, and the name's last component."""
    parent, _, last = check_name(relative).rpartition("/")
    with folder_beneath(root, parent) as folder:
        yield folder, last


_ERRORS: dict[int, tuple[type[OnggiError], Reason]] = {
    errno.EACCES: (Refused, Reason.FILE_NOT_READABLE),
    errno.EPERM: (Refused, Reason.FILE_NOT_READABLE),
    errno.EAGAIN: (Conflict, Reason.FILE_CHANGED_WHILE_COPIED),
    errno.EDQUOT: (Unavailable, Reason.DISK_FULL),
    errno.EEXIST: (Conflict, Reason.FILE_EXISTS),
    errno.EINVAL: (Invalid, Reason.FILE_NAME_REFUSED),
    errno.EISDIR: (Invalid, Reason.FILE_NOT_REGULAR),
    errno.ELOOP: (Refused, Reason.FILE_LINK_REFUSED),
    errno.ENAMETOOLONG: (Invalid, Reason.FILE_NAME_REFUSED),
    errno.ENODEV: (Invalid, Reason.FILE_NOT_REGULAR),
    errno.ENOENT: (NotFound, Reason.FILE_NOT_FOUND),
    errno.ENOSPC: (Unavailable, Reason.DISK_FULL),
    errno.ENOTDIR: (Invalid, Reason.FILE_NOT_REGULAR),
    errno.ENOTEMPTY: (Conflict, Reason.DIRECTORY_NOT_EMPTY),
    errno.ENXIO: (Invalid, Reason.FILE_NOT_REGULAR),
    errno.EXDEV: (Refused, Reason.FILE_OUTSIDE_PROJECT),
}


@contextlib.contextmanager
def as_reasons(relative: str) -> Iterator[None]:
    """Turn what the kernel says about a hostile name into a reason; what is not foreseen stays an OSError."""
    try:
        yield
    except OSError as error:
        kind, reason = _ERRORS.get(error.errno or 0, (None, None))
        if kind is None or reason is None:
            raise
        raise kind(reason, name=shown(relative), path=shown(relative)) from error
