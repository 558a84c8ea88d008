"""Landlock: a second wall, inside the box, that a process builds around itself and its children.

Guarantees, where the kernel has it (ABI ≥ 2): after `Domain.enter` the process reaches files only beneath
the named folders; with ABI ≥ 6 it can signal only processes of its own domain and reach only their abstract
sockets. Not even our own mistakes in a list of binds change that.

Does not guarantee: anything about connecting to a socket that has a path, or about TCP (kernels need their
own loopback for Dask; the network namespace closes the rest).

Source: Linux `Documentation/userspace-api/landlock.rst`.
"""

from __future__ import annotations

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from dataclasses import dataclass

WITH_REFER, WITH_TRUNCATE, WITH_NETWORK, WITH_IOCTL_DEV, WITH_SCOPES = 2, 3, 4, 5, 6
"""The versions that brought something new."""
LEAST_ABI = WITH_REFER
"""Before it, no file can be moved from one folder to another."""
_CREATE, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_ASK_VERSION = 1
_RULE_PATH_BENEATH = 1
_NO_NEW_PRIVS = 38
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1, 2, 4, 8
_TRUNCATE, _IOCTL_DEV = 1 << 14, 1 << 15
_SCOPE_ABSTRACT_SOCKETS, _SCOPE_SIGNALS = 1, 2
_ON_A_FILE = _EXECUTE | _WRITE_FILE | _READ_FILE | _TRUNCATE | _IOCTL_DEV
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class Domain:
    """A set of rules, ready to be entered. `descriptor` is to be closed by `close` when no longer wanted."""

    descriptor: int

    def enter(self) -> None:
        """Wall in this process for good; safe between fork and exec.

        Raises:
            OSError: if the kernel refuses.
        """
        if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0) != 0:
            raise OSError(ctypes.get_errno(), "no_new_privs")
        _call(_RESTRICT_SELF, self.descriptor, 0)

    def close(self) -> None:
        """Forget the rules; who has entered stays walled in."""
        os.close(self.descriptor)


def abi() -> int:
    """The version that the kernel speaks; 0 if it has none."""
    try:
        return _call(_CREATE, None, 0, _ASK_VERSION)
    except OSError:
        return 0


def usable() -> bool:
    """Whether the kernel's version is one that we can use."""
    return abi() >= LEAST_ABI


def prepare(readable: Iterable[str], writable: Iterable[str]) -> Domain:
    """Rules that allow reading and executing beneath some paths, and everything beneath others.

    Paths that do not exist are passed over: what is not there cannot be reached either.

    Raises:
        OSError: if the kernel has no usable Landlock or refuses.
    """
    version = abi()
    if version < LEAST_ABI:
        raise OSError("landlock is not usable")
    all_rights = _rights(version)
    scopes = _SCOPE_ABSTRACT_SOCKETS | _SCOPE_SIGNALS if version >= WITH_SCOPES else 0
    attributes = struct.pack("=QQQ", all_rights, 0, scopes)[: _size(version)]
    domain = Domain(_call(_CREATE, attributes, len(attributes), 0))
    try:
        for path in readable:
            _allow(domain, path, (_EXECUTE | _READ_FILE | _READ_DIR) & all_rights)
        for path in writable:
            _allow(domain, path, all_rights)
    except OSError:
        domain.close()
        raise
    return domain


def _rights(version: int) -> int:
    """All file rights of a version: 13 from the start, then refer, truncate, and (version 5) device ioctl."""
    bits = 13 + sum(version >= first for first in (WITH_REFER, WITH_TRUNCATE, WITH_IOCTL_DEV))
    return (1 << bits) - 1


def _size(version: int) -> int:
    """How much of `struct landlock_ruleset_attr` a version knows, in bytes."""
    if version < WITH_NETWORK:
        return 8
    return 16 if version < WITH_SCOPES else 24


def _allow(domain: Domain, path: str, rights: int) -> None:
    try:
        descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    try:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= _ON_A_FILE
        rule = struct.pack("=Qi", rights, descriptor)
        _call(_ADD_RULE, domain.descriptor, _RULE_PATH_BENEATH, rule, 0)
    finally:
        os.close(descriptor)


def _call(number: int, *arguments: int | bytes | None) -> int:
    result = int(_libc.syscall(ctypes.c_long(number), *map(_argument, arguments)))
    if result < 0:
        raise OSError(ctypes.get_errno(), f"landlock call {number}")
    return result


def _argument(value: int | bytes | None) -> ctypes.c_long | ctypes.c_char_p | ctypes.c_void_p:
    if isinstance(value, int):
        return ctypes.c_long(value)
    return ctypes.c_char_p(value) if value is not None else ctypes.c_void_p(None)
