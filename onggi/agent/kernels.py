"""The kernels of one compute: started, signalled, reaped.

Each kernel is the leader of its own session and dies with the agent. Where the kernel has Landlock it can
neither read the connection file of another kernel nor signal it, and not the agent either.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from onggi.sandbox import landlock
from onggi.sandbox.limits import AUTOGROUP

MOST_KERNELS = 16
"""At one time; the process limit of the box holds the rest."""
MOST_REMEMBERED = 256
NEVER_STARTED = 255
"""The exit status of a kernel that nobody started."""
KERNEL_ID_VARIABLE = "ONGGI_KERNEL_ID"
_KERNEL_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_READABLE = ("/usr", "/bin", "/lib", "/lib64", "/sbin", "/opt", "/etc", "/data", "/run/onggi/api")
_WRITABLE = ("/tmp", "/dev", "/proc")  # noqa: S108 - the box's own
_PR_SET_PDEATHSIG = 1
_STEPS_BACK = 5
_libc = ctypes.CDLL(None)


class AgentError(Exception):
    """A request that cannot be done; `code` goes back to the session server."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass(slots=True)
class Kernels:
    """The kernels started so far.

    Attributes:
        runtime: the folder with `kernels/<kernel_id>/connection.json`.
        project: the kernels' working folder.
        walled: whether kernels are put into Landlock domains.
        argv: the command that starts a kernel; the connection file is added. Help (`name?`) is written as
            output, since the display gate shows no pager.
    """

    runtime: Path
    project: Path
    walled: bool
    argv: tuple[str, ...] = (
        sys.executable, "-m", "ipykernel_launcher", "--InteractiveShell.display_page=True", "-f",
    )  # fmt: skip
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _ended: dict[str, int] = field(default_factory=dict)

    def start(self, kernel_id: str, env: Mapping[str, str]) -> int:
        """Start a kernel whose connection file is there, and return its process number.

        Raises:
            AgentError: if it runs already, or there are too many, or it has no connection file.
        """
        self.reap()
        folder = self._folder(kernel_id)
        if kernel_id in self._running:
            raise AgentError("running")
        if len(self._running) >= MOST_KERNELS:
            raise AgentError("too_many")
        connection = folder / "connection.json"
        if not connection.is_file():
            raise AgentError("no_connection_file")
        try:
            process = self._spawn(folder, connection, kernel_id, env)
        except (OSError, subprocess.SubprocessError):
            raise AgentError("not_started") from None
        self._running[kernel_id] = process
        self._ended.pop(kernel_id, None)
        return process.pid

    def exit_status(self, kernel_id: str) -> int | None:
        """None while it runs; a negative number names the signal that ended it; or `NEVER_STARTED`."""
        self.reap()
        if kernel_id in self._running:
            return None
        return self._ended.get(kernel_id, NEVER_STARTED)

    def signal(self, kernel_id: str, signum: int) -> None:
        """Send a signal to the kernel and the processes of its group; one that has ended gets none.

        Raises:
            AgentError: if there is no such signal.
        """
        if self.exit_status(kernel_id) is not None:
            return
        try:
            os.killpg(self._running[kernel_id].pid, signal.Signals(signum))
        except ProcessLookupError:
            return
        except ValueError:
            raise AgentError("no_such_signal") from None

    def kill(self, kernel_id: str) -> None:
        """End a kernel with all that it started; one that has ended leaves nothing to do."""
        process = self._running.get(kernel_id)
        if process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        _kill_marked(kernel_id)
        self.reap()

    def kill_all(self) -> None:
        """End every kernel."""
        for kernel_id in tuple(self._running):
            self.kill(kernel_id)

    def known(self) -> list[dict[str, str | int | None]]:
        """All kernels, running ones first, with process number and exit status."""
        self.reap()
        running = [{"kernel_id": name, "pid": one.pid, "exit": None} for name, one in self._running.items()]
        ended = [{"kernel_id": name, "pid": None, "exit": status} for name, status in self._ended.items()]
        return [*running, *ended]

    def reap(self) -> None:
        """Take note of the kernels that have ended."""
        for kernel_id, process in tuple(self._running.items()):
            status = process.poll()
            if status is not None:
                del self._running[kernel_id]
                self._ended[kernel_id] = status
        while len(self._ended) > MOST_REMEMBERED:
            del self._ended[next(iter(self._ended))]

    def _folder(self, kernel_id: str) -> Path:
        if not _KERNEL_ID.fullmatch(kernel_id):
            raise AgentError("bad_kernel_id")
        return self.runtime / "kernels" / kernel_id

    def _spawn(
        self, folder: Path, connection: Path, kernel_id: str, env: Mapping[str, str]
    ) -> subprocess.Popen[bytes]:
        domain = self._domain(folder)
        try:
            return subprocess.Popen(
                [*self.argv, str(connection)],
                cwd=self.project,
                env={**os.environ, **_clean(env), KERNEL_ID_VARIABLE: kernel_id},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=_before_exec(domain),  # noqa: PLW1509 - the agent has one thread
            )
        finally:
            if domain is not None:
                domain.close()

    def _domain(self, folder: Path) -> landlock.Domain | None:
        if not self.walled or not landlock.usable():
            return None
        home = os.environ.get("HOME", "/home/researcher")
        return landlock.prepare(
            (*_READABLE, sys.base_prefix), (*_WRITABLE, home, str(self.project), str(folder))
        )


def _before_exec(domain: landlock.Domain | None) -> Callable[[], None]:
    """What the kernel's process does before it becomes the kernel."""

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        _step_back()
        if domain is not None:
            domain.enter()

    return prepare


def _step_back() -> None:
    """Let the session of its own that a kernel has step back as the agent's does.

    Who may not raise niceness at will may change it ten times a second, all of the machine together.
    """
    for _ in range(_STEPS_BACK):
        try:
            AUTOGROUP.write_text(str(os.nice(0)))
        except BlockingIOError:
            time.sleep(0.1)
        except OSError:
            return  # this machine does not group processes by session: the process's own niceness holds
        else:
            return


def _clean(env: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in env.items() if _VARIABLE.fullmatch(name) and "\0" not in value}


def _kill_marked(kernel_id: str) -> None:
    """Kill what a kernel started and what left its group, by the variable that it inherited.

    One that has wiped its variables stays until the compute ends; it is counted and limited as before.
    """
    mark = f"{KERNEL_ID_VARIABLE}={kernel_id}".encode()
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            if mark in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
