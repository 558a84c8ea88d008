"""However `onggi up` ends, everything that it started ends; and everything listens on loopback only."""

from __future__ import annotations

import signal
import time
from pathlib import Path

import psutil
import pytest

from hub.tour import installation
from hub.tour.installation import Running
from tests.support import processes
from tests.support.hurt import Hurt, ensure_kernel

ALL_ENDED_S = 20
"""Promised: so long after a signal no process is left."""
MOMENT_S = 60
MOMENTS = ("at once", "data and services", "people", "ready")

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(240)]


@pytest.fixture(scope="module")
def state(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ends") / "state"


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("moment", MOMENTS)
def test_every_process_ends(state: Path, moment: str, signum: signal.Signals) -> None:
    running = installation.start(state, installation.free_base_port())
    try:
        wait_for_moment(running, moment)
        before = processes.tree(running)
        began = time.monotonic()
        running.process.send_signal(signum)
        status = running.process.wait(ALL_ENDED_S)
        processes.until_none_left(state, before[1:], ALL_ENDED_S - (time.monotonic() - began))
    finally:
        running.process.kill()  # the next test uses the same state
        running.process.wait()
    orderly = -signal.SIGKILL if signum is signal.SIGKILL else 0
    ends = {orderly, -signum} if moment == "at once" else {orderly}
    assert status in ends, running.output.read_text()


def wait_for_moment(running: Running, moment: str) -> None:
    """Each moment by what can be seen of it, however slow the machine.

    `at once` is as soon as the command has put Python's own Ctrl-C aside: in the fraction of a second before,
    while Python itself starts, an exception can be lost.
    """
    if moment == "ready":
        running.wait_until_ready()
    elif moment == "at once":
        seen: set[signal.Signals] = set()
        processes.until(lambda: _command_began(running, seen), MOMENT_S, moment, every_s=0.002)
    else:
        processes.until(lambda: signal.SIGTERM in processes.caught(running), MOMENT_S, moment)
        services = len(processes.SERVICES) if moment == "people" else 1
        processes.until(lambda: len(processes.tree(running)) > services, MOMENT_S, moment)
    assert running.process.poll() is None, running.output.read_text()


def _command_began(running: Running, seen: set[signal.Signals]) -> bool:
    """Python has caught SIGINT for itself, and the command has put that aside or is past that already.

    Whether SIGTERM is caught says nothing yet: where coverage is measured, it is from Python's start.
    """
    if not processes.is_command(running):
        return False  # still the copy of this test that becomes it, which catches SIGINT too
    now = processes.caught(running)
    seen |= now
    return signal.SIGINT in seen and (signal.SIGINT not in now or len(processes.tree(running)) > 1)


def test_with_a_session_open_everything_ends_and_listened_on_loopback(hurt: Hurt) -> None:
    journey = hurt.journey()
    ensure_kernel(journey)
    everything = processes.tree(hurt.running)
    addresses = {
        (process.name(), one.laddr.ip)
        for process in everything
        for one in process.net_connections(kind="inet")
        if one.status == psutil.CONN_LISTEN or one.type.name == "SOCK_DGRAM"
    }
    assert len(addresses) > 1
    assert {ip for _, ip in addresses} == {"127.0.0.1"}
    journey.close()
    began = time.monotonic()
    hurt.running.process.send_signal(signal.SIGINT)
    assert hurt.running.process.wait(ALL_ENDED_S) == 0
    processes.until_none_left(hurt.state, everything[1:], ALL_ENDED_S - (time.monotonic() - began))
    assert list((hurt.state / "run" / "s").glob("*")) == []
    hurt.start()
