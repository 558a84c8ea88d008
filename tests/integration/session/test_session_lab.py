"""What our extension of the page asks of its session server."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from onggi.words import explain
from session.http.page_key import page_key
from session.lab.files import STATIC


@pytest.fixture
def page(browser: Any) -> dict[str, Any]:
    status, html, _ = browser.ask("GET", browser.place.url[len(browser.place.origin) :] + "lab")
    assert status == 200
    (config,) = re.findall(r'id="jupyter-config-data" type="application/json">(.*?)</script>', html.decode())
    found: dict[str, Any] = json.loads(config)
    return found


def test_the_page_has_no_extension_but_ours_and_no_inline_script(browser: Any, page: dict[str, Any]) -> None:
    (extension,) = page["federated_extensions"]
    assert extension["name"] == "@onggi/lab"
    assert (page["token"], page["shareUrl"]) == ("", "")
    assert page["onggi"]["page_key"] == page_key(browser.place.plan)
    _, html, _ = browser.ask("GET", browser.place.url[len(browser.place.origin) :] + "lab")
    scripts = re.findall(rb"<script([^>]*)>", html)
    assert len(scripts) == 2
    assert all(b"src=" in one or b"application/json" in one for one in scripts)


def test_the_files_of_the_extension_are_kept_under_the_name_of_their_contents(
    browser: Any, page: dict[str, Any]
) -> None:
    folder = f"{page['fullLabextensionsUrl']}/@onggi/lab/{page['federated_extensions'][0]['load'][:16]}"
    for file in STATIC.iterdir():
        status, content, headers = browser.ask("GET", f"{folder}/{file.name}")
        assert (status, content) == (200, file.read_bytes())
        assert "immutable" in headers["Cache-Control"]
    for other in ("../page.py", "x.js", "%2e%2e/page.py", "lab.css.map"):
        assert browser.ask("GET", f"{folder}/{other}")[0] in {403, 404}
    assert browser.ask("GET", folder[:-16] + "0" * 16 + "/lab.css")[0] in {403, 404}


def test_the_status_says_what_was_shown_and_what_holds_the_compute(browser: Any) -> None:
    told = browser.api("GET", "onggi/status")
    assert told["budget"]["session_bytes"] > told["budget"]["session_bytes_used"] >= 0
    assert told["compute"] == {"unsafe": False, "limits": {}}
    file = browser.place.run / "server" / "compute.json"
    file.write_text(json.dumps({"unsafe": True, "limits": {"memory": "watched"}}))
    assert browser.api("GET", "onggi/status")["compute"] == {"unsafe": True, "limits": {"memory": "watched"}}
    file.unlink()


def test_files_are_submitted_and_listed(browser: Any) -> None:
    (browser.place.project / "out.csv").write_text("a,b\n1,2\n")
    made = browser.api(
        "POST", "onggi/requests", {"paths": ["out.csv"], "purpose": "Table 1", "context": "All"}
    )
    assert made["state"] == "submitted"
    assert made["outputs"][0]["name"] == "out.csv"
    assert made["id"] in {one["id"] for one in browser.api("GET", "onggi/requests")["requests"]}


GOOD = {"paths": ["out.csv"], "purpose": "p", "context": ""}


@pytest.mark.parametrize(
    ("body", "status", "reason", "params"),
    [
        (GOOD | {"paths": ["none.csv"]}, 404, "file_not_found", {"name": "none.csv"}),
        (GOOD | {"paths": ["link.csv"]}, 403, "file_link_refused", {"name": "link.csv"}),
        (GOOD | {"paths": []}, 422, "field_missing", {"field": "paths"}),
        (GOOD | {"purpose": "p" * 2001}, 422, "field_invalid", {"field": "purpose", "value": ""}),
        (GOOD | {"more": 1}, 422, "field_invalid", {"field": "body", "value": ""}),
        ([GOOD], 422, "field_invalid", {"field": "body", "value": ""}),
        (GOOD | {"paths": [1]}, 422, "field_invalid", {"field": "paths", "value": ""}),
    ],
)
def test_a_refused_submission_answers_with_its_sentence(
    browser: Any, body: Any, status: int, reason: str, params: dict[str, str]
) -> None:
    link = browser.place.project / "link.csv"
    if not link.is_symlink():
        link.symlink_to("/etc/passwd")
    (browser.place.project / "out.csv").write_text("a\n")
    path = browser.place.url[len(browser.place.origin) :] + "onggi/requests"
    answered, told, headers = browser.ask("POST", path, body)
    assert (answered, headers["X-Onggi-Reason"]) == (status, reason)
    assert told["message"] == explain("en", reason, params)


def test_nobody_asks_without_a_token(browser: Any) -> None:
    prefix = browser.place.url[len(browser.place.origin) :]
    for path in ("onggi/status", "onggi/requests"):
        assert browser.ask("GET", prefix + path, Authorization="")[0] == 403
