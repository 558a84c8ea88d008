"""The process that decodes images for a service: started when there is an image, gone when there is none.

Guarantees: no decoder of images runs in the service that asks; the process that runs one has an empty
environment, no descriptor but its two pipes, and a system-call filter that leaves it nothing to reach. What
it answers is believed no more than what a kernel says: bounded, and known by its first bytes. An image that
takes too long, or kills the process, is not shown.
"""

from __future__ import annotations

import errno
import platform
import select
import struct
import subprocess
import sys
import threading
import time
from contextlib import suppress
from importlib import resources
from typing import IO

from egress_review.display.images import Drawn, has_signature
from egress_review.display.policy import DisplayPolicy
from onggi.errors import Unavailable
from onggi.reasons import Reason
from onggi.sandbox.seccomp import Assembler
from onggi.sandbox.syscalls import AARCH64, AUDIT_ARCH, X86_64

ANSWER_SECONDS = 5.0
_REQUEST = struct.Struct("<BIII")
_REPLY = struct.Struct("<BI")
_FORMS = ("image/png", "image/jpeg", "image/gif", "image/webp")
_DRAWN = {0: "image/png", 1: "image/jpeg"}
_REFUSED = {2: Reason.DISPLAY_IMAGE_PIXELS, 3: Reason.DISPLAY_IMAGE_TOO_LARGE}

_ALLOW, _KILL, _ERRNO = 0x7FFF_0000, 0x8000_0000, 0x0005_0000
_JUMP_EQUAL, _JUMP_SET = 0x15, 0x45
_NR, _ARCH = 0, 4
_PROT_EXEC = 4
# Linux `syscall_64.tbl` and `asm-generic/unistd.h` (v6.12); None: the processor has no such call.
_CALLS: dict[str, tuple[int | None, int]] = {
    "brk": (12, 214),
    "clock_gettime": (228, 113),
    "close": (3, 57),
    "exit": (60, 93),
    "exit_group": (231, 94),
    "fstat": (5, 80),
    "futex": (202, 98),
    "getpid": (39, 172),
    "getrandom": (318, 278),
    "gettid": (186, 178),
    "lseek": (8, 62),
    "madvise": (28, 233),
    "mremap": (25, 216),
    "munmap": (11, 215),
    "ppoll": (271, 73),
    "read": (0, 63),
    "restart_syscall": (219, 128),
    "rt_sigaction": (13, 134),
    "rt_sigprocmask": (14, 135),
    "rt_sigreturn": (15, 139),
    "sched_yield": (24, 124),
    "write": (1, 64),
}
_POLL_X86 = 7
_MAPPING = {"mmap": (9, 222), "mprotect": (10, 226)}


class ImageWorker:
    """Has images drawn anew; for threads, one image at a time."""

    def __init__(self, seconds: float = ANSWER_SECONDS) -> None:
        self._seconds = seconds
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def __call__(self, kind: str, raw: bytes, policy: DisplayPolicy) -> Drawn | Reason:
        """The image drawn anew, or why it is not shown."""
        request = _REQUEST.pack(_FORMS.index(kind), policy.image_pixels, policy.image_bytes, len(raw)) + raw
        with self._lock:
            for _ in range(2):  # it may have just ended because nothing was asked of it
                try:
                    status, drawn = self._ask(request, policy.image_bytes)
                    break
                except BrokenPipeError:
                    self._end()
                except (OSError, ValueError):
                    self._end()
                    return Reason.DISPLAY_IMAGE_BROKEN
            else:
                return Reason.DISPLAY_IMAGE_BROKEN
        if status in _DRAWN and has_signature(_DRAWN[status], drawn):
            return Drawn(_DRAWN[status], drawn)
        return _REFUSED.get(status, Reason.DISPLAY_IMAGE_BROKEN)

    def drew(self, kind: str, encoded: str, policy: DisplayPolicy) -> bool:  # noqa: ARG002 - a `Redraw`
        """Nothing that it remembers."""
        return False

    def later(self, kind: str, encoded: str) -> str | None:  # noqa: ARG002 - a `Redraw`
        """At once."""
        return None

    def close(self) -> None:
        """End the process, if there is one."""
        with self._lock:
            self._end()

    def _ask(self, request: bytes, most_bytes: int) -> tuple[int, bytes]:
        process = self._process = self._process or _start()
        if process.stdin is None or process.stdout is None:
            raise ValueError("pipes")
        deadline = time.monotonic() + self._seconds
        process.stdin.write(request)  # it reads all before it decodes, so this stands still for no longer
        header = _read(process.stdout, _REPLY.size, deadline)
        if not header:
            raise BrokenPipeError(errno.EPIPE, "ended")
        status, size = _REPLY.unpack(header)
        if size > most_bytes:
            raise ValueError("size")
        return status, _read(process.stdout, size, deadline)

    def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()
        process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                with suppress(OSError):
                    pipe.close()


def filter_program(machine: str | None = None) -> bytes:
    """The system-call filter of the process, as `struct sock_filter[]`.

    Raises:
        Unavailable: if there is no table for the processor.
    """
    machine = machine or platform.machine()
    if machine not in {X86_64, AARCH64}:
        raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding="processor_unknown")
    column = 0 if machine == X86_64 else 1
    calls = [numbers[column] for numbers in _CALLS.values()] + ([_POLL_X86] if column == 0 else [])
    code = Assembler()
    code.load(_ARCH)
    code.jump(_JUMP_EQUAL, AUDIT_ARCH[machine], false="kill")
    code.load(_NR)
    for numbers in _MAPPING.values():
        code.jump(_JUMP_EQUAL, numbers[column], true="mapping")
    for call in calls:
        if call is not None:
            code.jump(_JUMP_EQUAL, call, true="allow")
    code.answer(_ERRNO | errno.EPERM)
    code.place("mapping")
    code.load_argument(2)
    code.jump(_JUMP_SET, _PROT_EXEC, false="allow")
    code.answer(_ERRNO | errno.EPERM)
    code.place("allow")
    code.answer(_ALLOW)
    code.place("kill")
    code.answer(_KILL)
    return code.assemble()


def _start() -> subprocess.Popen[bytes]:
    script = str(resources.files("egress_review.display").joinpath("redraw.py"))
    return subprocess.Popen(
        [sys.executable, "-I", "-B", script, filter_program().hex()],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        bufsize=0,
        env={},
        cwd="/",
        start_new_session=True,
    )


def _read(pipe: IO[bytes], size: int, deadline: float) -> bytes:
    """Exactly `size` bytes, or none if the other side is gone.

    Raises:
        TimeoutError: after the deadline.
    """
    parts = bytearray()
    waiting = select.poll()
    waiting.register(pipe, select.POLLIN)
    while len(parts) < size:
        if not waiting.poll(max(0, int((deadline - time.monotonic()) * 1000))):
            raise TimeoutError
        part = pipe.read(size - len(parts))
        if not part:
            return b""
        parts += part
    return bytes(parts)
