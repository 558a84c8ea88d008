"""System calls by number, as a hostile program makes them; what they answer is the kernel's own word."""

from __future__ import annotations

import ctypes
import errno
import os
import platform
from collections.abc import Callable, Mapping
from typing import Any

from hub.leaktest.inside.running import Given, Seen, Tried

_X86 = platform.machine() == "x86_64"
_NUMBERS: Mapping[str, tuple[int, int]] = {  # x86_64, aarch64
    "bpf": (321, 280),
    "chroot": (161, 51),
    "getpid": (39, 172),
    "io_uring_setup": (425, 425),
    "keyctl": (250, 219),
    "memfd_create": (319, 279),
    "mount": (165, 40),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "perf_event_open": (298, 241),
    "pidfd_open": (434, 434),
    "process_vm_readv": (310, 270),
    "ptrace": (101, 117),
    "setns": (308, 268),
    "unshare": (272, 97),
    "userfaultfd": (323, 282),
}
_NEW_USER, _NEW_NS, _NEW_NET = 0x1000_0000, 0x0002_0000, 0x4000_0000
_libc = ctypes.CDLL(None, use_errno=True)


def call(name: str, *arguments: Any) -> int:
    """A system call by its number.

    Raises:
        OSError: with the kernel's errno.
    """
    number = _NUMBERS[name][0 if _X86 else 1]
    typed = [ctypes.c_long(one) if isinstance(one, int) else one for one in arguments]
    ctypes.set_errno(0)
    answer = int(_libc.syscall(ctypes.c_long(number), *typed))
    if answer < 0:
        raise OSError(ctypes.get_errno(), name)
    return answer


def _works(_given: Given) -> Seen:
    """The control of all the others: a call that is allowed says what it should."""
    return call("getpid") == os.getpid(), "getpid"


def _namespace(_given: Given) -> Seen:
    call("unshare", _NEW_USER | _NEW_NS)
    return True, "made"


def _mount(_given: Given) -> Seen:
    """A file system of one's own over a folder, in a namespace of one's own if that is to be had."""
    _in_own_namespace()
    call("mount", b"none", b"/tmp", b"tmpfs", 0, None)
    return True, "mounted"


def _chroot(_given: Given) -> Seen:
    _in_own_namespace()
    call("chroot", b"/tmp")
    return True, "changed"


def _setns(_given: Given) -> Seen:
    """Into one's own network namespace again: only a wall refuses that to its owner."""
    _in_own_namespace(_NEW_NET)
    descriptor = os.open("/proc/self/ns/net", os.O_RDONLY)
    call("setns", descriptor, 0)
    return True, "entered"


def _in_own_namespace(more: int = 0) -> None:
    try:
        call("unshare", _NEW_USER | _NEW_NS | more)
    except OSError:
        return  # then the call itself is tried without


def _ptrace(given: Given) -> Seen:
    """Attach to a process of the machine, and to one's own child."""
    return _to_others(given, lambda pid: call("ptrace", 0x4206, pid, 0, 0))  # PTRACE_SEIZE


def _read_memory(given: Given) -> Seen:
    local = ctypes.create_string_buffer(16)
    words = (ctypes.c_void_p * 2)(ctypes.addressof(local), 16)
    far = (ctypes.c_void_p * 2)(ctypes.addressof(local), 16)
    return _to_others(given, lambda pid: call("process_vm_readv", pid, words, 1, far, 1, 0))


def _to_others(given: Given, act: Callable[[int], object]) -> Seen:
    said = []
    child = os.fork()
    if not child:
        import time

        time.sleep(5)
        os._exit(0)
    for pid in (given["sentinel_pid"], child):
        try:
            act(pid)
            return True, "allowed"
        except OSError as error:
            said.append(errno.errorcode.get(error.errno or 0, "error"))
    return False, " ".join(said)


def _signal(given: Given) -> Seen:
    os.kill(given["sentinel_pid"], 0)
    with open(f"/proc/{given['sentinel_pid']}/cmdline", "rb") as file:  # noqa: PTH123 - no hub here
        return given["sentinel"].encode() in file.read(), "signalled"


def _pidfd(given: Given) -> Seen:
    call("pidfd_open", given["sentinel_pid"], 0)
    return True, "opened"


def _io_uring(_given: Given) -> Seen:
    parameters = ctypes.create_string_buffer(120)
    return call("io_uring_setup", 4, parameters) >= 0, "made"


def _keyring(given: Given) -> Seen:
    """A key that somebody outside left in the user's key ring."""
    search = 10
    call("keyctl", search, -4, b"user", given["key"].encode(), 0)
    return True, "found"


def _bpf(_given: Given) -> Seen:
    attributes = (ctypes.c_uint32 * 32)(2, 4, 4, 1)  # an array map of one entry
    call("bpf", 0, attributes, 128)
    return True, "made"


def _perf(_given: Given) -> Seen:
    attributes = (ctypes.c_uint32 * 32)(1, 128)  # a software event that counts processor time
    attributes[10] = 0b110_0000  # exclude_kernel, exclude_hv
    call("perf_event_open", attributes, 0, -1, -1, 0)
    return True, "opened"


def _userfault(_given: Given) -> Seen:
    user_mode_only = 1
    call("userfaultfd", user_mode_only)
    return True, "made"


def _memfd(_given: Given) -> Seen:
    call("memfd_create", b"leaktest", 0)
    return True, "made"


def _handle(_given: Given) -> Seen:
    """Files by handle, which passes by the tree of names."""
    handle = (ctypes.c_uint32 * 40)(128)
    where = ctypes.c_int(0)
    call("name_to_handle_at", -100, b"/usr", handle, ctypes.byref(where), 0)
    return True, "named"


ATTEMPTS: Mapping[str, Tried] = {
    "works": _works,
    "namespace": _namespace,
    "mount": _mount,
    "chroot": _chroot,
    "setns": _setns,
    "ptrace": _ptrace,
    "read_memory": _read_memory,
    "signal": _signal,
    "pidfd": _pidfd,
    "io_uring": _io_uring,
    "keyring": _keyring,
    "bpf": _bpf,
    "perf": _perf,
    "userfaultfd": _userfault,
    "memfd": _memfd,
    "handle": _handle,
}
