"""The processes of a running installation, by what they are."""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

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


def find(running: Running, name: str) -> psutil.Process | None:
    """The process called `name`: a service, `session`, `agent`, or `up` itself."""
    root = psutil.Process(running.process.pid)
    if name == "up":
        return root
    for process in root.children(recursive=True):
        try:
            words = process.cmdline()
        except psutil.Error:
            continue
        if _is(words, MARKS[name]):
            return process
    return None


def wait_for(running: Running, name: str, old: int | None, timeout_s: float = 60) -> psutil.Process:
    """The process called `name` once it is there and is not `old`.

    Raises:
        TimeoutError: if it does not come.
    """
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        found = find(running, name)
        if found is not None and found.pid != old:
            return found
        time.sleep(0.1)
    raise TimeoutError(f"{name} did not come back")


def until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait until `condition` holds.

    Raises:
        TimeoutError: saying `what` did not come true.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.2)


def _is(words: list[str], mark: str) -> bool:
    if not words or words[0].rsplit("/", 1)[-1] in {"bwrap", "env"}:
        return False
    return any(word == mark or word.endswith(f"/{mark}") for word in words[:4])
