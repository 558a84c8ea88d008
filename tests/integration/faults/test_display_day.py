"""A session server killed while it shows something: what it had not spent comes back, what it showed is
known."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest
import websocket

from hub.tour.kernel import Kernel
from hub.tour.steps import PROJECT
from tests.support import processes
from tests.support.hurt import Hurt, ensure_kernel, insist
from web.clients import ReviewClient
from web.tokens import token_of

pytestmark = [pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(240)]

BASE = "/internal/display"
STEP = 64 * 1024
USED = """
import json
from onggi.notebook.client import call
print(json.dumps(call("GET", "/v1/budget")))
"""
CODE = "print('seen before the end'); import time; time.sleep(60)"


@pytest.fixture(scope="module")
def review(hurt: Hurt) -> Iterator[ReviewClient]:
    """Egress review as the desk asks it."""
    made = ReviewClient(hurt.running.origin("review"), token_of(hurt.running.installation.secrets, "desk"))
    yield made
    made.close()


def lent(review: ReviewClient) -> int:
    days: list[dict[str, Any]] = review.call("GET", f"{BASE}/budgets", None, project=PROJECT)["days"]
    return sum(one["output"] for one in days)


def test_what_a_killed_session_showed_stays_charged_and_recorded(hurt: Hurt, review: ReviewClient) -> None:
    journey = hurt.journey()
    ensure_kernel(journey)
    journey.in_kernel().run("print('an earlier cell')")
    kernel = journey.in_kernel()
    used = json.loads(kernel.run(USED).text)["session_bytes_used"]
    running = threading.Thread(target=_run_to_its_end, args=(kernel,))
    running.start()
    (session,) = insist_sessions(review)
    before = lent(review)
    assert before > 0
    insist(lambda: expect_running(hurt), 30)
    (server,) = processes.find_all(hurt.running, "session")
    hurt.kill("session", server)
    running.join(30)
    insist(lambda: expect_less(review, before), 60)
    rest = lent(review)
    assert used < rest < used + STEP + 1024  # what was shown and what was written down ahead, and no more
    insist(lambda: expect_seen(review, session), 60)
    insist(lambda: ensure_kernel(journey), 90)
    insist(lambda: expect_more(review, rest), 30)
    journey.close()


def _run_to_its_end(kernel: Kernel) -> None:
    with contextlib.suppress(websocket.WebSocketException, OSError):
        kernel.run(CODE)


def insist_sessions(review: ReviewClient) -> list[str]:
    """The sessions that have shown something."""
    found: list[str] = []

    def look() -> None:
        told = review.call("GET", f"{BASE}/projects/{PROJECT}/sessions")["sessions"]
        found[:] = [str(one["session"]) for one in told]
        if not found:
            raise AssertionError(told)

    insist(look, 30)
    return found


def expect_running(hurt: Hurt) -> None:
    """The cell's first line is in the session's journal, and so before the browser."""
    leaves = (hurt.running.installation.run / "s").glob("*/server/shown/*")
    if not any("seen before the end" in one.read_text("utf-8") for one in leaves):
        raise AssertionError("not shown yet")


def expect_seen(review: ReviewClient, session: str) -> None:
    """What the killed session had shown of the cell is in its record."""
    showings = review.call("GET", f"{BASE}/sessions/{session}")["showings"]
    texts = [
        piece["content"]
        for one in showings
        for piece in review.call("POST", f"{BASE}/showings/{one['id']}", {"actor": "auditor"})["pieces"]
    ]
    if "seen before the end\n" not in texts:
        raise AssertionError(texts)


def expect_more(review: ReviewClient, before: int) -> None:
    """The next session was lent a block of its own, on top of what the killed one had spent."""
    if lent(review) <= before:
        raise AssertionError(lent(review))


def expect_less(review: ReviewClient, before: int) -> None:
    """The broker gave back what the killed session had left."""
    if lent(review) >= before:
        raise AssertionError(lent(review))
