"""What sessions show, as administrators see it in a real browser: record, budget, policy."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.tour.installation import Running
from hub.tour.kernel import Kernel
from hub.tour.steps import PROJECT, open_session_of
from hub.tour.visitor import Visitor
from onggi.words import say

pytestmark = [pytest.mark.browser, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

HOSTILE = "print('<img src=x onerror=document.title=1>' + chr(0x202e) + 'abc')"
PLOT = """
import base64, struct, zlib
from IPython.display import Image, display
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
pixels = b''.join(b'\\0' + b''.join(bytes([x * 2, y * 2, 120]) for x in range(120)) for y in range(120))
head = struct.pack('>IIBBBBB', 120, 120, 8, 2, 0, 0, 0)
body = chunk(b'IHDR', head) + chunk(b'IDAT', zlib.compress(pixels)) + chunk(b'IEND', b'')
display(Image(b'\\x89PNG\\r\\n\\x1a\\n' + body))
"""
LARGE = "print(('one line after another ' * 10 + chr(10)) * 5000)"


@pytest.fixture(scope="module")
def researcher(running: Running) -> Iterator[Visitor]:
    made = Visitor("researcher1", running.password("researcher1"), running.origin("hub_public"))
    made.sign_in()
    yield made
    made.close()


@pytest.fixture(scope="module")
def session(running: Running, researcher: Visitor) -> str:
    """A session that has shown text, an image, something hostile, and something that was cut."""
    open_session_of(researcher, PROJECT, running.origin("desk"))
    with Kernel(researcher, PROJECT) as kernel:
        for code in ("print('hello')\n1 + 1", HOSTILE, PLOT, LARGE):
            kernel.run(code)
    return PROJECT


def open_as(browser: Browser, running: Running, person: str, language: str, path: str) -> Page:
    context = browser.new_context(
        locale={"ko": "ko-KR", "en": "en-GB"}[language], viewport={"width": 1280, "height": 860}
    )
    page = context.new_page()
    page.goto(running.origin("desk") + path)
    page.get_by_label(say(language, "hub.name")).fill(person)
    page.get_by_label(say(language, "hub.password")).fill(running.password(person))
    page.get_by_role("button", name=say(language, "hub.sign_in")).click()
    page.wait_for_url(running.origin("desk") + "/**")
    page.goto(running.origin("desk") + path)
    return page


def wait_for_entries(page: Page, count: int) -> None:
    """Contents follow a cell by a second."""
    for _ in range(60):
        if page.locator('main a[href^="/display/showings/"]').count() >= count:
            return
        page.wait_for_timeout(500)
        page.reload()
    pytest.fail(page.locator("main").inner_text())


@pytest.mark.parametrize("language", ["ko", "en"])
def test_the_record_says_what_was_shown(
    browser: Browser, running: Running, session: str, pictures: Path, language: str
) -> None:
    page = open_as(browser, running, "admin", language, "/display")
    expect(page.get_by_role("heading", level=1)).to_have_text(say(language, "desk.display_title"))
    page.screenshot(path=pictures / f"display-{language}.png", full_page=True)
    page.goto(f"{running.origin('desk')}/display/projects/{quote(session)}")
    page.locator('main a[href^="/display/sessions/"]').first.wait_for()
    page.screenshot(path=pictures / f"display-project-{language}.png", full_page=True)
    page.locator('main a[href^="/display/sessions/"]').first.click()
    wait_for_entries(page, 4)
    expect(page.get_by_text(say(language, "desk.display_verdict_cut"), exact=True)).to_be_visible()
    page.screenshot(path=pictures / f"display-session-{language}.png", full_page=True)
    entries = page.locator('main a[href^="/display/showings/"]').all()
    addresses = [str(one.get_attribute("href")) for one in entries]
    seen = ""
    for number, address in enumerate(addresses):
        page.goto(running.origin("desk") + address)
        seen += page.locator("main").inner_text()
        if page.locator("main img").count():
            assert page.locator("main img").evaluate("one => one.naturalWidth") == 120
            page.screenshot(path=pictures / f"display-shown-{language}.png", full_page=True)
        elif number == len(addresses) - 1:
            page.screenshot(path=pictures / f"display-first-{language}.png", full_page=True)
    assert "print('hello')" in seen
    assert "<img src=x onerror" in seen  # as text
    assert page.title() != "1"
    page.goto(f"{running.origin('desk')}/display/unusual")
    page.screenshot(path=pictures / f"display-unusual-{language}.png", full_page=True)
    page.context.close()


def test_an_administrator_sets_a_policy_and_lifts_a_day_with_the_keyboard(
    browser: Browser, running: Running, researcher: Visitor, session: str, pictures: Path
) -> None:
    page = open_as(browser, running, "admin", "en", f"/display/projects/{session}")
    page.keyboard.press("Tab")
    expect(page.get_by_text(say("en", "web.skip_to_content"))).to_be_focused()
    page.get_by_text(say("en", "desk.display_policy_change")).focus()
    page.keyboard.press("Enter")
    page.get_by_label(say("en", "desk.display_policy_text")).fill("version: x-1\nday_bytes: many\n")
    page.locator("#policy-reason").fill("a slip of the pen")
    page.get_by_role("button", name=say("en", "desk.display_policy_set")).click()
    expect(page.get_by_role("alert")).to_contain_text("day_bytes")
    page.screenshot(path=pictures / "display-refused-en.png", full_page=True)
    own = "based_on: standard\nversion: narrow-1\nday_soft_bytes: 1000\nday_bytes: 2000\n"
    page.get_by_label(say("en", "desk.display_policy_text")).fill(own)
    page.locator("#policy-reason").fill("a day to see its end")
    page.keyboard.press("Enter")
    expect(page.get_by_text("narrow-1@1").first).to_be_visible()
    kernel = Kernel(researcher, PROJECT)
    run_until(page, kernel, "print('x ' * 30000)", "withheld until midnight (Asia/Seoul)")
    page.locator("#member").select_option("researcher1")
    page.locator("#extra").fill("64")
    page.locator("#lift-reason").fill("the figures of the report")
    page.keyboard.press("Enter")
    expect(page.get_by_text("the figures of the report")).to_be_visible()
    page.screenshot(path=pictures / "display-lifted-en.png", full_page=True)
    run_until(page, kernel, "print('here again')", "here again")
    kernel.close()


def run_until(page: Page, kernel: Kernel, code: str, wanted: str) -> None:
    """Run a cell until it shows what is wanted: a policy and a lift arrive within seconds."""
    shown = ""
    for _ in range(60):
        shown = kernel.run(code).text
        if wanted in shown:
            return
        page.wait_for_timeout(1000)
    pytest.fail(shown)


def test_a_reviewer_sees_none_of_it(browser: Browser, running: Running, session: str) -> None:
    page = open_as(browser, running, "reviewer1", "ko", "/display")
    expect(page.get_by_text(say("ko", "desk.display_title"))).to_have_count(0)
    answer = page.request.get(f"{running.origin('desk')}/display/projects/{session}")
    assert answer.status == 403
