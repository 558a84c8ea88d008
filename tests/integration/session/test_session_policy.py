"""A strict project is strict from its first message, also when egress review is late with saying so."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import pytest

from egress_review.display.document import policy_from_yaml, profile_text
from egress_review.display.policy import DisplayPolicy

STRICT = policy_from_yaml(profile_text("strict"))
PREFIX = "/user/researcher1/nafld/"
POLICY = {"label": "strict-1@1", "document": STRICT.to_json()}
LOUD = """
import threading, time
from IPython.display import HTML, display
kernel = get_ipython().kernel
display(HTML('<b style="color: red">kept</b>'))
print('x y ' * 10_000)
for number in range(40):
    kernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'z w ' * 1000},
                        parent={'header': {'msg_id': f'invented-{number}'}}, ident=b'stream')
"""


async def what_a_cell_shows(kernel: Any) -> tuple[str, str]:
    """Its own text, and text that no cell explains."""
    found = await kernel.run(LOUD)
    await kernel.run("1")
    streams = [m for m in kernel.messages if m["header"]["msg_type"] == "stream"]
    background = "".join(m["content"]["text"] for m in streams if not m["parent_header"])
    html = [content["data"].get("text/html", "") for kind, content in found if kind == "display_data"]
    assert "kept" in html[0]
    assert "color" not in html[0]
    return "".join(content["text"] for kind, content in found if kind == "stream"), background


def check(own: str, background: str) -> None:
    assert STRICT.cell_text_bytes // 2 < own.count("x y ") * 4 <= STRICT.cell_text_bytes
    assert STRICT.background_bytes // 2 < background.count("z w ") * 4 <= STRICT.background_bytes
    assert STRICT.cell_text_bytes < DisplayPolicy().cell_text_bytes
    assert f"{STRICT.cell_text_bytes:,}" in own


def test_the_first_cell_of_a_strict_project(place_with: Any, browser_of: Any, kernel_of: Any) -> None:
    async def story(browser: Any) -> None:
        async with kernel_of(browser, v1=True) as kernel:
            check(*await what_a_cell_shows(kernel))

    with place_with(policy=POLICY) as place:
        browser = browser_of(place)
        asyncio.run(story(browser))
        assert {one["policy"] for one in browser.control()["record"]} <= {"strict-1@1"}


def test_a_kernel_that_began_before_the_policy_was_known_is_strict_and_nobody_was_shown_anything(
    place_with: Any, browser_of: Any, kernel_of: Any
) -> None:
    async def story(browser: Any, kernel_id: str) -> None:
        async with kernel_of(browser, v1=True, kernel_id=kernel_id) as kernel:
            check(*await what_a_cell_shows(kernel))

    with place_with(policy=POLICY, lend=503) as place:
        browser = browser_of(place)
        answers: list[tuple[int, Any]] = []
        deadline = time.monotonic() + 30
        while not answers and time.monotonic() < deadline:
            try:
                answers.append(browser.ask("POST", PREFIX + "api/kernels", {})[:2])
            except OSError:  # it waits a moment for the first lease before it listens
                time.sleep(0.1)
        ((status, answer),) = answers
        assert (status, answer["error"]["reason"]) == (503, "display_meter_unreachable")
        with pytest.raises(AssertionError):
            browser.api("GET", "api/kernels")
        browser.control(lend=200)
        deadline = time.monotonic() + 30
        while browser.ask("GET", PREFIX + "api/kernels")[0] != 200 and time.monotonic() < deadline:
            time.sleep(0.1)
        (running,) = browser.api("GET", "api/kernels")
        asyncio.run(story(browser, running["id"]))
        assert {event["details"].get("policy") for event in browser.control()["events"]} <= {
            "strict-1@1",
            None,
        }
