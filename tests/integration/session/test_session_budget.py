"""A real session server, its meter and its record: who is paid for what, and what is written down first."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable
from typing import Any

from egress_review.meter.domain import Piece
from egress_review.meter.recording import digest_of

PREFIX = "/user/researcher1/nafld/"


REPEATED = """
kernel = get_ipython().kernel
kept = []
for number in range(200):
    content = {'name': 'stdout', 'text': f'{number} '}
    message = kernel.session.msg('stream', content, parent=kernel.get_parent())
    kept.append([b'stream', *kernel.session.serialize(message)])
def show():
    for frames in kept:
        kernel.iopub_socket.send_multipart(frames)
show()
"""


def until(what: Callable[[], Any], seconds: float = 15) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = what()
        if found:
            return found
        time.sleep(0.1)
    raise AssertionError(what())


def budget(browser: Any) -> dict[str, Any]:
    found: dict[str, Any] = browser.api("GET", "onggi/status")["budget"]
    return found


def test_what_a_cell_showed_arrives_with_its_code_and_the_hash_that_the_log_says(
    new_kernel: Any, browser: Any
) -> None:
    code = "print('가나다', 41 + 1)"

    async def story() -> None:
        async with new_kernel() as kernel:
            await kernel.run(code)

    before = {one["id"] for one in browser.control()["record"]}
    asyncio.run(story())

    def arrived() -> list[dict[str, Any]]:
        fresh = [one for one in browser.control()["record"] if one["id"] not in before]
        return [one for one in fresh if one["code"] == code]

    (shown,) = until(arrived)
    pieces = tuple(Piece(mime, text) for mime, text in shown["pieces"])
    assert "".join(one.content for one in pieces) == "가나다 42\n"
    assert shown["sha256"] == digest_of(pieces)
    assert shown["code_sha256"] == hashlib.sha256(code.encode()).hexdigest()
    assert (shown["verdict"], shown["policy"], shown["kind"]) == ("shown", "standard-1@0", "cell")

    def logged() -> list[dict[str, Any]]:
        return [one for one in browser.control()["events"] if one["details"].get("showing") == shown["id"]]

    until(lambda: len(logged()) == 2)
    intent, end = logged()
    assert [intent["action"], end["action"]] == ["display.show", "cell.shown"]
    assert end["details"]["shown_sha256"] == shown["sha256"]
    assert intent["subject"] == end["subject"] == shown["subject"]


def test_a_file_that_is_opened_is_in_the_record_and_its_name_not_in_the_log(browser: Any, place: Any) -> None:
    (place.project / "비밀 이름.py").write_text("value = '한글'\n")
    model = browser.api("GET", "api/contents/%EB%B9%84%EB%B0%80%20%EC%9D%B4%EB%A6%84.py")
    assert model["content"] == "value = '한글'\n"

    def arrived() -> list[dict[str, Any]]:
        return [one for one in browser.control()["record"] if one["subject"] == "비밀 이름.py"]

    (shown,) = until(arrived)
    ((mime, text),) = shown["pieces"]
    assert mime == "application/json"
    assert json.loads(text)["content"] == "value = '한글'\n"
    until(
        lambda: [one for one in browser.control()["events"] if one["details"].get("showing") == shown["id"]]
    )
    assert "비밀" not in json.dumps(browser.control()["events"], ensure_ascii=False)


def test_lists_and_what_is_only_asked_about_are_no_shown_files(browser: Any, place: Any) -> None:
    (place.project / "quiet.py").write_text("1\n")
    before = len(browser.control()["record"])
    browser.api("GET", "api/contents")
    browser.api("GET", "api/contents/quiet.py?content=0")
    time.sleep(1.5)
    assert len(browser.control()["record"]) == before


def test_a_person_at_the_limit_can_work_save_and_be_lifted(
    new_kernel: Any, said: Any, browser: Any, place: Any
) -> None:
    day = browser.control()["day"]

    async def story() -> None:
        async with new_kernel() as kernel:
            browser.control(day={**day, "limit": day["lent"]})
            for size in (25_000, 1000, 10):  # until not even a few bytes are left
                text = "x"
                for _ in range(200):
                    text = said(await kernel.run(f"print('x ' * {size})"))
                    if "withheld until midnight (Asia/Seoul)" in text:
                        break
                assert "x" not in text.split("[")[0]
            (place.project / "large.py").write_text("# " + "y" * 5000)
            status, refused, _ = browser.ask("GET", PREFIX + "api/contents/large.py")
            assert (status, refused["reason"]) == (400, "display_day_limit")
            body = {"type": "file", "format": "text", "content": "saved = True\n"}
            assert browser.api("PUT", "api/contents/at-the-limit.py", body)["name"] == "at-the-limit.py"
            assert (place.project / "at-the-limit.py").read_text() == "saved = True\n"
            assert budget(browser)["day_bytes_used"] > day["lent"] - 100
            browser.control(day={**browser.control()["day"], "limit": day["limit"] * 2})
            until(lambda: budget(browser)["day_bytes_used"] < browser.control()["day"]["lent"] - 100_000, 30)
            assert said(await kernel.run("1 + 1")) == "2"

    try:
        asyncio.run(story())
    finally:
        browser.control(day={**browser.control()["day"], "limit": 10**9})


def test_known_answers_cost_little_and_files_of_the_installation_nothing(browser: Any) -> None:
    """Asked of the page's purse by what is asked for again: a lease is taken when it runs low."""
    page = browser.ask("GET", PREFIX + "lab")[1]
    script = next(part for part in page.decode().split('"') if "/static/lab/main." in part)
    before = len(browser.control()["leases"])
    for _ in range(30):
        status, body, _ = browser.ask("GET", script)
        assert status == 200
        assert len(body) > 10_000
        browser.ask("GET", PREFIX + "api/kernelspecs")
    assert len(browser.control()["leases"]) <= before + 1


def test_a_kernel_that_repeats_itself_to_each_page_that_is_opened_pays_for_each_message(
    new_kernel: Any, said: Any, browser: Any
) -> None:
    """Which of its last messages it repeats, and in which order, is its choice: 9 bits each of 512."""

    async def story() -> None:
        async with new_kernel() as kernel:
            assert len(said(await kernel.run(REPEATED)).split()) == 200
            for _ in range(5):
                async with kernel.another_page() as page:
                    before = budget(browser)["session_bytes_used"]
                    await page.run("show()")
                    shown = [
                        m["content"]["text"] for m in page.messages if m["header"]["msg_type"] == "stream"
                    ]
                    assert len("".join(shown).split()) == 200
                    assert budget(browser)["session_bytes_used"] - before >= 200 * 16

    asyncio.run(story())
