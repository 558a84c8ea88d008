"""What a box looks like from within: run in a box by `onggi.sandbox.probe`, it prints what it finds open.

Run as `python -m onggi.sandbox.selfcheck ABSTRACT_NAME TCP_PORT`; the two name listeners of the host that
must not be reached. Prints a JSON list of `Finding` codes.
"""

from __future__ import annotations

import ctypes
import json
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path

from onggi.sandbox.box import BOX_ID
from onggi.sandbox.findings import Finding

_PTRACE_TRACEME = 0
_NETLINK_AUDIT = 9
_HOST_ONLY = ("/sys", "/root", "/etc/shadow", "/var")
_READ_ONLY = ("/", "/dev", "/etc", "/usr")
_VSOCK_ANY = (0xFFFFFFFF, 1)


def main(abstract_name: str, port: int) -> list[Finding]:
    """All that is open and should not be."""
    checks: dict[Finding, Callable[[], bool]] = {
        Finding.CAPABILITIES_LEFT: lambda: any(
            int(_status(name), 16) for name in ("CapPrm", "CapEff", "CapBnd")
        ),
        Finding.DESCRIPTORS_INHERITED: lambda: bool(_descriptors() - {0, 1, 2}),
        Finding.ENVIRONMENT_SHOWN: lambda: Path("/proc/1/environ").read_bytes() != b"",
        Finding.HOST_FILES_SHOWN: lambda: any(Path(path).exists() for path in _HOST_ONLY),
        Finding.NETWORK_OPEN: lambda: _network_open(abstract_name, port),
        Finding.NEW_PRIVILEGES: lambda: _status("NoNewPrivs") != "1",
        Finding.ROOT_WRITABLE: lambda: any(os.access(path, os.W_OK) for path in _READ_ONLY),
        Finding.SECCOMP_INACTIVE: lambda: _status("Seccomp") != "2" or _ptrace_works(),
        Finding.UID_NOT_MAPPED: lambda: (os.getuid(), os.getgid()) != (BOX_ID, BOX_ID) or _mapped_ids() != 1,
    }
    return [finding for finding, is_open in checks.items() if is_open()]


def _status(name: str) -> str:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""


def _descriptors() -> set[int]:
    """The open descriptors; the one that the listing itself needed is closed again by the time it is looked
    at.
    """
    listed = {int(entry.name) for entry in Path("/proc/self/fd").iterdir()}
    return {descriptor for descriptor in listed if Path(f"/proc/self/fd/{descriptor}").is_symlink()}


def _mapped_ids() -> int:
    return sum(int(line.split()[2]) for line in Path("/proc/self/uid_map").read_text().splitlines())


def _network_open(abstract_name: str, port: int) -> bool:
    reached = [
        _connects(socket.AF_UNIX, f"\0{abstract_name}"),
        _connects(socket.AF_INET, ("127.0.0.1", port)),
        _connects(socket.AF_VSOCK, _VSOCK_ANY),
        _makes(socket.AF_PACKET, socket.SOCK_RAW),
        _makes(socket.AF_NETLINK, socket.SOCK_RAW, _NETLINK_AUDIT),
        _makes(socket.AF_VSOCK, socket.SOCK_STREAM),
        bool(_interfaces() - {"lo"}),
        len(Path("/proc/net/route").read_text().splitlines()) > 1,
    ]
    return any(reached)


def _interfaces() -> set[str]:
    return {line.partition(":")[0].strip() for line in Path("/proc/net/dev").read_text().splitlines()[2:]}


def _makes(family: int, kind: int, protocol: int = 0) -> bool:
    try:
        socket.socket(family, kind, protocol).close()
    except OSError:
        return False
    return True


def _connects(family: int, address: str | tuple[str, int] | tuple[int, int]) -> bool:
    try:
        with socket.socket(family, socket.SOCK_STREAM) as link:
            link.settimeout(1.0)
            link.connect(address)
    except OSError:
        return False
    return True


def _ptrace_works() -> bool:
    libc = ctypes.CDLL(None, use_errno=True)
    return bool(libc.ptrace(_PTRACE_TRACEME, 0, 0, 0) == 0)


if __name__ == "__main__":
    json.dump(main(sys.argv[1], int(sys.argv[2])), sys.stdout)
