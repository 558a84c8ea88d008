"""A hub, desk, proxy or egress review that is killed and comes back leaves open sessions working."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import websocket

from hub.tour.kernel import Kernel
from hub.tour.steps import Journey
from tests.support import processes
from tests.support.hurt import Hurt, ensure_kernel, insist

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def at_work(hurt: Hurt) -> Iterator[Journey]:
    """A researcher with a kernel that holds something."""
    journey = hurt.journey()
    ensure_kernel(journey)
    journey.in_kernel().run("kept = [20, 22]")
    yield journey
    journey.close()


@pytest.mark.parametrize("victim", ["hub", "desk", "review", "proxy"])
def test_the_same_kernel_goes_on(hurt: Hurt, at_work: Journey, victim: str) -> None:
    kernel, servers = at_work.in_kernel(), processes.find_all(hurt.running, "session")
    process = processes.find(hurt.running, victim)
    assert process is not None
    hurt.kill(victim, process)
    insist(lambda: expect_kept(kernel, through_proxy=victim == "proxy"), 30)
    assert processes.find_all(hurt.running, "session") == servers
    processes.until(hurt.sessions_agree, 30, "registry, servers, agents and folders disagree")


def expect_kept(kernel: Kernel, *, through_proxy: bool) -> None:
    """The variable is there, over the same connection; a new one only where the proxy carried it."""
    try:
        shown = kernel.run("print(sum(kept))")
    except (websocket.WebSocketException, OSError):
        if not through_proxy:
            raise
        kernel.reconnect()
        shown = kernel.run("print(sum(kept))")
    if shown.text.strip() != "42":
        raise AssertionError(f"the cell showed {shown}")


def test_what_is_lost_with_the_broker_is_accounted_for(hurt: Hurt, at_work: Journey) -> None:
    """Sessions end with the broker; nobody does anything, and soon no lease, process or folder is left."""
    process = processes.find(hurt.running, "broker")
    assert process is not None
    hurt.kill("broker", process)
    insist(lambda: expect_none(hurt), 90)
    insist(lambda: ensure_kernel(at_work))


def test_what_is_lost_with_everything_is_accounted_for(hurt: Hurt, at_work: Journey) -> None:
    """The same after `onggi up` itself was killed and started again."""
    ensure_kernel(at_work)
    process = processes.find(hurt.running, "up")
    assert process is not None
    hurt.kill("up", process)
    insist(lambda: expect_none(hurt), 90)
    at_work.running = hurt.running
    insist(lambda: ensure_kernel(at_work))


def expect_none(hurt: Hurt) -> None:
    """No session of any kind is left."""
    if not hurt.sessions_agree() or processes.find_all(hurt.running, "session"):
        raise AssertionError("something of a session is left")
