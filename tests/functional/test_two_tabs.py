"""One notebook in two tabs of one session: each is charged for, and neither is in the other's way."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.tour.installation import Running
from tests.support.lab_page import LabPage, open_lab

pytestmark = [pytest.mark.browser, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

SPENT = """async () => {
    const config = JSON.parse(document.getElementById('jupyter-config-data').textContent);
    const token = document.cookie.match(/_xsrf=([^;]*)/)[1];
    const headers = { 'X-Onggi-Page': config.onggi.page_key, 'X-XSRFToken': token };
    const answer = await fetch(config.baseUrl + 'onggi/status', { headers });
    return (await answer.json()).budget.session_bytes_used;
}"""
TIMES = 4000
MESSAGE = 16  # bytes, what a message costs at least (`standard`)
BAD = re.compile(r"\b(?:ERROR|CRITICAL|Traceback|Exception)\b")


def heard(page: Page) -> list[str]:
    """What comes in on the sockets of a page from now on."""
    frames: list[str] = []

    def take(frame: str | bytes) -> None:
        frames.append(frame if isinstance(frame, str) else frame.decode("utf-8", "replace"))

    page.on("websocket", lambda socket: socket.on("framereceived", take))
    return frames


def spent(lab: LabPage) -> int:
    lab.page.wait_for_timeout(1500)  # what a cell showed is counted with it, what follows it a moment later
    return int(lab.in_page(SPENT))


def marks(frames: list[str], mark: str) -> int:
    """How many times a mark of a cell's output came in, its source aside."""
    return sum(one.count(mark) for one in frames if one.count(mark) > 1)


def test_what_each_tab_is_shown_is_charged_and_both_go_on(browser: Browser, running: Running) -> None:
    first = open_lab(browser, running, "researcher1", "nafld-study", "en")
    first_frames = heard(first.page)
    first.page.goto(first.session + "lab")
    first.new_notebook()
    second = LabPage(
        running, "researcher1", "nafld-study", "en", first.context, first.context.new_page(), first.trouble
    )
    second_frames = heard(second.page)
    second.open()
    second.page.goto(first.session + "lab/tree/Untitled.ipynb")
    expect(second.page.locator(".jp-Notebook .jp-CodeCell")).to_have_count(1, timeout=60_000)
    expect(second.page.locator(".jp-StatusBar-Left", has_text="| Idle")).to_be_visible(timeout=60_000)
    for number, lab in enumerate((first, second, first)):
        mark = f"mark{number}"
        before = spent(first)
        lab.page.bring_to_front()
        shown = lab.run(f"seen = globals().get('seen', 0) + 1; print(seen, '{mark}' * {TIMES})")
        expect(shown).to_contain_text(f"{number + 1} {mark}")  # one kernel for both
        # Either tab may be told first. It is charged in full; the other one pays a message of the output's
        # budget, and the repeated bytes from the page's (`session.kernels.channels`).
        assert [marks(frames, mark) for frames in (first_frames, second_frames)] == [TIMES, TIMES]
        charged = spent(first) - before
        assert TIMES * len(mark) + MESSAGE <= charged < 2 * TIMES * len(mark)
    assert first.trouble == []
    logs = running.installation.state.rglob("session-*.log")
    lines = [line for one in logs for line in one.read_text("utf-8", "replace").splitlines()]
    assert [line for line in lines if BAD.search(line)] == []
    first.context.close()
