"""What a browser can reach, asked of a running server."""

from __future__ import annotations

import http.client
from typing import Any

import pytest

PREFIX = "/user/researcher1/nafld/"

CLOSED = [
    "files/data.csv",
    "files/../data.csv",
    "%66iles/data.csv",
    "Files/data.csv",
    "files;x/data.csv",
    "/files/data.csv",
    "lab/%2e%2e/files/data.csv",
    "lab/../files/data.csv",
    "lab/./files",
    "api/contents/%2e%2e/x.ipynb",
    "api/contents/a%2fb.ipynb",
    "api/contents/a%00.ipynb",
    "api/contents/a%5cb.ipynb",
    "api/contents/%ff.ipynb",
    "api/contents//x.ipynb",
    "nbconvert/html/a.ipynb",
    "api/nbconvert",
    "view/data.csv",
    "api/terminals",
    "terminals/websocket/1",
    "lsp/status",
    "api/events/subscribe",
    "api/spec.yaml",
    "api/resolvePath",
    "api/shutdown",
    "api/config/notebook",
    "api/contents/a.ipynb/trust",
    "api/notebooks/a.ipynb",
    "metrics",
    "api/metrics/v1",
    "lab/api/extensions",
    "lab/api/plugins",
    "lab/api/licenses",
    "lab/api/listings/x",
    "lab/api/build",
    "lab/api/news",
    "lab/api/update",
    "lab/extensions/x/y.js",
    "lab/anything",
    "kernelspecs/python3/logo.svg",
    "custom/custom.css",
    "static/base/js/x.js",
    "proxy/80/",
    "tree",
    "edit/x.py",
    "api/collaboration/room/x",
    "api/kernels/x",
    "login",
    "api/contents\\x",
    "anything/",
]


def raw(
    place: Any, method: str, target: str, headers: dict[str, str] | None = None
) -> tuple[int, bytes, dict[str, str]]:
    connection = http.client.HTTPConnection("127.0.0.1", place.port, timeout=20)
    connection.putrequest(method, target, skip_accept_encoding=True)
    for name, value in ({"Authorization": "token person-token"} | (headers or {})).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, body, dict(answer.getheaders())


@pytest.mark.parametrize("path", CLOSED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_closed_paths_answer_a_fixed_refusal(place: Any, path: str, method: str) -> None:
    (place.project / "data.csv").write_text("secret\n")
    status, body, headers = raw(place, method, PREFIX + path)
    assert status in {400, 403}
    assert b"secret" not in body
    if status == 403:
        assert headers["X-Onggi-Reason"] == "route_closed"
        assert len(body) < 200


@pytest.mark.parametrize("method", ["OPTIONS", "HEAD", "TRACE", "PATCH", "DELETE", "PUT"])
def test_methods_that_no_rule_names_are_refused(place: Any, method: str) -> None:
    assert raw(place, method, PREFIX + "api/status")[0] in {403, 405}


def test_other_prefixes_are_refused(place: Any) -> None:
    for target in ("/", "/lab", "/user/researcher1/other/lab", "/favicon.ico", "/robots.txt", "*"):
        assert raw(place, "GET", target)[0] in {400, 403}


def test_every_answer_carries_the_policy(place: Any) -> None:
    for path in (
        "api",
        "api/status",
        "files/x",
        "static/favicons/favicon.ico",
        "lab",
        "api/contents/none.ipynb",
    ):
        _, _, headers = raw(place, "GET", PREFIX + path)
        assert "'unsafe-inline'" not in headers["Content-Security-Policy"].split("style-src")[0]
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_the_page_holds_no_token(place: Any) -> None:
    status, body, _ = raw(place, "GET", PREFIX + "lab")
    assert status == 200
    assert b"person-token" not in body
    assert b"session-key" not in body
    assert b"server-token" not in body


def test_nobody_is_let_in_without_a_token(place: Any) -> None:
    for path in ("api/status", "api/contents", "api/kernels"):
        assert raw(place, "GET", PREFIX + path, {"Authorization": ""})[0] in {302, 403}


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ({"Origin": "http://evil.example"}, "cross_site_request"),
        (
            {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
            "cross_site_request",
        ),
        (
            {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"},
            "cross_session_request",
        ),
    ],
)
def test_requests_from_elsewhere_are_refused(place: Any, headers: dict[str, str], reason: str) -> None:
    status, _, answered = raw(place, "GET", PREFIX + "api/contents", headers)
    assert (status, answered["X-Onggi-Reason"]) == (403, reason)


def test_another_sessions_page_is_elsewhere(place: Any) -> None:
    other = {
        "Sec-Fetch-Site": "same-origin",
        "Sec-Fetch-Mode": "cors",
        "Referer": f"{place.origin}/user/researcher1/other/lab",
    }
    own = other | {"Referer": f"{place.url}lab"}
    assert raw(place, "GET", PREFIX + "api/contents", other)[0] == 403
    assert raw(place, "GET", PREFIX + "api/contents", own)[0] == 200


def test_a_websocket_needs_the_origin_of_the_hub(place: Any, browser: Any) -> None:
    kernel = browser.api("POST", "api/kernels", {})["id"]
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x" * 22 + "==",
    }
    path = f"{PREFIX}api/kernels/{kernel}/channels"
    assert raw(place, "GET", path, upgrade)[0] == 403
    assert raw(place, "GET", path, upgrade | {"Origin": "http://127.0.0.1:1"})[0] == 403
    browser.api("DELETE", f"api/kernels/{kernel}")
