"""The project folder through the browser's API, with everything a hostile compute can lay there."""

from __future__ import annotations

import json
import os
import time
import urllib.parse
from typing import Any

import pytest

PREFIX = "/user/researcher1/nafld/"


def notebook(source: str = "1", output: str = "") -> dict[str, Any]:
    outputs = [{"output_type": "stream", "name": "stdout", "text": output}] if output else []
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": source,
        "outputs": outputs,
        "execution_count": None,
    }
    return {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}


def reason(browser: Any, path: str, method: str = "GET", body: Any = None) -> tuple[int, str]:
    status, answer, _ = browser.ask(method, PREFIX + path, body)
    return status, str(answer.get("reason")) if isinstance(answer, dict) else ""


def test_notebooks_are_made_saved_renamed_and_removed(browser: Any, place: Any) -> None:
    made = browser.api("POST", "api/contents", {"type": "notebook"})
    saved = browser.api(
        "PUT",
        f"api/contents/{made['path']}",
        {"type": "notebook", "format": "json", "content": notebook("6*7")},
    )
    assert saved["type"] == "notebook"
    assert json.loads((place.project / made["path"]).read_text())["cells"][0]["source"] == "6*7"
    browser.api("POST", f"api/contents/{made['path']}/checkpoints")
    (place.project / made["path"]).write_text(json.dumps(notebook("changed")))
    browser.api("POST", f"api/contents/{made['path']}/checkpoints/checkpoint")
    assert browser.api("GET", f"api/contents/{made['path']}")["content"]["cells"][0]["source"] == "6*7"
    moved = browser.api("PATCH", f"api/contents/{made['path']}", {"path": "결과.ipynb"})
    assert moved["path"] == "결과.ipynb"
    browser.api("DELETE", "api/contents/%EA%B2%B0%EA%B3%BC.ipynb")
    assert not (place.project / "결과.ipynb").exists()


def test_text_is_shown_and_data_is_not(browser: Any, place: Any) -> None:
    (place.project / "code.py").write_text("print(1)\n")
    (place.project / "data.csv").write_text("a,b\n1,2\n")
    assert browser.api("GET", "api/contents/code.py")["content"] == "print(1)\n"
    assert reason(browser, "api/contents/data.csv") == (403, "file_type_not_shown")
    assert reason(browser, "api/contents/data.csv?type=file&format=text") == (403, "file_type_not_shown")
    assert browser.api("GET", "api/contents/data.csv?content=0")["size"] == 8


def test_base64_is_refused(browser: Any, place: Any) -> None:
    (place.project / "base.py").write_text("1\n")
    status, *_ = browser.ask("GET", PREFIX + "api/contents/base.py?type=file&format=base64")
    assert status == 403
    body = {"type": "file", "format": "base64", "content": "MQ=="}
    status, *_ = browser.ask("PUT", PREFIX + "api/contents/up.py", body)
    assert status == 403


def test_links_pipes_and_huge_files_are_refused(browser: Any, place: Any) -> None:
    project = place.project
    (project / "plan.txt").symlink_to(place.run / "server" / "plan.json")
    (project / "state").symlink_to(place.run / "server")
    os.mkfifo(project / "pipe.txt")
    with (project / "huge.txt").open("wb") as huge:
        huge.truncate(2**40)
    with (project / "huge.ipynb").open("wb") as huge:
        huge.truncate(2**33)
    begun = time.monotonic()
    for path in ("plan.txt", "state/plan.json", "pipe.txt", "huge.txt", "huge.ipynb", "state/meter"):
        status, answer, _ = browser.ask("GET", f"{PREFIX}api/contents/{path}")
        assert status in {400, 403, 404}
        assert "session-key" not in json.dumps(answer, default=str)
    assert time.monotonic() - begun < 5
    names = {item["name"] for item in browser.api("GET", "api/contents")["content"]}
    assert not names & {"plan.txt", "state", "pipe.txt"}
    status, *_ = browser.ask(
        "PUT", f"{PREFIX}api/contents/state/x.py", {"type": "file", "format": "text", "content": "1"}
    )
    assert status >= 400
    assert not (place.run / "server" / "x.py").exists()


def test_hidden_and_strange_names_are_not_listed(browser: Any, place: Any) -> None:
    for name in (".hidden.py", "a\nb.py", "x\u202egnp.py", "long" * 40 + ".py", "ok-이름.py"):
        (place.project / name).write_text("1")
    names = {item["name"] for item in browser.api("GET", "api/contents")["content"]}
    assert "ok-이름.py" in names
    assert not {
        name for name in names if "hidden" in name or "\n" in name or "\u202e" in name or "longlong" in name
    }
    assert reason(browser, "api/contents/.hidden.py")[0] in {400, 404}


def test_a_stored_output_is_cut_like_any_other(browser: Any, place: Any) -> None:
    (place.project / "stored.ipynb").write_text(json.dumps(notebook("1", "x" * 3_000_000)))
    shown = browser.api("GET", "api/contents/stored.ipynb?content=1")
    assert len(json.dumps(shown)) < 70_000
    assert "65,536" in json.dumps(shown)


@pytest.mark.parametrize(
    "broken",
    [b"", b"{", b"[]", b"[" * 100_000, b"\xff\xfe", b'{"nbformat": 3}', b'{"nbformat": 4, "cells": 5}'],
)
def test_broken_notebooks_are_refused(browser: Any, place: Any, broken: bytes) -> None:
    (place.project / "broken.ipynb").write_bytes(broken)
    assert reason(browser, "api/contents/broken.ipynb") == (400, "notebook_unreadable")


def test_listing_a_thousand_names_costs_what_it_shows(browser: Any, place: Any) -> None:
    folder = place.project / "many"
    folder.mkdir()
    for number in range(1500):
        (folder / f"{number:04d}-{'n' * 90}.py").touch()
    listed = browser.api("GET", "api/contents/many")["content"]
    assert len(listed) == 1001
    assert listed[-1]["name"].startswith("… 500 more")
    status, *_ = browser.ask("GET", f"{PREFIX}api/contents/many/{urllib.parse.quote(listed[-1]['name'])}")
    assert status >= 400
