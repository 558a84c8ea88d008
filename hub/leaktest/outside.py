"""What stands outside the wall while the leak test runs: listeners that answer, and things to be found.

Every one of them is real, so that an attempt from outside reaches it: that is the control of each attempt
from within.
"""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onggi.sandbox.syscalls import number

_IPC_CREATE, _IPC_REMOVE, _SEGMENT_BYTES = 0o1000, 0, 4096
_USER_KEYRING = -4
_KEYCTL_UNLINK = 9
_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(slots=True)
class Outside:
    """Where everything is.

    Attributes:
        mark: text that is nowhere but in what was planted.
        folder: a folder outside every box.
        given: what the attempts are told.
    """

    mark: str
    folder: Path
    given: dict[str, Any] = field(default_factory=dict)


@contextlib.contextmanager
def standing(other_project: Path) -> Iterator[Outside]:
    """Everything set up, and taken away at the end.

    Args:
        other_project: folder of a project that the session does not belong to.
    """
    with contextlib.ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="onggi-leaktest-")))
        outside = Outside(f"leaktest{secrets.token_hex(8)}", folder)
        outside.given = {"greeting": f"hello{outside.mark}"[:40], "mark": outside.mark, "uid": os.getuid()}
        _listeners(outside, stack)
        _sentinel(outside, stack)
        _memory(outside, stack)
        _files(outside, other_project, stack)
        yield outside


def _listeners(outside: Outside, stack: contextlib.ExitStack) -> None:
    given, greeting = outside.given, outside.given["greeting"].encode()
    address = _own_address()
    given |= {"host4": "127.0.0.1", "host6": "::1", "address": address}
    for name, family, host in (
        ("tcp4", socket.AF_INET, "127.0.0.1"),
        ("tcp6", socket.AF_INET6, "::1"),
        ("tcp_any", socket.AF_INET, address),
    ):
        listener = stack.enter_context(socket.create_server((host, 0), family=family))
        given[name] = listener.getsockname()[1]
        _serve(lambda one=listener: _greet(one, greeting))
    for name, family, host in (("udp4", socket.AF_INET, "127.0.0.1"), ("udp6", socket.AF_INET6, "::1")):
        receiver = stack.enter_context(socket.socket(family, socket.SOCK_DGRAM))
        receiver.bind((host, 0))
        given[name] = receiver.getsockname()[1]
        _serve(lambda one=receiver: one.sendto(greeting, one.recvfrom(512)[1]))
    given |= {"abstract": outside.mark, "socket_path": str(outside.folder / "s")}
    for place in ("\0" + outside.mark, given["socket_path"]):
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(place)
        listener.listen()
        _serve(lambda one=listener: _greet(one, greeting))
    lines = Path("/etc/resolv.conf").read_text("utf-8").splitlines()
    given["name_servers"] = [line.split()[1] for line in lines if line.startswith("nameserver ")]


def _own_address() -> str:
    """The machine's address towards other machines; loopback's if it has none. Nothing is sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(("192.0.2.1", 9))
        except OSError:
            return "127.0.0.1"
        return str(probe.getsockname()[0])


def _serve(once: Any) -> None:
    def forever() -> None:
        with contextlib.suppress(OSError, ValueError):
            while True:
                once()

    threading.Thread(target=forever, daemon=True).start()


def _greet(listener: socket.socket, greeting: bytes) -> None:
    link, _ = listener.accept()
    with link:
        link.sendall(greeting)


def _sentinel(outside: Outside, stack: contextlib.ExitStack) -> None:
    """A process of the same user, with the mark in its words and variables."""
    words = f"sentinel{outside.mark}"
    process = subprocess.Popen(
        [sys.executable, "-c", "import time; time.sleep(600)", words], env={"LEAKTEST": words}
    )
    stack.callback(process.wait)
    stack.callback(process.kill)
    outside.given |= {
        "sentinel": words,
        "sentinel_pid": process.pid,
        "net_namespace": os.stat("/proc/self/ns/net").st_ino,  # noqa: PTH116 - a link that leads nowhere
    }


def _memory(outside: Outside, stack: contextlib.ExitStack) -> None:
    """Shared memory, queues and a key, all by names that whoever is not walled off can use."""
    shared = Path("/dev/shm", outside.mark)  # noqa: S108 - to be found there
    shared.write_text(outside.mark)
    stack.callback(shared.unlink)
    key = secrets.randbelow(2**30) + 1
    for make, remove, arguments in (
        ("shmget", "shmctl", (_SEGMENT_BYTES, _IPC_CREATE | 0o600)),
        ("msgget", "msgctl", (_IPC_CREATE | 0o600,)),
        ("semget", "semctl", (1, _IPC_CREATE | 0o600)),
    ):
        made = getattr(_libc, make)(key, *arguments)
        extra = (0, _IPC_REMOVE) if make == "semget" else (_IPC_REMOVE, None)
        stack.callback(getattr(_libc, remove), made, *extra)
    library = ctypes.CDLL("librt.so.1", use_errno=True)
    queue = f"/{outside.mark}"
    library.mq_open(queue.encode(), os.O_CREAT | os.O_RDWR, 0o600, None)
    stack.callback(library.mq_unlink, queue.encode())
    machine = os.uname().machine
    add, control = number(machine, "add_key"), number(machine, "keyctl")
    left = _libc.syscall(add, b"user", outside.mark.encode(), b"x", 1, _USER_KEYRING)
    stack.callback(_libc.syscall, control, _KEYCTL_UNLINK, left, _USER_KEYRING)
    outside.given |= {
        "shared": outside.mark,
        "system_v_key": key,
        "queue": queue,
        "key": outside.mark,
    }


def _files(outside: Outside, other_project: Path, stack: contextlib.ExitStack) -> None:
    name = f"{outside.mark}.txt"
    places = [outside.folder / name, other_project / name]
    for place in places:
        place.write_text(f"{outside.mark}\n")
        stack.callback(place.unlink, missing_ok=True)
    outside.given |= {"planted": [str(place) for place in places], "planted_name": name}


@contextlib.contextmanager
def busy(data_file: Path, folder: Path) -> Iterator[None]:
    """Another process's life for as long as it lasts: locks, opens, memory and disk, on and off in turns."""
    ends = threading.Event()

    def live() -> None:
        while not ends.is_set():
            with data_file.open("rb") as file, contextlib.suppress(OSError):
                fcntl.flock(file, fcntl.LOCK_EX)
                room = mmap.mmap(-1, 128 * 1024**2)
                room.write(b"\1" * (128 * 1024**2))
                filler = folder / "filler"
                with filler.open("wb") as full:
                    os.posix_fallocate(full.fileno(), 0, 128 * 1024**2)
                ends.wait(0.1)
                room.close()
                filler.unlink()
            time.sleep(0.1)

    thread = threading.Thread(target=live)
    thread.start()
    try:
        yield
    finally:
        ends.set()
        thread.join()
