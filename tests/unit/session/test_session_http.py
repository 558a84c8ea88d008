"""Paths in one spelling, routes by allow-list, requests from the session's own page."""

from __future__ import annotations

import string
from pathlib import Path
from urllib.parse import quote, unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from session.http.origin import Kind, Place, Verdict, judge
from session.http.paths import canonical
from session.http.reference import render
from session.http.routes import AllowList

ROOT = Path(__file__).resolve().parents[3]
PREFIX = "/user/researcher1/nafld/"
KEY = "0123456789abcdef0123456789abcdef"
PLACE = Place(frozenset({"http://127.0.0.1:8000"}), PREFIX, KEY)
ALLOWED = AllowList()


def names(method: str, path: str) -> set[str]:
    return {rule.handler.rpartition(":")[2] for rule in ALLOWED.matching(PREFIX, method, path)}


@pytest.mark.parametrize(
    "path",
    [
        "/%66iles/x",
        "/a//b",
        "/a/./b",
        "/a/../b",
        "/a/%2e%2e/b",
        "/a%2fb",
        "/a%5cb",
        "/a\\b",
        "/a;x",
        "/a%3bx",
        "/a%00",
        "/a%0a",
        "/a%7f",
        "/a%25%32%65",
        "/%ff",
        "/%e0%80%af",
        "/a%",
        "/a%zz",
        "",
        "a",
        "/é",
        "/" + "a" * 3000,
        "/a b",
        "/..",
    ],
)
def test_other_spellings_are_refused(path: str) -> None:
    assert not canonical(path)


@given(
    name=st.text(min_size=1, max_size=20).filter(lambda text: text.isprintable() and text not in {".", ".."})
)
def test_a_name_quoted_by_the_page_is_the_one_spelling(name: str) -> None:
    if set(name) & set("/\\;%") or any(ord(character) < 32 for character in name):
        return
    path = "/api/contents/" + quote(name, safe="!~*'()")
    assert canonical(path)
    assert unquote(path) == f"/api/contents/{name}"


@given(tail=st.text(alphabet=string.printable, max_size=40))
def test_no_path_outside_the_rules_matches(tail: str) -> None:
    for rule in ALLOWED.matching(PREFIX, "GET", PREFIX + tail):
        assert tail == "" or tail.startswith(
            ("lab", "doc", "api", "static/", "oauth_callback", "onggi/", "logout")
        )
        assert "files" not in rule.handler.lower() or "FileFind" in rule.handler


def test_rules_name_methods() -> None:
    assert names("GET", PREFIX + "api/status") == {"APIStatusHandler"}
    assert names("POST", PREFIX + "api/status") == set()
    assert names("GET", PREFIX + "files/x") == set()
    assert names("GET", "/user/researcher1/other/api/status") == set()
    assert names("GET", PREFIX.rstrip("/")) == {"RedirectWithParams"}
    assert names("GET", PREFIX + "api/kernels/x/channels") == set()


def test_each_rule_says_what_it_is_for() -> None:
    assert all(rule.purpose and rule.methods and ":" in rule.handler for rule in ALLOWED.rules)


def test_the_reference_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "reference" / "routes.md").read_text() == render()


OWN = {"X-Onggi-Page": KEY}
SAME = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
CROSS = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Dest": "document"}
HERE = {"Origin": "http://127.0.0.1:8000"}
SOCKET = HERE | {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "websocket"}
OFFERED = {"Sec-WebSocket-Protocol": f"v1.kernel.websocket.jupyter.org, onggi.page.{KEY}"}
OLD = {"User-Agent": "Mozilla/5.0"}


@pytest.mark.parametrize(
    ("kind", "method", "headers", "verdict"),
    [
        (Kind(), "GET", SAME | OWN, Verdict.ACCEPT),
        (Kind(), "GET", SAME, Verdict.REFUSE),
        (Kind(), "GET", SAME | {"X-Onggi-Page": KEY[:-1]}, Verdict.REFUSE),
        (Kind(), "GET", SAME | {"X-Onggi-Page": "é"}, Verdict.REFUSE),
        # a Referer is a script's to choose within its origin: it tells nothing
        (Kind(), "GET", SAME | {"Referer": f"http://127.0.0.1:8000{PREFIX}lab"}, Verdict.REFUSE),
        (Kind(), "GET", OWN | {"Sec-Fetch-Site": "same-site"}, Verdict.REFUSE),
        (Kind(), "POST", OWN | CROSS, Verdict.REFUSE),
        (Kind(), "PUT", OWN | {"Origin": "http://evil"}, Verdict.REFUSE),
        (Kind(), "PUT", OWN | {"Origin": "null"}, Verdict.REFUSE),
        (Kind(), "GET", {"Sec-Fetch-Site": "none", "Sec-Fetch-Mode": "navigate"}, Verdict.REFUSE),
        (Kind(), "GET", OLD, Verdict.REFUSE),
        (Kind(), "GET", OLD | OWN, Verdict.ACCEPT),
        (Kind(page=True), "GET", OLD, Verdict.ACCEPT),
        (Kind(page=True), "GET", {"Sec-Fetch-Site": "none"}, Verdict.ACCEPT),
        (Kind(page=True), "GET", SAME | OWN, Verdict.REFUSE),
        (Kind(page=True), "POST", CROSS | {"Sec-Fetch-Site": "same-origin"}, Verdict.REFUSE),
        (Kind(page=True), "GET", CROSS, Verdict.BOUNCE),
        (Kind(page=True), "GET", CROSS | {"Sec-Fetch-Dest": "iframe"}, Verdict.REFUSE),
        (Kind(page=True), "GET", CROSS | {"Sec-Fetch-Site": "same-site"}, Verdict.ACCEPT),
        (Kind(), "GET", CROSS, Verdict.REFUSE),
        (Kind(static=True), "GET", SAME, Verdict.ACCEPT),
        (Kind(static=True), "GET", SAME | {"Service-Worker": "script"}, Verdict.REFUSE),
        (
            Kind(static=True),
            "GET",
            CROSS | {"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"},
            Verdict.REFUSE,
        ),
        (Kind(websocket=True), "GET", {}, Verdict.REFUSE),
        (Kind(websocket=True), "GET", HERE, Verdict.ACCEPT),
        (Kind(websocket=True), "GET", SOCKET, Verdict.REFUSE),
        (Kind(websocket=True), "GET", SOCKET | OFFERED, Verdict.ACCEPT),
        (Kind(websocket=True), "GET", HERE | OLD, Verdict.REFUSE),
        (Kind(websocket=True), "GET", {"Origin": "http://127.0.0.1:8002"} | OFFERED, Verdict.REFUSE),
        (Kind(), "GET", {}, Verdict.ACCEPT),
    ],
)
def test_where_requests_may_come_from(
    kind: Kind, method: str, headers: dict[str, str], verdict: Verdict
) -> None:
    assert judge(PLACE, kind, method, headers)[0] is verdict
