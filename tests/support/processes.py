"""The processes of a running installation, by what they are."""

from __future__ import annotations

import contextlib
import signal
import socket
import time
from collections.abc import Callable
from pathlib import Path

import httpx2 as httpx
import psutil

from hub.composition import services
from hub.tour.installation import Running

MARKS = {
    "review": "egress_review",
    "desk": "hub.desk",
    "broker": "spawner.broker",
    "proxy": "configurable-http-proxy",
    "hub": "jupyterhub",
    "session": "session",
    "agent": "onggi.agent",
}
SERVICES = ("review", "desk", "proxy", "hub", "broker")


def find_all(running: Running, name: str) -> list[psutil.Process]:
    """The processes called `name`: a service, `session`, `agent`, or `up` itself."""
    try:
        root = psutil.Process(running.process.pid)
        if name == "up":
            return [root]
        return [one for one in root.children(recursive=True) if _is(_words(one), MARKS[name])]
    except psutil.NoSuchProcess:
        return []


def find(running: Running, name: str) -> psutil.Process | None:
    """The process called `name`, or None."""
    return next(iter(find_all(running, name)), None)


def wait_for(running: Running, name: str, old: int | None, timeout_s: float = 60) -> psutil.Process:
    """The process called `name` once it is there, is not `old`, and, if it is a service, answers.

    Raises:
        TimeoutError: if it does not come.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = find(running, name)
        if found is not None and found.pid != old and (name not in SERVICES or _answers(running, name)):
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{name} did not come back")


def of(state: Path) -> list[psutil.Process]:
    """Every process of the installation in `state`, whoever its parent is.

    Services have the state folder in their environment; boxed processes have something of it mounted.
    """
    in_environment = f"ONGGI_STATE={state}\0".encode()
    mounted = "/".join(("", *state.parts[-3:], "")).encode()
    found = []
    for process in psutil.process_iter():
        proc = Path(f"/proc/{process.pid}")
        with contextlib.suppress(OSError):
            if mounted in (proc / "mountinfo").read_bytes() or in_environment in (
                (proc / "environ").read_bytes()
            ):
                found.append(process)
    return found


def caught(running: Running) -> set[signal.Signals]:
    """The signals that `onggi up` has handlers for at this moment."""
    status = Path(f"/proc/{running.process.pid}/status").read_text("ascii")
    mask = int(status.split("SigCgt:\t", 1)[1].split("\n", 1)[0], 16)
    return {one for one in signal.Signals if mask >> (one - 1) & 1}


def is_command(running: Running) -> bool:
    """Whether the process has become `onggi up`."""
    return b"hub.cli" in Path(f"/proc/{running.process.pid}/cmdline").read_bytes()


def until(condition: Callable[[], bool], timeout_s: float, what: str, every_s: float = 0.2) -> None:
    """Wait until `condition` holds.

    Raises:
        TimeoutError: saying `what` did not come true.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(every_s)


def until_none_left(state: Path, also: list[psutil.Process], timeout_s: float = 20) -> None:
    """Wait until no process of the installation is left, nor any of `also`.

    Raises:
        TimeoutError: naming those that are.
    """
    deadline = time.monotonic() + timeout_s
    while left := [*of(state), *(one for one in also if _runs(one))]:
        if time.monotonic() > deadline:
            raise TimeoutError(f"still there: {[(one.pid, _words(one)[:4]) for one in left]}")
        time.sleep(0.1)


def tree(running: Running) -> list[psutil.Process]:
    """`onggi up` and everything that descends from it at this moment."""
    root = psutil.Process(running.process.pid)
    return [root, *root.children(recursive=True)]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _words(process: psutil.Process) -> list[str]:
    try:
        return process.cmdline()
    except psutil.Error:
        return []


def _is(words: list[str], mark: str) -> bool:
    if not words or words[0].rsplit("/", 1)[-1] in {"bwrap", "env"}:
        return False
    return any(word == mark or word.endswith(f"/{mark}") for word in words[:4])


def _answers(running: Running, name: str) -> bool:
    service = services(running.installation)[name]
    if service.socket is not None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            return connection.connect_ex(str(service.socket)) == 0
    try:
        answer = httpx.get(service.health, timeout=2, trust_env=False)
    except httpx.HTTPError:
        return False
    return answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR
