"""Onggi on one machine: the one place that composes everything.

All services start together, so that the slowest decides how long it takes; whatever one of them does before
egress review (which keeps the audit log) answers is refused, because nothing may happen unrecorded. Each is a
process of its own, all listen on loopback, all end with this one, egress review last.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import time
from collections.abc import Awaitable
from dataclasses import dataclass
from pathlib import Path

import typer

from hub import preflight
from hub.composition import Installation, services
from hub.demo_data import ensure_demo_data
from hub.ready import Ready
from hub.supervise import ServiceRefused, Supervisor
from onggi import words
from onggi.errors import OnggiError, Unavailable
from onggi.reasons import Reason
from web.refusal import EX_CONFIG

DISK_ERRORS = frozenset({errno.ENOSPC, errno.EDQUOT})
START_ORDER = ("review", "hub", "desk", "broker", "proxy")
"""Egress review first, since it ends last; the hub next, since it takes longest."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the operator chose.

    Attributes:
        state: the state folder; made if it is not there.
        base_port: the proxy's port; five more follow it (see `Installation`).
        unsafe_no_sandbox: start compute although no sandbox works; every page then says so.
        language: of what is printed.
    """

    state: Path
    base_port: int = 8000
    unsafe_no_sandbox: bool = False
    language: str = words.DEFAULT_LANGUAGE


def main(options: Options) -> int:
    """Run until interrupted; the exit status (0 after a signal, 78 when something refuses to start)."""
    try:
        preflight.check_user(options.state)
        return asyncio.run(_run(options))
    except OnggiError as error:
        _print_refusal(options, error)
    except ServiceRefused as refusal:
        if refusal.error is not None:
            _print_refusal(options, refusal.error)
        else:
            _print_error(options, "see_log", name=refusal.name, log=refusal.log)
    except OSError as error:
        if error.errno in DISK_ERRORS:
            _print_refusal(options, Unavailable(Reason.DISK_FULL, path=options.state))
        else:
            _print_error(options, "folder", folder=error.filename or options.state, problem=error.strerror)
    return EX_CONFIG


async def _run(options: Options) -> int:
    began = time.monotonic()
    installation = Installation.at(
        options.state, options.base_port, unsafe_no_sandbox=options.unsafe_no_sandbox
    )
    stop = _stop_on_signals()
    with preflight.only_one(installation):
        preflight.check(installation)
        supervisor = Supervisor(installation.logs, lambda *what: _tell(options, *what))
        try:
            await _unless_stopped(_start(supervisor, installation), stop)
            if stop.is_set():
                return 0
            Ready(os.getpid(), options.base_port).write(installation.ready_file)
            _print_ready(options, installation, time.monotonic() - began)
            await _unless_stopped(supervisor.wait(), stop)
        finally:
            installation.ready_file.unlink(missing_ok=True)
            _say(options, "stopping")
            await supervisor.stop()
    return 0


async def _start(supervisor: Supervisor, installation: Installation) -> None:
    """Services and data side by side; then the demo's people and projects, as soon as there is a log.

    Raises:
        ServiceRefused, OnggiError: whatever stands in the way first; nothing waits for the rest then.
    """
    every = services(installation)
    together = (
        asyncio.create_task(supervisor.start([every[name] for name in START_ORDER])),
        asyncio.create_task(_fill(supervisor, installation)),
    )
    try:
        await asyncio.gather(*together)
    finally:
        for task in together:
            task.cancel()


async def _fill(supervisor: Supervisor, installation: Installation) -> None:
    """The demo's data; then its people, projects and grants, through the same actions as everyone's."""
    await asyncio.to_thread(ensure_demo_data, installation)
    from hub.demo import seed_demo  # the database's libraries: imported while the services start

    await supervisor.ready("review")
    await asyncio.to_thread(seed_demo, installation)


async def _unless_stopped(work: Awaitable[None], stop: asyncio.Event) -> None:
    """Do `work`, or leave it when a signal comes first.

    Raises:
        ServiceRefused: what `work` raised.
    """
    task = asyncio.ensure_future(work)
    waiting = asyncio.create_task(stop.wait())
    done, _ = await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
    waiting.cancel()
    if task in done:
        task.result()
        return
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def _stop_on_signals() -> asyncio.Event:
    stop, loop = asyncio.Event(), asyncio.get_running_loop()
    for one in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(one, stop.set)
    return stop


def _say(options: Options, key: str, **params: object) -> None:
    typer.echo(words.say(options.language, f"embedded.{key}", **params))


def _tell(options: Options, what: str, name: str, status: int) -> None:
    if what == "started":
        _say(options, "started", name=name)
    elif what == "ended":
        _say(options, "ended", name=name, status=status)


def _print_ready(options: Options, installation: Installation, seconds: float) -> None:
    from hub.demo import passwords_once

    shown = passwords_once(installation)
    if shown:
        _say(options, "passwords_intro")
        for person, password in shown.items():
            typer.echo(f"  {person:<12} {password}")
    if installation.unsafe_no_sandbox:
        _say(options, "unsafe")
    _say(options, "ready", url=installation.origin("desk"), seconds=f"{seconds:.1f}")
    _say(options, "how_to_stop", pid=os.getpid())


def _print_refusal(options: Options, error: OnggiError) -> None:
    """Why, and for a sandbox that does not work, what each finding means."""
    sentence = words.explain(options.language, error.reason, error.params)
    typer.echo(words.say(options.language, "embedded.refused", sentence=sentence), err=True)
    if error.reason is Reason.SANDBOX_UNAVAILABLE:
        for finding in error.params["finding"].split(", "):
            typer.echo(f"  {words.say(options.language, f'sandbox.{finding}')}", err=True)


def _print_error(options: Options, key: str, **params: object) -> None:
    sentence = words.say(options.language, f"embedded.{key}", **params)
    typer.echo(words.say(options.language, "embedded.refused", sentence=sentence), err=True)
