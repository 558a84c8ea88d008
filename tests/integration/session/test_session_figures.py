"""Figures of stored notebooks through a real session server: named, drawn when asked for, paid, on record."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from PIL import Image

from egress_review.display.figures import FIGURE
from session.http.page_key import page_key
from tests.support.display import picture

PREFIX = "/user/researcher1/nafld/"
RAW = picture("PNG", 120, 80, noise=True) + b"person 12 has diabetes"


def notebook(*images: bytes, source: str = "plot()") -> dict[str, Any]:
    outputs = [
        {
            "output_type": "display_data",
            "metadata": {"image/png": {"width": 120}},
            "data": {"image/png": base64.b64encode(raw).decode(), "text/plain": "<Figure>"},
        }
        for raw in images
    ]
    cell = {"cell_type": "code", "id": "a", "metadata": {}, "source": source, "outputs": outputs}
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell | {"execution_count": 1}]}


def plant(place: Any, name: str, content: dict[str, Any]) -> None:
    (place.project / name).write_text(json.dumps(content))


def opened(browser: Any, name: str) -> dict[str, Any]:
    found: dict[str, Any] = browser.api("GET", f"api/contents/{name}?content=1&type=notebook")["content"]
    return found


def names_in(content: dict[str, Any]) -> list[str]:
    outputs = content["cells"][0]["outputs"]
    return [one["data"][FIGURE]["figure"] for one in outputs if FIGURE in one["data"]]


def used(browser: Any) -> int:
    count: int = browser.api("GET", "onggi/status")["budget"]["session_bytes_used"]
    return count


def until(what: Callable[[], Any]) -> Any:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        if found := what():
            return found
        time.sleep(0.1)
    raise AssertionError(what())


def test_a_figure_is_drawn_when_it_is_asked_for_paid_once_and_on_record(browser: Any, place: Any) -> None:
    plant(place, "figures.ipynb", notebook(RAW))
    before = used(browser)
    (name,) = names_in(opened(browser, "figures.ipynb"))
    assert used(browser) - before < 2000
    before = used(browser)
    shown = browser.api("GET", f"onggi/figures/{name}")
    raw = base64.b64decode(shown["data"])
    assert b"person 12" not in raw
    assert Image.open(io.BytesIO(raw)).size == (120, 80)
    assert used(browser) - before >= len(raw)
    before = used(browser)
    assert browser.api("GET", f"onggi/figures/{name}") == shown
    assert used(browser) - before < 1000
    digest = hashlib.sha256()
    for part in (b"image/png", shown["data"].encode()):
        digest.update(len(part).to_bytes(8, "big") + part)

    def recorded() -> list[dict[str, Any]]:
        record = browser.control()["record"]
        return [one for one in record if one["sha256"] == digest.hexdigest()]

    (*_, first) = until(recorded)
    assert (first["kind"], first["subject"], first["sizes"]) == (
        "file", "figures.ipynb", {"image/png": len(shown["data"])},
    )  # fmt: skip


def test_saving_what_the_page_has_loses_no_image(browser: Any, place: Any) -> None:
    stored = notebook(RAW, picture("PNG", 30, 30))
    plant(place, "kept.ipynb", stored)
    content = opened(browser, "kept.ipynb")
    content["cells"][0]["source"] = "changed"
    browser.api("PUT", "api/contents/kept.ipynb", {"type": "notebook", "format": "json", "content": content})
    written = json.loads((place.project / "kept.ipynb").read_text())
    assert written["cells"][0]["source"] == "changed"
    assert written["cells"][0]["outputs"] == stored["cells"][0]["outputs"]
    copied = browser.api("POST", "api/contents", {"copy_from": "kept.ipynb"})
    assert json.loads((place.project / copied["path"]).read_text()) == written


def test_a_figure_that_is_not_kept_refuses_the_saving_and_the_file_stays(browser: Any, place: Any) -> None:
    plant(place, "gone.ipynb", notebook(RAW))
    content = opened(browser, "gone.ipynb")
    content["cells"][0]["outputs"][0]["data"][FIGURE]["figure"] = "0" * 64
    body = {"type": "notebook", "format": "json", "content": content}
    status, answer, _ = browser.ask("PUT", f"{PREFIX}api/contents/gone.ipynb", body)
    assert (status, answer["reason"]) == (409, "figure_not_kept")
    assert "no longer kept" in answer["message"]
    assert json.loads((place.project / "gone.ipynb").read_text()) == notebook(RAW)


@pytest.mark.parametrize("raw", [b"no image", picture("PNG", 3000, 3000), RAW[:2000]])
def test_what_cannot_be_shown_says_why_and_is_on_record(browser: Any, place: Any, raw: bytes) -> None:
    plant(place, "broken.ipynb", notebook(raw))
    (name,) = names_in(opened(browser, "broken.ipynb"))
    status, answer, headers = browser.ask("GET", f"{PREFIX}onggi/figures/{name}")
    assert status == 403
    assert headers["X-Onggi-Reason"].startswith("display_image_")
    assert answer["message"].startswith("Image not shown")

    def withheld() -> list[dict[str, Any]]:
        record = browser.control()["record"]
        return [one for one in record if one["subject"] == "broken.ipynb" and one["verdict"] == "withheld"]

    assert until(withheld)


@pytest.mark.parametrize("name", ["0" * 64, "a" * 63, "..%2f..%2fmeter", "A" * 64])
def test_nothing_else_has_a_name(browser: Any, name: str) -> None:
    status, *_ = browser.ask("GET", f"{PREFIX}onggi/figures/{name}")
    assert status in {403, 404}


def test_a_page_of_another_session_gets_no_figure(browser: Any, place: Any) -> None:
    plant(place, "own.ipynb", notebook(RAW))
    (name,) = names_in(opened(browser, "own.ipynb"))
    cookie = {"Authorization": "", "Sec-Fetch-Site": "same-origin"}
    assert browser.ask("GET", f"{PREFIX}onggi/figures/{name}", **cookie)[0] == 403
    keyed = cookie | {"X-Onggi-Page": page_key(place.plan)}
    assert browser.ask("GET", f"{PREFIX}onggi/figures/{name}", **keyed)[0] == 403  # nobody is signed in


def test_many_at_once_are_all_drawn(browser: Any, place: Any) -> None:
    images = [picture("PNG", 200, 100 + number, noise=True) for number in range(4)]
    plant(place, "many.ipynb", notebook(*images))
    names = names_in(opened(browser, "many.ipynb"))
    with ThreadPoolExecutor(8) as threads:
        shown = list(threads.map(lambda name: browser.api("GET", f"onggi/figures/{name}"), names * 3))
    heights = [Image.open(io.BytesIO(base64.b64decode(one["data"]))).height for one in shown]
    assert heights == [100, 101, 102, 103] * 3
