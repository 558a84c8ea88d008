"""All sessions of this machine: started, found, watched, ended, accounted for.

Guarantees: every session that was started is listed as running until nothing of it is left, and as ended
for a while afterwards; a session whose `until` has passed is ended here within about a second, whatever hub
and desk do.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from typing import Any

from onggi.clock import Clock, SystemClock, from_text
from onggi.errors import Conflict, NotFound, Refused, Unavailable
from onggi.plan import SessionPlan
from onggi.reasons import Reason
from onggi.sandbox import Probe, probe
from spawner import processes
from spawner.plan_check import check_plan
from spawner.processors import Processors
from spawner.running import Cause, Running, Starter
from spawner.session_folder import make_session_folder, remove_all

log = logging.getLogger(__name__)

LOOK_EVERY_S = 1.0
DISK_EVERY_LOOKS = 5
MOST_ENDED = 500


@dataclass(slots=True)
class Fleet:
    """The sessions.

    Attributes:
        starter: starts one.
        clock: for `until`.
        probe: says whether boxes work; asked before each start.
    """

    starter: Starter
    clock: Clock = field(default_factory=SystemClock)
    probe: Probe = field(default_factory=probe)
    _sessions: dict[str, Running] = field(default_factory=dict, init=False)
    _tasks: set[asyncio.Task[None]] = field(default_factory=set, init=False)
    _processors: Processors = field(default_factory=Processors, init=False)

    def sandbox_findings(self) -> tuple[bool, list[str]]:
        """Whether compute can be started, and every finding about the sandbox."""
        findings = [finding.value for finding in self.probe.findings]
        if self.starter.settings.unsafe_no_sandbox:
            return True, ["unsafe_no_sandbox", *findings]
        return self.probe.working, findings

    async def start(self, plan: SessionPlan, environ: Mapping[str, str]) -> Running:
        """Start a session.

        An earlier one of the same member in the same project is ended first: a hub keeps one, so this is one
        that a hub has lost track of.

        Raises:
            Conflict: if there is one with this id.
            Invalid: if the plan asks for what may not be shown.
            Refused: if the right to it has ended.
            Unavailable: if there is no working sandbox, or the disk is full.
        """
        settings = self.starter.settings
        self._require_sandbox()
        if plan.session_id in self._sessions:
            raise Conflict(Reason.ALREADY_EXISTS, what="session", name=plan.session_id)
        check_plan(plan, settings.state)
        if plan.until is not None and from_text(plan.until) <= self.clock.now():
            raise Refused(Reason.SESSION_ENDED)
        await asyncio.gather(*(one.end(Cause.STOPPED) for one in self._of_same_person(plan)))
        return self._start(plan, environ)

    def _start(self, plan: SessionPlan, environ: Mapping[str, str]) -> Running:
        settings = self.starter.settings
        folder = make_session_folder(settings.sessions)
        pinned = "cpu" not in (self.starter.cgroups.parents if self.starter.cgroups else {})
        processors = self._processors.take(plan.limits.cpus) if pinned else ()
        try:
            running = self.starter.start(plan, folder, environ, processors, self.clock.now())
        except BaseException as error:
            self._processors.give_back(processors)
            folder.remove()
            if isinstance(error, OSError):
                raise Unavailable(Reason.DISK_FULL, path=str(settings.state)) from error
            raise
        self._sessions[plan.session_id] = running
        self._background(self._attend(running))
        log.info("session %s of %s in %s started", plan.session_id, plan.member, plan.project)
        return running

    def get(self, session_id: str) -> Running:
        """A session that runs or ended lately.

        Raises:
            NotFound: if there is none.
        """
        if session_id not in self._sessions:
            raise NotFound(Reason.NOT_FOUND)
        return self._sessions[session_id]

    def all(self) -> list[Running]:
        """All of them, oldest first."""
        return list(self._sessions.values())

    async def stop(self, session_id: str) -> None:
        """End a session and wait until nothing of it is left.

        Raises:
            NotFound: if there is none.
        """
        await self.get(session_id).end(Cause.STOPPED)

    async def stop_all(self) -> None:
        """End every session; the broker is about to end."""
        await asyncio.gather(*(one.end(Cause.BROKER) for one in self.all()))

    def clean(self) -> None:
        """Remove what an earlier broker left."""
        remove_all(self.starter.settings.sessions)

    async def watch(self) -> None:
        """Look after all sessions, for ever."""
        looks = 0
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            looks += 1
            try:
                await self._look(disk=looks % DISK_EVERY_LOOKS == 0)
            except Exception:  # the watch must outlive any one look; the cause is in the log
                log.exception("a look at the sessions failed")

    async def _look(self, *, disk: bool) -> None:
        now = self.clock.now()
        running = [one for one in self.all() if one.cause is None]
        if not running:
            return
        table = processes.parents()
        for one in running:
            if one.over(now):
                self._background(one.end(Cause.UNTIL))
            else:
                one.look_at_memory(table, now)
                if disk:
                    await one.look_at_disk(table, now)

    async def _attend(self, running: Running) -> None:
        await running.end(await running.first_end())
        self._processors.give_back(running.processors)
        ended = [name for name, one in self._sessions.items() if one.ended.is_set()]
        for name in ended[:-MOST_ENDED]:
            del self._sessions[name]

    def _of_same_person(self, plan: SessionPlan) -> list[Running]:
        return [
            one for one in self.all() if (one.plan.member, one.plan.project) == (plan.member, plan.project)
        ]

    def _require_sandbox(self) -> None:
        if self.starter.settings.unsafe_no_sandbox:
            log.warning("UNSAFE: sessions are started without a sandbox")
        elif not self.probe.working:
            raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding=self.probe.worst)

    def _background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
