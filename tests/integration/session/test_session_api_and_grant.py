"""The compute's door, and what happens when the desk says no or nothing."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import http.client
import json
import os
import socket
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from onggi.submission import FINDINGS_BYTES, MAX_CONTEXT_BYTES, MAX_PURPOSE_BYTES


class Door(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("session", timeout=30)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(30)
        self.sock.connect(self._path)


@pytest.fixture
def ask(place: Any) -> Callable[..., tuple[int, Any]]:
    def asking(method: str, path: str, body: Any = None) -> tuple[int, Any]:
        raw = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        with contextlib.closing(Door(str(place.run / "api" / "session.sock"))) as door:
            door.request(method, path, raw, {"Content-Type": "application/json"})
            answer = door.getresponse()
            return answer.status, json.loads(answer.read() or b"null")

    return asking


def submit(*paths: str) -> dict[str, Any]:
    return {"paths": list(paths), "purpose": "p", "context": "c"}


def test_who_and_what(ask: Any) -> None:
    status, session = ask("GET", "/v1/session")
    assert status == 200
    assert (session["member"], session["project"]) == ("researcher1", "nafld")
    assert ask("GET", "/v1/datasets")[1]["datasets"][0]["path"] == "/data/nafld/1"
    budget = ask("GET", "/v1/budget")[1]
    assert budget["session_bytes_used"] <= budget["session_bytes"]


def test_a_submission_arrives_byte_for_byte_with_its_claim(ask: Any, place: Any) -> None:
    data = os.urandom(3_000_000)
    (place.project / "out.csv").write_bytes(data)
    (place.project / "out.csv.claim.json").write_text('{"sql": "SELECT 1"}')
    status, request = ask("POST", "/v1/requests", submit("out.csv"))
    assert status == 201
    assert request["state"] == "submitted"
    assert request["outputs"] == [
        {
            "name": "out.csv",
            "size": len(data),
            "sha256": hashlib.sha256(data).hexdigest(),
            "claim": {"sql": "SELECT 1"},
        }
    ]
    assert not list((place.run / "server" / "submissions").iterdir())
    assert ask("GET", "/v1/requests")[1]["requests"]
    assert ask("POST", f"/v1/requests/{request['id']}/withdraw")[1]["state"] == "withdrawn"


def test_what_the_pages_outside_will_show_of_a_request_is_paid(ask: Any, place: Any) -> None:
    (place.project / "words.csv").write_text("a\n1\n")
    before = ask("GET", "/v1/budget")[1]["session_bytes_used"]
    texts = {"purpose": "p" * MAX_PURPOSE_BYTES, "context": "c" * MAX_CONTEXT_BYTES}
    assert ask("POST", "/v1/requests", submit("words.csv") | texts)[0] == 201
    paid = ask("GET", "/v1/budget")[1]["session_bytes_used"] - before
    assert paid == MAX_PURPOSE_BYTES + MAX_CONTEXT_BYTES + len("words.csv") + FINDINGS_BYTES


def test_a_revision_names_the_returned_request(ask: Any, place: Any) -> None:
    (place.project / "again.csv").write_text("a\n1\n")
    status, request = ask("POST", "/v1/requests", submit("again.csv") | {"revises": "r-0123456789abcdef"})
    assert status == 201
    assert request["revises"] == "r-0123456789abcdef"
    assert "revises" not in ask("POST", "/v1/requests", submit("again.csv") | {"revises": None})[1]


def test_texts_as_long_as_review_takes_them_pass(ask: Any, place: Any) -> None:
    (place.project / "long.csv").write_text("a\n1\n")
    texts = {"purpose": "p" * MAX_PURPOSE_BYTES, "context": "c" * MAX_CONTEXT_BYTES}
    assert ask("POST", "/v1/requests", submit("long.csv") | texts)[0] == 201
    assert ask("POST", "/v1/requests", submit("long.csv") | {"purpose": "가" * 700})[0] == 422


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"{", 422),
        (submit("again.csv") | {"revises": "../r-1"}, 422),
        (submit("again.csv") | {"revises": ["r-1"]}, 422),
        (submit("again.csv") | {"revises": "r-" + "1" * 41}, 422),
        (b"[" * 5000, 422),
        ({"paths": ["a"]}, 422),
        ({"paths": ["a"], "purpose": "p", "context": "c", "member": "admin"}, 422),
        (submit(), 422),
        (submit(*[f"f{n}" for n in range(101)]), 422),
        (submit("out2.csv", "out2.csv"), 422),
        (submit("missing.csv"), 404),
        (submit("../server/plan.json"), 422),
        (submit("/etc/passwd"), 422),
        (submit("a\0b"), 422),
        ({"paths": ["a"], "purpose": "p" * 5000, "context": ""}, 422),
        ({"paths": "a", "purpose": "", "context": ""}, 422),
    ],
)
def test_malformed_submissions_say_why(ask: Any, body: Any, status: int) -> None:
    time.sleep(0.06)
    answered, answer = ask("POST", "/v1/requests", body)
    assert answered == status
    assert answer["error"]["reason"]


def test_links_pipes_and_big_files_are_not_submitted(ask: Any, place: Any) -> None:
    (place.project / "link.csv").symlink_to("/etc/passwd")
    os.mkfifo(place.project / "pipe.csv")
    with (place.project / "big.csv").open("wb") as big:
        big.truncate(65 * 1024 * 1024)
    for name, reason in (
        ("link.csv", "file_link_refused"),
        ("pipe.csv", "file_not_regular"),
        ("big.csv", "file_too_large"),
    ):
        assert ask("POST", "/v1/requests", submit(name))[1]["error"]["reason"] == reason


def test_large_bodies_and_floods_are_refused(ask: Any) -> None:
    with pytest.raises((OSError, http.client.HTTPException, ValueError)):
        raise ValueError(ask("POST", "/v1/requests", b"x" * 400_000)[0] == 400)
    with ThreadPoolExecutor(120) as many:
        statuses = Counter(many.map(lambda _: ask("GET", "/v1/session")[0], range(120)))
    assert set(statuses) == {200, 429}
    time.sleep(2)


def test_who_asks_fast_waits_and_is_answered(ask: Any) -> None:
    begun = time.monotonic()
    assert {ask("GET", "/v1/session")[0] for _ in range(80)} == {200}
    assert time.monotonic() - begun > 1.5  # 40 pass at once, the others at 20 a second
    time.sleep(2)


def test_a_silent_review_loses_no_event(new_kernel: Any, browser: Any) -> None:
    browser.control(review=503)

    async def story() -> None:
        async with new_kernel() as kernel:
            await kernel.run("print('while review is away')")

    asyncio.run(story())
    before = len(browser.control()["events"])
    browser.control(review=201)
    deadline = time.monotonic() + 20
    while len(browser.control()["events"]) < before + 2 and time.monotonic() < deadline:
        time.sleep(0.2)
    events = browser.control()["events"]
    assert {"cell.execute", "cell.shown"} <= {event["action"] for event in events[before:]}


async def read_on(kernel: Any) -> None:
    while True:
        await kernel.read()


def answers(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=2):
        return True
    return False


def test_the_desk_ends_the_session(new_kernel: Any, browser: Any, place: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            await kernel.run("1")
            browser.control(desk=403)
            begun = time.monotonic()
            with pytest.raises(EOFError):
                await read_on(kernel)
            assert time.monotonic() - begun < 15

    if "default" in str(new_kernel):
        return
    with contextlib.suppress(OSError):  # the server is gone when the kernel is to be deleted
        asyncio.run(story())
    deadline = time.monotonic() + 15
    while answers(place.port):
        assert time.monotonic() < deadline
        time.sleep(0.2)
