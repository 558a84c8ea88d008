"""What a browser can reach, asked of a running server."""

from __future__ import annotations

import html
import http.client
import json
from dataclasses import replace
from typing import Any

import pytest

from onggi.words import explain, say
from session.http.page_key import page_key

PREFIX = "/user/researcher1/nafld/"
FETCH = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}
NAVIGATION = {
    "Accept": "text/html,*/*;q=0.8",
    "Sec-Fetch-Site": "same-origin",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
}

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
    if status == 403:
        reason = headers["X-Onggi-Reason"]
        assert reason in {"route_closed", "download_refused"}
        sentence = explain("en", reason, {})
        assert json.loads(body) == {"error": {"reason": reason, "params": {}}, "message": sentence}
    else:
        assert b"secret" not in body


DOWNLOADS = [
    "files/data.csv",
    "files/a/b.parquet",
    "nbconvert/html/a.ipynb",
    "nbconvert/notebook/a.ipynb",
    "view/data.csv",
    "directories/a",
    "archive/a",
    "custom/x",
]


@pytest.mark.parametrize("path", DOWNLOADS)
def test_a_download_is_answered_by_a_page_that_says_how_files_leave(place: Any, path: str) -> None:
    (place.project / "data.csv").write_text("secret\n")
    status, body, headers = raw(place, "GET", PREFIX + path, NAVIGATION)
    assert (status, headers["X-Onggi-Reason"]) == (403, "download_refused")
    assert headers["Content-Type"].startswith("text/html")
    page = body.decode()
    for key in ("lab.refused_title", "lab.release_step_select", "lab.back_to_session", "lab.my_requests"):
        assert html.escape(say("en", key), quote=False) in page.replace("&#34;", '"')
    assert path not in page
    assert "secret" not in page
    assert "attachment" not in headers.get("Content-Disposition", "")


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
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["Cross-Origin-Opener-Policy"] == "noopener-allow-popups"
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
        assert "Service-Worker-Allowed" not in headers
        for feature in ("camera", "microphone", "geolocation", "usb", "serial", "hid", "display-capture"):
            assert f"{feature}=()" in headers["Permissions-Policy"]


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
        (FETCH | {"Sec-Fetch-Site": "cross-site"}, "cross_site_request"),
        (FETCH | {"Sec-Fetch-Site": "same-site"}, "cross_site_request"),
        (FETCH | {"Sec-Fetch-Site": "none"}, "cross_site_request"),
        (FETCH, "cross_session_request"),
        (FETCH | {"X-Onggi-Page": "0" * 32}, "cross_session_request"),
        (FETCH | {"X-Onggi-Page": ""}, "cross_session_request"),
        ({"User-Agent": "Mozilla/5.0 (of before Fetch Metadata)"}, "cross_session_request"),
        ({"Service-Worker": "script"}, "route_closed"),
    ],
)
def test_requests_from_elsewhere_are_refused(place: Any, headers: dict[str, str], reason: str) -> None:
    status, _, answered = raw(place, "GET", PREFIX + "api/contents", headers)
    assert (status, answered["X-Onggi-Reason"]) == (403, reason)


def test_a_request_of_the_own_page_carries_its_key(place: Any) -> None:
    key = page_key(place.plan)
    assert raw(place, "GET", PREFIX + "api/contents", FETCH | {"X-Onggi-Page": key})[0] == 200
    other = page_key(replace(place.plan, session_id="s-fedcba9876543210"))
    assert raw(place, "GET", PREFIX + "api/contents", FETCH | {"X-Onggi-Page": other})[0] == 403
    twice = raw(place, "GET", PREFIX + "api/contents", FETCH | {"X-Onggi-Page": f"{key},{key}"})
    assert twice[0] == 403


def test_a_page_is_answered_to_a_navigation_alone(place: Any) -> None:
    key = {"X-Onggi-Page": page_key(place.plan)}
    assert raw(place, "GET", PREFIX + "lab", NAVIGATION)[0] == 200
    for changed in ({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, {"Sec-Fetch-Dest": "iframe"}):
        status, body, _ = raw(place, "GET", PREFIX + "lab", NAVIGATION | changed | key)
        assert (status, key["X-Onggi-Page"].encode() in body) == (403, False)


def test_a_link_from_another_site_is_asked_again(place: Any) -> None:
    status, body, _ = raw(place, "GET", PREFIX + "lab", NAVIGATION | {"Sec-Fetch-Site": "cross-site"})
    assert (status, b"refresh" in body, page_key(place.plan).encode() in body) == (200, True, False)


def test_static_files_are_for_the_own_origin(place: Any) -> None:
    path = PREFIX + "static/favicons/favicon.ico"
    script = {"Sec-Fetch-Site": "same-origin", "Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "script"}
    assert raw(place, "GET", path, script)[0] == 200
    for site in ("cross-site", "same-site"):
        assert raw(place, "GET", path, script | {"Sec-Fetch-Site": site})[0] == 403
    assert raw(place, "GET", path, script | {"Service-Worker": "script"})[0] == 403


def test_a_websocket_needs_the_origin_of_the_hub(place: Any, browser: Any) -> None:
    kernel = browser.api("POST", "api/kernels", {})["id"]
    upgrade = {
        "Upgrade": "websocket",
        "Connection": "Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x" * 22 + "==",
    }
    path = f"{PREFIX}api/kernels/{kernel}/channels"
    own = {"Origin": place.origin} | FETCH | {"Sec-Fetch-Mode": "websocket"}
    assert raw(place, "GET", path, upgrade | own)[0] == 403
    offered = "v1.kernel.websocket.jupyter.org, onggi.page." + "0" * 32
    assert raw(place, "GET", path, upgrade | own | {"Sec-WebSocket-Protocol": offered})[0] == 403
    assert raw(place, "GET", path, upgrade)[0] == 403
    assert raw(place, "GET", path, upgrade | {"Origin": "http://127.0.0.1:1"})[0] == 403
    browser.api("DELETE", f"api/kernels/{kernel}")


def test_a_path_in_an_output_leads_nowhere_whether_there_is_a_file_or_not(place: Any) -> None:
    (place.project / "data.csv").write_text("secret\n")
    path = PREFIX + "api/resolvePath"
    key = {"X-Onggi-Page": page_key(place.plan)}
    for asked in ("", "?path=data.csv", "?path=/etc/passwd&kernel=x", "?path=3/10&path=../data.csv"):
        status, body, headers = raw(place, "GET", path + asked, FETCH | key)
        assert (status, json.loads(body)) == (200, {"resolved": []})
        assert headers["Content-Type"].startswith("application/json")
    assert raw(place, "GET", path + "?path=data.csv", FETCH)[0] == 403  # another session's page
    assert raw(place, "POST", path, FETCH | key)[0] == 403
    assert raw(place, "GET", path, {"Authorization": ""})[0] in {302, 403}
