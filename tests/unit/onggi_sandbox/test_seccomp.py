"""The filter, run by a small interpreter of BPF for both processors; the kernel's verdict is in redteam/."""

from __future__ import annotations

import errno
import re
import struct
from pathlib import Path

import pytest

from onggi.errors import Unavailable
from onggi.sandbox import seccomp
from onggi.sandbox.syscalls import AARCH64, AUDIT_ARCH, X86_64, number

ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
EPERM, ENOSYS, NO_FAMILY = ERRNO | errno.EPERM, ERRNO | errno.ENOSYS, ERRNO | errno.EAFNOSUPPORT
BOTH = pytest.mark.parametrize("machine", [X86_64, AARCH64])
I386_ARCH = 0x40000003
X32_BIT = 0x40000000


def verdict(machine: str, nr: int, *arguments: int, arch: int | None = None) -> int:
    """What the filter answers to one call."""
    padded = (*arguments, *[0] * (6 - len(arguments)))
    data = struct.pack("=IIQ6Q", nr, AUDIT_ARCH[machine] if arch is None else arch, 0, *padded)
    code = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))
    word, at = 0, 0
    while True:
        operation, true, false, value = code[at]
        at += 1
        match operation:
            case 0x20:
                word = int.from_bytes(data[value : value + 4], "little")
            case 0x54:
                word &= value
            case 0x15:
                at += true if word == value else false
            case 0x25:
                at += true if word > value else false
            case 0x45:
                at += true if word & value else false
            case 0x06:
                return int(value)
            case _:
                raise AssertionError(operation)


def call(machine: str, name: str, *arguments: int) -> int:
    nr = number(machine, name)
    assert nr is not None
    return verdict(machine, nr, *arguments)


@pytest.mark.parametrize(
    ("machine", "name"),
    [
        (machine, name)
        for machine in (X86_64, AARCH64)
        for name in seccomp.REFUSED
        if number(machine, name) is not None
    ],
)
def test_refused_calls_are_answered_with_eperm(machine: str, name: str) -> None:
    assert call(machine, name) == EPERM


@BOTH
@pytest.mark.parametrize("name", seccomp.ABSENT)
def test_absent_calls_are_answered_with_enosys(machine: str, name: str) -> None:
    assert call(machine, name) == ENOSYS


@BOTH
@pytest.mark.parametrize(
    ("family", "kind", "protocol", "expected"),
    [
        (1, 1, 0, ALLOW),
        (1, 2 | 0o2000000, 0, ALLOW),
        (2, 1, 0, ALLOW),
        (2, 1 | 0o4000, 6, ALLOW),
        (10, 2, 17, ALLOW),
        (16, 3, 0, ALLOW),
        (16, 3, 9, NO_FAMILY),
        (16, 2, 15, NO_FAMILY),
        (2, 3, 6, EPERM),
        (2, 1, 132, EPERM),
        (2, 1, 262, EPERM),
        (2, 2, 1, EPERM),
        (10, 3, 58, EPERM),
        (17, 3, 0, NO_FAMILY),
        (38, 5, 0, NO_FAMILY),
        (40, 1, 0, NO_FAMILY),
        (31, 1, 0, NO_FAMILY),
        (0xFFFF, 1, 0, NO_FAMILY),
    ],
)
def test_sockets_of_few_kinds_only(
    machine: str, family: int, kind: int, protocol: int, expected: int
) -> None:
    assert call(machine, "socket", family, kind, protocol) == expected
    assert call(machine, "socketpair", family, kind, protocol) == expected


@BOTH
def test_high_halves_of_arguments_do_not_hide_a_family(machine: str) -> None:
    assert call(machine, "socket", (1 << 32) | 40, 1, 0) == NO_FAMILY


@BOTH
@pytest.mark.parametrize(
    "flag", [0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000]
)
def test_clone_makes_threads_but_no_namespaces(machine: str, flag: int) -> None:
    assert call(machine, "clone", 0x3D0F00) == ALLOW
    assert call(machine, "clone", flag | 17) == EPERM


@BOTH
def test_nothing_is_typed_into_a_terminal(machine: str) -> None:
    assert call(machine, "ioctl", 0, 0x5412) == EPERM
    assert call(machine, "ioctl", 0, 0x541C) == EPERM
    assert call(machine, "ioctl", 0, (1 << 32) | 0x5412) == EPERM
    assert call(machine, "ioctl", 0, 0x5401) == ALLOW


@BOTH
def test_calls_that_nobody_has_judged_do_not_exist(machine: str) -> None:
    assert verdict(machine, 463) == ENOSYS
    assert verdict(machine, 0xFFFFFFFF) == ENOSYS


def test_x32_calls_do_not_exist() -> None:
    assert verdict(X86_64, X32_BIT | 101) == ENOSYS
    assert verdict(X86_64, X32_BIT) == ENOSYS


@BOTH
def test_calls_of_another_processor_kill(machine: str) -> None:
    assert verdict(machine, 1, arch=I386_ARCH) == KILL


@BOTH
def test_ordinary_calls_pass(machine: str) -> None:
    ordinary = {X86_64: (0, 1, 9, 59, 202, 257), AARCH64: (56, 63, 64, 98, 221, 222)}[machine]
    assert {verdict(machine, nr) for nr in ordinary} == {ALLOW}


def test_an_unknown_processor_is_refused() -> None:
    with pytest.raises(Unavailable) as refused:
        seccomp.program("vax")
    assert refused.value.params == {"finding": "processor_unknown"}


def test_jumps_go_forward() -> None:
    code = seccomp.Assembler()
    code.place("back")
    code.load(0)
    code.jump(0x15, 1, true="back")
    with pytest.raises(ValueError, match="jump"):
        code.assemble()


@pytest.mark.parametrize(
    ("machine", "header", "pattern"),
    [
        (X86_64, "/usr/include/x86_64-linux-gnu/asm/unistd_64.h", r"#define __NR_(\w+)\s+(\d+)"),
        (AARCH64, "/usr/include/asm-generic/unistd.h", r"#define __NR(?:3264)?_(\w+)\s+(\d+)"),
    ],
)
def test_numbers_are_those_of_the_kernel_headers(machine: str, header: str, pattern: str) -> None:
    if not Path(header).exists():
        pytest.skip("no kernel headers on this machine (Debian: linux-libc-dev)")
    known = {name: int(nr) for name, nr in re.findall(pattern, Path(header).read_text())}
    names = (*seccomp.REFUSED, *seccomp.ABSENT, "socket", "socketpair", "clone", "ioctl")
    newer_than_header = max(known.values())
    for name in names:
        ours = number(machine, name)
        if ours is not None and ours <= newer_than_header:
            assert known[name] == ours, name
        elif ours is None:
            assert name not in known or machine == AARCH64, name
