"""One running box of a session: the compute or the session server.

Guarantees: when `gone` returns, no process of the part is left: the kernel announces the end of a box's
first process only when every other process in it has ended.
"""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from onggi.sandbox import Box, CgroupHome, Held, HeldBy, launch
from onggi.sandbox.cgroup import Cgroup
from spawner import processes

_TAIL_BYTES = 8192
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)


@dataclass(slots=True)
class Part:
    """A running box, or, where boxes are switched off, a bare process.

    Attributes:
        inner_pid: the forebear of all its processes.
        held: by what each of its limits is held.
        tail: the end of what it has written; hostile, for the log only.
    """

    process: subprocess.Popen[bytes]
    inner_pid: int
    held: Held
    cgroup: Cgroup | None = None
    boxed: bool = True
    tail: bytearray = field(default_factory=bytearray)
    _ends: list[asyncio.Future[None]] = field(default_factory=list)

    @property
    def exit_status(self) -> int | None:
        """None while it runs."""
        return self.process.poll()

    def command_pids(self) -> list[int]:
        """The processes that a signal for the part's command is meant for."""
        if not self.boxed:
            return [self.process.pid]
        return processes.children(self.inner_pid, processes.parents())

    def terminate(self) -> None:
        """Ask the command to end; a signal to bubblewrap would not reach it."""
        for pid in self.command_pids():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)

    def kill(self) -> None:
        """End everything in the part, at once."""
        stray = [] if self.boxed else processes.descendants(self.inner_pid, processes.parents())
        for pid in (self.process.pid, self.inner_pid, *stray):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    async def gone(self) -> None:
        """Wait until no process of the part is left."""
        await asyncio.gather(*(asyncio.shield(end) for end in self._ends))
        self.process.wait()
        if self.cgroup is not None:
            self.cgroup.remove()

    def follow(self) -> None:
        """Watch for the end, and read what the part writes so that its pipe never fills."""
        for pid in {self.process.pid, self.inner_pid}:
            self._ends.append(_end_of(pid))
        if self.process.stdout is not None:
            _drain(self.process.stdout.fileno(), self.tail)


def start_boxed(box: Box, name: str, output: int | None = None, cgroups: CgroupHome | None = None) -> Part:
    """Start a box.

    Args:
        box: what it is.
        name: of its cgroup.
        output: a descriptor for what it writes; without one, the end of it is kept in memory.
        cgroups: where a cgroup can be made.

    Raises:
        Unavailable: if no box can be made.
    """
    stdout = subprocess.PIPE if output is None else output
    launched = launch(box, stdout=stdout, stderr=subprocess.STDOUT, cgroups=cgroups, name=name)
    part = Part(launched.process, launched.inner_pid, launched.held, launched.cgroup)
    part.follow()
    return part


def start_unsafe(argv: Sequence[str], env: Mapping[str, str], cwd: Path, output: int | None = None) -> Part:
    """Start a bare process: no wall of any kind, no limit. Only for `--unsafe-no-sandbox`."""
    process = subprocess.Popen(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE if output is None else output,
        stderr=subprocess.STDOUT,
        env=dict(env),
        cwd=cwd,
        start_new_session=True,
        preexec_fn=_die_with_parent,  # noqa: PLW1509 - launched from the main thread
    )
    names = ("memory", "processes", "open_files", "disk", "cpu")
    part = Part(process, process.pid, dict.fromkeys(names, HeldBy.NONE), boxed=False)
    part.follow()
    return part


def _die_with_parent() -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def _end_of(pid: int) -> asyncio.Future[None]:
    """A future that is done when the process has ended."""
    loop = asyncio.get_running_loop()
    end: asyncio.Future[None] = loop.create_future()
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        end.set_result(None)
        return end

    def ended() -> None:
        loop.remove_reader(descriptor)
        os.close(descriptor)
        end.set_result(None)

    loop.add_reader(descriptor, ended)
    return end


def _drain(descriptor: int, tail: bytearray) -> None:
    loop = asyncio.get_running_loop()
    os.set_blocking(descriptor, False)

    def read() -> None:
        try:
            part = os.read(descriptor, 65536)
        except BlockingIOError:
            return
        if not part:
            loop.remove_reader(descriptor)
        tail.extend(part)
        del tail[:-_TAIL_BYTES]

    loop.add_reader(descriptor, read)
