"""Promise 10: any process may be killed at any step of the tour; nothing is lost, no session is unaccounted.

Covered: each of review, desk, proxy, hub, broker, session server, agent and `onggi up` itself, one test each,
is killed with SIGKILL once during each of the tour's sixteen steps at which it runs (session server and agent
run from the opening of the session to its end). The moment lies between 0 and the time that the step took
unharmed; it is drawn from a generator seeded with victim and step, so that it is the same in each run and
another for each pair. A service comes back by itself; of a killed `onggi up` nothing may be left, and it is
started again. Then everything known before must be there, and a step that did not come out is taken again;
votes and the end of the membership only if they have not happened: no step is done twice. At the end of each
walk, registry, session servers, agents and session folders agree, the log says of every change in the
registry that it came about or that it did not, and the exported log verifies with the public key.

Not covered: two processes killed at once, and power cuts (see `test_review_crash` for the database's own).
"""

from __future__ import annotations

import contextlib
import random
import threading
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from hub.tour.main import STEPS
from hub.tour.steps import PROJECT, Journey
from hub.tour.verify import verify_audit
from tests.support import known, processes
from tests.support.hurt import Hurt, ensure_kernel, insist, one_to_hurt

VICTIMS = (*processes.SERVICES, "session", "agent", "up")
IN_SESSION = ("session", "agent")
NEEDS_KERNEL = {"read_data", "try_network", "make_table", "submit", "checks_done", "expire"}
NEEDS_SESSION = {"run_cell"}
MEMBER = "researcher1"

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def hurt(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hurt]:
    """One for each victim: a killed session loses what its member's day had lent it, and a day is no more."""
    with one_to_hurt(tmp_path_factory.mktemp("faults") / "state") as made:
        yield made


@pytest.fixture(autouse=True)
def unharmed(hurt: Hurt) -> None:
    """One walk without harm first: how long each step takes, and that it works."""
    journey = hurt.journey()
    for name, step in STEPS:
        began = time.monotonic()
        step(journey)
        hurt.usual[name] = time.monotonic() - began
    journey.close()
    hurt.known.look(hurt.state)


@pytest.mark.parametrize("victim", VICTIMS)
def test_nothing_is_lost(hurt: Hurt, victim: str) -> None:
    journey = hurt.journey()
    insist(lambda: admit(journey))
    for name, step in STEPS:
        if name in NEEDS_KERNEL:
            insist(lambda: ensure_kernel(journey))
        began = time.monotonic()
        came_out = take_while_killing(hurt, journey, name, step, victim)
        took = time.monotonic() - began
        hurt.known.look(hurt.state)
        if not came_out and not has_happened(hurt, journey, name):
            insist(lambda step=step, name=name: take_again(journey, name, step))  # type: ignore[misc]
        if name == "second_vote":
            processes.until(lambda: is_certified(hurt, journey.request), 60, "the release was lost")
        if name == "released":
            assert journey.release == release_of(hurt, journey.request)
        hurt.known.look(hurt.state)
        print(
            f"{victim} {name}: came out {came_out}, {took:.1f} s, and {time.monotonic() - began - took:.1f} s"
        )
    processes.until(hurt.sessions_agree, 90, "registry, servers, agents and folders disagree")
    known.log_and_registry_agree(hurt.state)
    verify_audit(journey)
    journey.close()


def take_while_killing(
    hurt: Hurt, journey: Journey, name: str, step: Callable[[Journey], None], victim: str
) -> bool:
    """Take a step; meanwhile kill. Whether the step came out all the same."""
    outcome: list[bool] = []
    worker = threading.Thread(target=attempt, args=(journey, step, outcome), daemon=True)
    delay = random.Random(f"{victim} {name}").uniform(0, hurt.usual[name])
    worker.start()
    time.sleep(delay)
    process = found(hurt, victim, worker)
    if process is not None:
        hurt.kill(victim, process)
        journey.running = hurt.running
    worker.join(100)
    assert not worker.is_alive(), f"{name} hangs after {victim} was killed"
    return bool(outcome)


def found(hurt: Hurt, victim: str, worker: threading.Thread) -> psutil.Process | None:
    """The victim; one of a session that is being opened may still have to come."""
    while True:
        process = processes.find(hurt.running, victim)
        if process is not None or victim not in IN_SESSION or not worker.is_alive():
            return process
        time.sleep(0.02)


def attempt(journey: Journey, step: Callable[[Journey], None], outcome: list[bool]) -> None:
    with contextlib.suppress(Exception):
        step(journey)
        outcome.append(True)


def take_again(journey: Journey, name: str, step: Callable[[Journey], None]) -> None:
    if name in NEEDS_KERNEL | NEEDS_SESSION:
        ensure_kernel(journey)
    step(journey)


def has_happened(hurt: Hurt, journey: Journey, name: str) -> bool:
    """Whether a step that must not be done twice has been done, although it did not seem so."""
    if name in {"first_vote", "second_vote"}:
        reviewer = {"first_vote": "reviewer1", "second_vote": "reviewer2"}[name]
        query = "SELECT 1 FROM votes WHERE request = ? AND reviewer = ?"
        return bool(known.review(hurt.state, query, journey.request, reviewer))
    if name == "expire":
        query = "SELECT 1 FROM memberships WHERE project = ? AND person = ? AND ends IS NOT NULL"
        return bool(known.registry(hurt.state, query, PROJECT, MEMBER))
    return False


def is_certified(hurt: Hurt, request: str) -> bool:
    query = "SELECT 1 FROM releases WHERE request = ? AND certificate IS NOT NULL"
    return len(known.review(hurt.state, query, request)) == 1


def release_of(hurt: Hurt, request: str) -> str:
    return str(known.review(hurt.state, "SELECT id FROM releases WHERE request = ?", request)[0][0])


def admit(journey: Journey) -> None:
    """An administrator puts the researcher (back) into the project."""
    visitor = journey.visitor("admin")
    path = f"/admin/projects/{PROJECT}"
    page = visitor.get(journey.running.origin("desk") + path)
    member = {"person": MEMBER, "role": "researcher", "starts": "", "ends": ""}
    answer = visitor.submit(page, f"{path}/members", member)
    if not answer.is_success:
        raise RuntimeError(f"the desk answered {answer.status_code}")
