"""An installation that is hurt on purpose: processes killed, then everything as before."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest
import websocket

from hub.tour import installation, steps
from hub.tour.installation import Running
from hub.tour.steps import Journey
from onggi.sandbox import probe
from tests.support import known, processes
from tests.support.known import Known

ALIVE = "import onggi, socket"


@dataclass
class Hurt:
    """A running installation, what is known to be in it, and how long each step of the tour usually takes."""

    running: Running
    known: Known = field(default_factory=Known)
    usual: dict[str, float] = field(default_factory=dict)

    @property
    def state(self) -> Path:
        """Its state folder."""
        return self.running.installation.state

    def journey(self) -> Journey:
        """A researcher's new journey; nobody has signed in yet."""
        return Journey(self.running)

    def kill(self, name: str, process: psutil.Process) -> None:
        """SIGKILL; returns when the process is back, or, for one of a session, at once."""
        before = processes.tree(self.running) if name == "up" else []
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
        if name == "up":
            self.running.process.wait(30)
            processes.until_none_left(self.state, before)
            self.start()
        elif name in processes.SERVICES:
            processes.wait_for(self.running, name, process.pid)

    def start(self) -> None:
        """Start `onggi up` again, as it was."""
        old = self.running.installation
        self.running = installation.start(old.state, old.base_port)
        self.running.wait_until_ready()

    def sessions_agree(self) -> bool:
        """Whether leases, session servers, agents and session folders are equally many."""
        leases = known.registry(self.state, "SELECT count(*) FROM sessions WHERE ended IS NULL")
        counts = {
            int(str(leases[0][0])),
            len(processes.find_all(self.running, "session")),
            len(processes.find_all(self.running, "agent")),
            len(list((self.state / "run" / "s").glob("*"))),
        }
        return len(counts) == 1


def ensure_kernel(journey: Journey) -> None:
    """A kernel that answers: the same one, else one in the same session, else one in a new session.

    A kernel that could not be reached in time is ended: a session has room for few.
    """
    if journey.kernel is not None:
        with contextlib.suppress(websocket.WebSocketException, OSError):
            if journey.kernel.run(ALIVE).error is None:
                return
        with contextlib.suppress(websocket.WebSocketException, OSError):
            journey.kernel.reconnect()
            if journey.kernel.run(ALIVE).error is None:
                return
    journey.leave_kernel()
    steps.open_session(journey)
    steps.run_cell(journey)
    journey.in_kernel().run(ALIVE)
    journey.in_kernel().end_others()


def insist(act: Callable[[], object], timeout_s: float = 60) -> None:
    """Do it; while it fails, again, as a patient person would.

    Raises:
        Exception: how it failed after `timeout_s`.
    """
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            act()
        except Exception:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.5)
        else:
            return


@contextlib.contextmanager
def one_to_hurt(state: Path) -> Iterator[Hurt]:
    """A ready installation, ended afterwards."""
    if os.geteuid() == 0 or not probe().working:
        pytest.skip("needs an ordinary user and a working sandbox")
    made = Hurt(installation.start(state, installation.free_base_port()))
    try:
        made.running.wait_until_ready()
        yield made
    finally:
        made.running.stop()
