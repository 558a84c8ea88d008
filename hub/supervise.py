"""Starts the processes of one machine, watches them, starts again what ends, and ends them all.

Guarantees: a process that this supervisor started does not outlive it, however it ends (the kernel
kills the child when its parent dies); a process that ends by itself is started again, with growing pauses
if it had not come to answer, unless it refused (exit status 78), in which case everything is ended. Does not
guarantee: anything about processes that the children start; each of them holds to the same rule.
"""

from __future__ import annotations

import asyncio
import ctypes
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx2 as httpx

from hub.logs import tidy_forever
from onggi.errors import OnggiError
from onggi.reasons import Reason
from web.refusal import EX_CONFIG, read_refusal

PASSING = frozenset({Reason.DATABASE_LOCKED, Reason.DISK_FULL})
"""Reasons that go away by themselves."""
START_TIMEOUT_S = 60.0
STOP_TIMEOUT_S = 8.0
_PR_SET_PDEATHSIG = 1
_FIRST_PAUSE_S, _LONGEST_PAUSE_S = 0.2, 10.0


@dataclass(frozen=True, slots=True)
class Service:
    """One process.

    Attributes:
        name: what people call it, and its log's name.
        health: URL that answers below 500 when it is ready.
        socket: UNIX socket over which `health` is asked, or None for TCP.
    """

    name: str
    argv: Sequence[str]
    environ: Mapping[str, str]
    health: str
    socket: Path | None = None


class ServiceRefused(Exception):
    """A process ended instead of starting.

    Attributes:
        name: its service.
        error: the reason that it gave, or None.
        log: where all that it wrote stands.
    """

    def __init__(self, name: str, error: OnggiError | None, log: Path) -> None:
        super().__init__(f"{name}: {error or log}")
        self.name = name
        self.error = error
        self.log = log


class Supervisor:
    """Runs services until it is told to stop.

    Args:
        logs: folder for `<name>.log`.
        report: is told what happens: (`started`|`ended`|`restarting`, service name, exit status or 0).
    """

    def __init__(self, logs: Path, report: Callable[[str, str, int], None]) -> None:
        self._logs = logs
        self._report = report
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self._ready: dict[str, asyncio.Event] = {}
        self._log_begins: dict[str, int] = {}
        self._watchers: list[asyncio.Task[None]] = []

    async def start(self, services: Sequence[Service]) -> None:
        """Start all of them and wait until all are healthy; from then on their logs are kept small.

        Raises:
            ServiceRefused: if one ends instead.
        """
        self._watchers.append(asyncio.create_task(tidy_forever(self._logs)))
        for service in services:
            self._ready.setdefault(service.name, asyncio.Event())
            await self._launch(service)
            self._watchers.append(asyncio.create_task(self._watch(service)))
        await asyncio.gather(*(self._until_ready(service) for service in services))

    async def ready(self, name: str) -> None:
        """Wait until the service called `name` has been healthy once."""
        await self._ready.setdefault(name, asyncio.Event()).wait()

    async def wait(self) -> None:
        """Run until a watcher gives up.

        Raises:
            ServiceRefused: when a service cannot be started again.
        """
        await asyncio.gather(*self._watchers)

    async def stop(self) -> None:
        """End every process: all together, and then the first that was started, on which the others rely.

        Those that do not obey within `STOP_TIMEOUT_S` are killed, so this takes at most twice as long.
        """
        for watcher in self._watchers:
            watcher.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        processes = list(self._running.values())
        await asyncio.gather(*map(_end, processes[1:]))
        await asyncio.gather(*map(_end, processes[:1]))
        self._running.clear()

    def pids(self) -> dict[str, int]:
        """The process ids of what is running, by service name."""
        return {name: process.pid for name, process in self._running.items() if process.returncode is None}

    async def _launch(self, service: Service) -> None:
        path = self._logs / f"{service.name}.log"
        with path.open("ab", buffering=0) as log:
            self._log_begins[service.name] = log.tell()
            try:
                self._running[service.name] = await asyncio.create_subprocess_exec(
                    *service.argv,
                    env=dict(service.environ),
                    stdin=asyncio.subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                    preexec_fn=_die_with_parent,
                )
            except OSError as error:
                log.write(f"{error}\n".encode())
                raise ServiceRefused(service.name, None, path) from error

    async def _watch(self, service: Service) -> None:
        pause = _FIRST_PAUSE_S
        while True:
            health = asyncio.create_task(self._until_healthy(service))
            try:
                status = await self._running[service.name].wait()
                pause = _FIRST_PAUSE_S if health.done() else min(2 * pause, _LONGEST_PAUSE_S)
            finally:
                health.cancel()
            if status == EX_CONFIG:
                self._give_up_or_wait(service)
            self._report("ended", service.name, status)
            await asyncio.sleep(pause)
            self._report("restarting", service.name, 0)
            await self._launch(service)

    def _give_up_or_wait(self, service: Service) -> None:
        """A service that ran before may wait for a lock or for space; any other refusal ends everything.

        Raises:
            ServiceRefused: the latter.
        """
        refused = self._refused(service)
        ran = self._ready[service.name].is_set()
        if not ran or refused.error is None or refused.error.reason not in PASSING:
            raise refused

    async def _until_healthy(self, service: Service) -> None:
        """Ask until it answers well; say so."""
        transport = httpx.HTTPTransport(uds=str(service.socket)) if service.socket else None
        with httpx.Client(transport=transport, timeout=2, trust_env=False) as client:
            while True:
                if await asyncio.to_thread(_answers, client, service.health):
                    break
                await asyncio.sleep(0.05)
        self._ready[service.name].set()
        self._report("started", service.name, 0)

    async def _until_ready(self, service: Service) -> None:
        deadline = asyncio.get_running_loop().time() + START_TIMEOUT_S
        while not self._ready[service.name].is_set():
            self._raise_if_refused()
            if asyncio.get_running_loop().time() > deadline:
                raise self._refused(service)
            await asyncio.sleep(0.05)

    def _raise_if_refused(self) -> None:
        for watcher in self._watchers:
            failure = watcher.exception() if watcher.done() and not watcher.cancelled() else None
            if failure is not None:
                raise failure

    def _refused(self, service: Service) -> ServiceRefused:
        log = self._logs / f"{service.name}.log"
        written = log.read_bytes()
        begin = self._log_begins.get(service.name, 0)
        written = written[begin if begin <= len(written) else 0 :]  # it may have been cut since
        return ServiceRefused(service.name, read_refusal(written.decode("utf-8", "replace")), log)


def _answers(client: httpx.Client, url: str) -> bool:
    try:
        return client.get(url).status_code < httpx.codes.INTERNAL_SERVER_ERROR
    except (httpx.HTTPError, RuntimeError):  # RuntimeError: closed meanwhile, since nobody waits any more
        return False


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), STOP_TIMEOUT_S)
    except TimeoutError:
        process.kill()
        await process.wait()


def _die_with_parent() -> None:
    """In the child, before exec: the kernel kills it when the supervisor's main thread ends."""
    if ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit(EX_CONFIG)
