"""One session from start to end: its folder, its two boxes, its watches.

Guarantees: compute and session server end together; when `end` returns, no process and no folder of the
session is left. Nothing of a session outlives the broker, whose death the kernel turns into theirs.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from onggi import clock
from onggi.plan import SessionPlan
from onggi.sandbox import CgroupHome, HeldBy
from spawner.compute_box import AGENT_ARGV, compute_box, compute_variables
from spawner.folder_size import measure
from spawner.parts import Part, start_boxed, start_unsafe
from spawner.processes import Parents
from spawner.session_box import SERVER_ARGV, server_variables, session_box
from spawner.session_folder import SessionFolder, as_seen_in_box
from spawner.settings import SpawnerSettings
from spawner.watch import MOST_RUNTIME_ENTRIES, DiskWatch, Incident, MemoryWatch

log = logging.getLogger(__name__)

GRACE_S = 5.0
"""How long a session server may take to end by itself."""
MOST_INCIDENTS = 20


class Cause(StrEnum):
    """Why a session ended."""

    SERVER = "server"
    COMPUTE = "compute"
    STOPPED = "stopped"
    UNTIL = "until"
    BROKER = "broker"


@dataclass(slots=True)
class Running:
    """A session; it ends from when `cause` is set, and has ended when nothing of it is left.

    Attributes:
        started: when.
        processors: those that its compute is kept to.
        boxed: whether there are walls.
        exit_status: of the session server, once it has ended.
        incidents: when limits were passed, and which.
    """

    plan: SessionPlan
    folder: SessionFolder
    compute: Part
    server: Part
    started: datetime
    processors: tuple[int, ...]
    boxed: bool
    cause: Cause | None = None
    exit_status: int | None = None
    incidents: list[tuple[datetime, Incident]] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    _memory: MemoryWatch | None = None
    _disk: DiskWatch | None = None

    def __post_init__(self) -> None:
        if self.compute.held["memory"] not in {HeldBy.CGROUP1, HeldBy.CGROUP2}:
            folders = ("/tmp", "/dev/shm", "/home/researcher") if self.boxed else ()  # noqa: S108 - in the box
            self._memory = MemoryWatch(self.compute.inner_pid, self.plan.limits.memory_bytes, folders)
        self._disk = DiskWatch(self.compute.inner_pid, self.plan.limits.disk_bytes)

    def over(self, now: datetime) -> bool:
        """Whether the right to this session has ended."""
        return self.plan.until is not None and clock.from_text(self.plan.until) <= now

    def held(self) -> dict[str, str]:
        """By what each limit of the compute is held."""
        held = {name: kind.value for name, kind in self.compute.held.items()} | {"disk": HeldBy.WATCHED.value}
        return held | ({"memory": HeldBy.WATCHED.value} if self._memory is not None else {})

    def look_at_memory(self, table: Parents, now: datetime) -> None:
        """Hold the memory limit."""
        if self._memory is not None and self.cause is None and self._memory.look(table):
            self._note(Incident.MEMORY, now)

    async def look_at_disk(self, table: Parents, now: datetime) -> None:
        """Hold the quota of the project folder; the counting is done in another thread."""
        project = await asyncio.to_thread(measure, self.plan.project_folder)
        runtime = await asyncio.to_thread(measure, str(self.folder.kernels), MOST_RUNTIME_ENTRIES)
        if self.cause is None and self._disk is not None:
            found = self._disk.look(project, runtime, table)
            if found is not None:
                self._note(found, now)

    async def end(self, cause: Cause) -> None:
        """End the session; who comes second waits for the first."""
        if self.cause is not None:
            await self.ended.wait()
            return
        self.cause = cause
        try:
            await self._end_server()
            self.compute.kill()
            await self.compute.gone()
            self.exit_status = self.server.exit_status
            self.folder.remove()
        finally:
            self.ended.set()
        log.info("session %s ended (%s, status %s)", self.plan.session_id, cause.value, self.exit_status)
        if cause is Cause.COMPUTE:
            log.warning("compute of %s said at its end: %r", self.plan.session_id, bytes(self.compute.tail))

    def kill(self) -> None:
        """End everything at once, without waiting."""
        self.server.kill()
        self.compute.kill()

    async def first_end(self) -> Cause:
        """Wait until one of the two boxes has ended."""
        server = asyncio.ensure_future(self.server.gone())
        compute = asyncio.ensure_future(self.compute.gone())
        done, _ = await asyncio.wait({server, compute}, return_when=asyncio.FIRST_COMPLETED)
        return Cause.SERVER if server in done else Cause.COMPUTE

    def to_json(self) -> dict[str, Any]:
        """The wire form."""
        return {
            "session_id": self.plan.session_id,
            "member": self.plan.member,
            "project": self.plan.project,
            "state": "ended" if self.ended.is_set() else "running",
            "cause": self.cause,
            "exit": self.exit_status,
            "server_pid": self.server.process.pid,
            "compute_pid": self.compute.process.pid,
            "started": clock.to_text(self.started),
            "until": self.plan.until,
            "limits": self.held(),
            "unsafe": not self.boxed,
            "incidents": [{"at": clock.to_text(at), "what": what} for at, what in self.incidents],
        }

    def _note(self, what: Incident, now: datetime) -> None:
        log.warning("session %s went over its limit: %s", self.plan.session_id, what.value)
        self.incidents.append((now, what))
        del self.incidents[:-MOST_INCIDENTS]

    async def _end_server(self) -> None:
        if self.server.exit_status is None:
            self.server.terminate()
        try:
            async with asyncio.timeout(GRACE_S):
                await self.server.gone()
        except TimeoutError:
            self.server.kill()
            await self.server.gone()


@dataclass(frozen=True, slots=True)
class Starter:
    """Starts sessions.

    Attributes:
        settings: where everything is.
        server_argv: the session server's command; tests have another.
        cgroups: where cgroups can be made, if anywhere.
    """

    settings: SpawnerSettings
    server_argv: tuple[str, ...] = SERVER_ARGV
    cgroups: CgroupHome | None = None

    def start(
        self,
        plan: SessionPlan,
        folder: SessionFolder,
        environ: Mapping[str, str],
        processors: tuple[int, ...],
        now: datetime,
    ) -> Running:
        """Start both boxes of a session; the folder is filled here.

        Raises:
            Unavailable: if a box cannot be made; nothing is then left running.
            OSError: if the folder or the log cannot be written.
        """
        boxed = not self.settings.unsafe_no_sandbox
        folder.write_secrets(as_seen_in_box(plan) if boxed else plan, environ)
        log_file = self._open_log(plan)
        try:
            compute = self._compute(plan, folder, processors, boxed=boxed)
            try:
                server = self._server(plan, folder, log_file, boxed=boxed)
            except BaseException:
                compute.kill()
                raise
        finally:
            os.close(log_file)
        running = Running(plan, folder, compute, server, now, processors, boxed)
        folder.tell_limits(running.held(), unsafe=not boxed)
        return running

    def _open_log(self, plan: SessionPlan) -> int:
        self.settings.logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self.settings.logs / f"session-{plan.session_id}.log"
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW, 0o600)

    def _compute(
        self, plan: SessionPlan, folder: SessionFolder, processors: tuple[int, ...], *, boxed: bool
    ) -> Part:
        if boxed:
            box = compute_box(plan, folder, self.settings.compute_env, self.settings.source, processors)
            return start_boxed(box, f"{plan.session_id}-compute", cgroups=self.cgroups)
        log.warning("UNSAFE: compute of session %s runs without a sandbox", plan.session_id)
        python = self.settings.compute_env / "bin" / "python"
        argv = (
            str(python), *AGENT_ARGV[1:], "--unsafe-no-landlock",
            "--runtime", str(folder.kernels), "--project", plan.project_folder,
        )  # fmt: skip
        env = compute_variables(plan) | {
            "HOME": str(folder.kernels),
            "PATH": f"{python.parent}:/usr/bin:/bin",
            "PYTHONPATH": str(self.settings.source),
            "ONGGI_SESSION_SOCKET": str(folder.api / "session.sock"),
            "ONGGI_PROJECT_FOLDER": plan.project_folder,
        }
        return start_unsafe(argv, env, self.settings.state)

    def _server(self, plan: SessionPlan, folder: SessionFolder, output: int, *, boxed: bool) -> Part:
        if boxed:
            box = session_box(plan, folder, self.settings, self.server_argv)
            return start_boxed(box, f"{plan.session_id}-server", output)
        python = self.settings.platform_env / "bin" / "python"
        argv = (str(python), *self.server_argv[1:])
        env = {
            "HOME": str(folder.server),
            "LANG": "C.UTF-8",
            "PATH": f"{python.parent}:/usr/bin:/bin",
            "PYTHONPATH": str(self.settings.source),
            **server_variables(str(folder.path), plan.project_folder, self.settings),
        }
        return start_unsafe(argv, env, folder.server, output)
