"""The system-call filter of every box, written as classic BPF at run time.

Guarantees, by the kernel, for everything that runs in a box: no call on the lists below does anything;
sockets exist only as AF_UNIX, as TCP and UDP of AF_INET and AF_INET6, and as the routing kind of AF_NETLINK
(so no vsock, packet, raw, AF_ALG or Bluetooth sockets); no new namespaces; no key strokes pushed into a
terminal; no calls of another processor mode (i386, x32); no call newer than the list.

Does not guarantee: anything about files or about where an AF_INET packet goes (the namespaces do that), and
it is not an allow-list: an old call that nobody thought of passes.
"""

from __future__ import annotations

import errno
import platform
import struct
from collections.abc import Iterable
from dataclasses import dataclass, field

from onggi.errors import Unavailable
from onggi.reasons import Reason
from onggi.sandbox.syscalls import AUDIT_ARCH, NEWEST_KNOWN, number

REFUSED = (
    # other processes, and memory that is not one's own
    "kcmp", "pidfd_getfd", "process_madvise", "process_vm_readv", "process_vm_writev", "ptrace",
    "userfaultfd",
    # namespaces, mounts and the root of the file system
    "chroot", "fsconfig", "fsmount", "fsopen", "fspick", "listmount", "mount", "mount_setattr", "move_mount",
    "open_tree", "pivot_root", "setns", "statmount", "umount2", "unshare",
    # files by handle, which passes by the tree of names
    "fanotify_init", "fanotify_mark", "lookup_dcookie", "name_to_handle_at", "open_by_handle_at",
    # large and young parts of the kernel
    "bpf", "io_uring_enter", "io_uring_register", "io_uring_setup", "perf_event_open",
    # key rings, which are not in any namespace
    "add_key", "keyctl", "request_key",
    # the machine itself
    "_sysctl", "acct", "adjtimex", "clock_adjtime", "clock_settime", "delete_module", "finit_module",
    "init_module", "ioperm", "iopl", "kexec_file_load", "kexec_load", "modify_ldt", "nfsservctl",
    "personality", "quotactl", "quotactl_fd", "reboot", "setdomainname", "sethostname", "settimeofday",
    "swapoff", "swapon", "sysfs", "syslog", "uselib", "ustat", "vhangup",
    # which processors and which memory: the share of CPUs is held by affinity where there is no cgroup
    # (sched_setscheduler stays: ZeroMQ aborts without it, and RLIMIT_RTPRIO refuses what matters)
    "get_mempolicy", "mbind", "migrate_pages", "move_pages", "sched_setaffinity", "sched_setattr",
    "set_mempolicy", "set_mempolicy_home_node",
)  # fmt: skip
"""Answered with EPERM."""

ABSENT = (
    "clone3",  # its flags lie in memory, where a filter cannot look; libc falls back to clone
    "memfd_create", "memfd_secret", "msgget", "semget", "shmget",  # memory that no limit of a process counts
)  # fmt: skip
"""Answered with ENOSYS, so that libraries fall back."""

NEW_NAMESPACE_FLAGS = 0x7E02_0000
"""CLONE_NEWNS | NEWCGROUP | NEWUTS | NEWIPC | NEWUSER | NEWPID | NEWNET (`linux/sched.h`)."""
TERMINAL_INPUT_IOCTLS = (0x5412, 0x541C)
"""TIOCSTI and TIOCLINUX."""
AF_UNIX, AF_INET, AF_INET6, AF_NETLINK = 1, 2, 10, 16
NETLINK_ROUTE = 0
"""Lists the interfaces of the box's own network; ZeroMQ aborts where that is impossible."""
STREAM_AND_DATAGRAM = (1, 2)
ANY_TCP_UDP = (0, 6, 17)
SOCK_TYPE_MASK = 0xF
LONGEST_JUMP = 255

_ALLOW = 0x7FFF_0000
_KILL = 0x8000_0000
_ERRNO = 0x0005_0000
_LOAD, _JUMP_EQUAL, _JUMP_GREATER, _JUMP_SET, _AND, _RETURN = 0x20, 0x15, 0x25, 0x45, 0x54, 0x06
_NR, _ARCH, _ARGS = 0, 4, 16
_NEXT = ""


@dataclass(slots=True)
class Assembler:
    """Classic BPF with named places to jump to; jumps go forward only, as the kernel demands."""

    _code: list[tuple[int, int, str, str]] = field(default_factory=list)
    _places: dict[str, int] = field(default_factory=dict)

    def load(self, offset: int) -> None:
        """Take the 32-bit word at `offset` of `struct seccomp_data`."""
        self._code.append((_LOAD, offset, _NEXT, _NEXT))

    def load_argument(self, index: int) -> None:
        """Take the low half of argument `index`; the calls judged here read an `int` there."""
        self.load(_ARGS + 8 * index)

    def mask(self, bits: int) -> None:
        """Keep only these bits of the word."""
        self._code.append((_AND, bits, _NEXT, _NEXT))

    def jump(self, test: int, value: int, *, true: str = _NEXT, false: str = _NEXT) -> None:
        """Compare the word with `value` and go on at one of two places."""
        self._code.append((test, value, true, false))

    def answer(self, verdict: int) -> None:
        """End with a verdict."""
        self._code.append((_RETURN, verdict, _NEXT, _NEXT))

    def place(self, name: str) -> None:
        """Name the next instruction."""
        self._places[name] = len(self._code)

    def assemble(self) -> bytes:
        """The program as `struct sock_filter[]`.

        Raises:
            ValueError: if a jump is longer than 255 instructions or goes back.
        """
        return b"".join(
            struct.pack("=HBBI", code, self._distance(at, true), self._distance(at, false), value)
            for at, (code, value, true, false) in enumerate(self._code)
        )

    def _distance(self, at: int, place: str) -> int:
        if place == _NEXT:
            return 0
        distance = self._places[place] - at - 1
        if not 0 <= distance <= LONGEST_JUMP:
            raise ValueError(f"jump of {distance} instructions to {place}")
        return distance


def program(machine: str | None = None) -> bytes:
    """The filter for a processor, this machine's if none is named.

    Raises:
        Unavailable: if there is no table for the processor.
    """
    machine = machine or platform.machine()
    if machine not in AUDIT_ARCH:
        raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding="processor_unknown")
    code = Assembler()
    code.load(_ARCH)
    code.jump(_JUMP_EQUAL, AUDIT_ARCH[machine], false="kill")
    code.load(_NR)
    code.jump(_JUMP_GREATER, NEWEST_KNOWN, true="absent")  # x32 calls carry bit 30, so they end here too
    for name in ("socket", "socketpair", "clone", "ioctl"):
        code.jump(_JUMP_EQUAL, _present(machine, name), true=name)
    for call in _numbers(machine, ABSENT):
        code.jump(_JUMP_EQUAL, call, true="absent")
    for call in _numbers(machine, REFUSED):
        code.jump(_JUMP_EQUAL, call, true="refuse")
    code.answer(_ALLOW)
    _judge_arguments(code)
    code.place("allow")
    code.answer(_ALLOW)
    code.place("refuse")
    code.answer(_ERRNO | errno.EPERM)
    code.place("no_family")
    code.answer(_ERRNO | errno.EAFNOSUPPORT)
    code.place("absent")
    code.answer(_ERRNO | errno.ENOSYS)
    code.place("kill")
    code.answer(_KILL)
    return code.assemble()


def _judge_arguments(code: Assembler) -> None:
    """The calls whose answer depends on what they are called with."""
    code.place("socket")
    code.place("socketpair")
    code.load_argument(0)
    code.jump(_JUMP_EQUAL, AF_UNIX, true="allow")
    code.jump(_JUMP_EQUAL, AF_INET, true="internet")
    code.jump(_JUMP_EQUAL, AF_INET6, true="internet")
    code.jump(_JUMP_EQUAL, AF_NETLINK, false="no_family")
    code.load_argument(2)
    code.jump(_JUMP_EQUAL, NETLINK_ROUTE, true="allow", false="no_family")
    code.place("internet")
    code.load_argument(1)
    code.mask(SOCK_TYPE_MASK)
    _one_of(code, STREAM_AND_DATAGRAM, found="plain", otherwise="refuse")
    code.place("plain")
    code.load_argument(2)
    _one_of(code, ANY_TCP_UDP, found="allow", otherwise="refuse")
    code.place("clone")
    code.load_argument(0)
    code.jump(_JUMP_SET, NEW_NAMESPACE_FLAGS, true="refuse", false="allow")
    code.place("ioctl")
    code.load_argument(1)
    _one_of(code, TERMINAL_INPUT_IOCTLS, found="refuse", otherwise="allow")


def _one_of(code: Assembler, values: tuple[int, ...], *, found: str, otherwise: str) -> None:
    for value in values[:-1]:
        code.jump(_JUMP_EQUAL, value, true=found)
    code.jump(_JUMP_EQUAL, values[-1], true=found, false=otherwise)


def _numbers(machine: str, names: Iterable[str]) -> list[int]:
    return [found for name in names if (found := number(machine, name)) is not None]


def _present(machine: str, name: str) -> int:
    found = number(machine, name)
    if found is None:
        raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding="processor_unknown")
    return found
