"""Promise 10: any process may be killed at any step of the tour; nothing is lost, no session is unaccounted.

One installation walks the tour. While each step runs, one process after another is killed with SIGKILL; the
step is taken again where it failed; then what was known before is compared with what is there.
"""

from __future__ import annotations

import contextlib
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from hub.tour import installation, steps
from hub.tour.main import STEPS
from hub.tour.steps import Journey
from tests.support import processes

SERVICES = ("review", "desk", "broker", "proxy", "hub", "up")
IN_SESSION = ("session", "agent")
NEED_KERNEL = {"read_data", "try_network", "make_table", "submit", "checks_done"}
KILL_AFTER_S = 0.15
ATTEMPTS = 4

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(1500)]


@dataclass
class Known:
    """What has been seen and must never be missing again."""

    requests: set[str] = field(default_factory=set)
    votes: set[tuple[str, ...]] = field(default_factory=set)
    events: set[str] = field(default_factory=set)
    releases: set[str] = field(default_factory=set)
    files: set[str] = field(default_factory=set)

    def look(self, state: Path) -> None:
        """Add what is there now; fail if something known is gone."""
        database = state / "review" / "review.sqlite"
        seen = Known(
            {row[0] for row in _rows(database, "SELECT id FROM requests")},
            {
                tuple(map(str, row))
                for row in _rows(database, "SELECT request, reviewer, output, ballot FROM votes")
            },
            {row[0] for row in _rows(database, "SELECT event_id FROM audit_leaves")},
            {row[0] for row in _rows(database, "SELECT id FROM releases")},
            {path.name for path in (state / "review" / "store").rglob("*") if len(path.name) == 64},
        )
        for name in ("requests", "votes", "events", "releases", "files"):
            before: set[object] = getattr(self, name)
            now: set[object] = getattr(seen, name)
            assert before <= now, f"{name} lost: {before - now}"
            setattr(self, name, now)


@pytest.fixture
def journey(tmp_path: Path) -> Iterator[Journey]:
    running = installation.start(tmp_path / "state", installation.free_base_port())
    try:
        running.wait_until_ready()
        yield Journey(running)
    finally:
        running.stop()


def test_kill_any_process_at_any_step(journey: Journey) -> None:
    known = Known()
    for name, step in STEPS:
        for victim in (*SERVICES, *IN_SESSION):
            if step_is_done_once(name) and victim != SERVICES[0]:
                break
            _step_while_killing(journey, name, step, victim)
            known.look(journey.running.installation.state)
        _take(journey, name, step)
        known.look(journey.running.installation.state)
        _sessions_are_accounted(journey)
    assert known.releases
    assert known.votes


def step_is_done_once(name: str) -> bool:
    """Steps that cannot be taken again (a second vote is refused); their killing is tested below."""
    return name in {"first_vote", "second_vote", "expire", "session_ends"}


def _step_while_killing(journey: Journey, name: str, step: Callable[[Journey], None], victim: str) -> None:
    process = processes.find(journey.running, victim)
    worker = threading.Thread(target=_try, args=(journey, step), daemon=True)
    worker.start()
    time.sleep(KILL_AFTER_S)
    if process is None:
        worker.join(90)
        return
    with contextlib.suppress(psutil.NoSuchProcess):
        process.kill()
    if victim == "up":
        _start_again(journey)
    elif victim in SERVICES:
        processes.wait_for(journey.running, victim, process.pid)
        journey.running.wait_until_ready()
    worker.join(90)
    assert not worker.is_alive(), f"step {name} hangs after {victim} was killed"


def _try(journey: Journey, step: Callable[[Journey], None]) -> None:
    with contextlib.suppress(Exception):
        step(journey)


def _start_again(journey: Journey) -> None:
    old = journey.running
    old.process.wait(30)
    state, port = old.installation.state, old.installation.base_port
    processes.until(lambda: _none_left(state), 20, "processes outlive the supervisor")
    journey.running = installation.start(state, port)
    journey.running.wait_until_ready()


def _none_left(state: Path) -> bool:
    """Whether no process of this installation runs: none has its state folder in its environment."""
    mark = f"ONGGI_STATE={state}".encode()
    for process in psutil.process_iter():
        with contextlib.suppress(OSError):
            if mark in Path(f"/proc/{process.pid}/environ").read_bytes():
                return False
    return True


def _take(journey: Journey, name: str, step: Callable[[Journey], None]) -> None:
    """Take a step for good, after a kill; a lost session is opened again first."""
    for attempt in range(ATTEMPTS):
        try:
            if name in NEED_KERNEL:
                _ensure_kernel(journey)
            step(journey)
        except Exception:
            if attempt == ATTEMPTS - 1:
                raise
            time.sleep(2)
        else:
            return


def _ensure_kernel(journey: Journey) -> None:
    with contextlib.suppress(Exception):
        if journey.in_kernel().run("import onggi, socket").error is None:
            return
    steps.open_session(journey)
    steps.run_cell(journey)
    journey.in_kernel().run("import onggi, socket")


def _sessions_are_accounted(journey: Journey) -> None:
    """Soon the registry's open sessions are exactly the session servers that run."""
    state = journey.running.installation.state

    def agree() -> bool:
        rows = _rows(state / "hub" / "registry.sqlite", "SELECT count(*) FROM sessions WHERE ended IS NULL")
        running = processes.find(journey.running, "session")
        return rows[0][0] == (1 if running else 0)

    processes.until(agree, 60, "registry and running sessions disagree")


def _rows(database: Path, query: str) -> list[tuple[object, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=10)) as connection:
        return connection.execute(query).fetchall()
