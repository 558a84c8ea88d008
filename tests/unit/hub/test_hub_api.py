"""What the desk makes of the hub's answers."""

from __future__ import annotations

import json
from collections.abc import Callable

import httpx2 as httpx
import pytest

from hub.hub_api import DESK_SCOPE, HubClient, Server
from onggi.errors import NotFound, OnggiError, Refused, Unavailable
from onggi.reasons import Reason
from web.reason_headers import PARAMS_HEADER, REASON_HEADER

Answer = Callable[[httpx.Request], httpx.Response]


def client(answer: Answer) -> HubClient:
    return HubClient("http://127.0.0.1:8004/hub/api", "token", httpx.MockTransport(answer))


def always(status: int, body: object = None, headers: dict[str, str] | None = None) -> Answer:
    return lambda _request: httpx.Response(status, json=body, headers=headers)


def model(name: str, **servers: object) -> dict[str, object]:
    return {"name": name, "servers": servers}


def test_servers_of_all_pages() -> None:
    pages = {
        "0": {
            "items": [model("a", p={"ready": True, "pending": None})],
            "_pagination": {"next": {"offset": 200}},
        },
        "200": {
            "items": [model("b", q={"ready": False, "pending": "spawn"})],
            "_pagination": {"next": None},
        },
    }
    hub = client(lambda request: httpx.Response(200, json=pages[request.url.params["offset"]]))
    assert hub.servers() == (Server("a", "p", True, None), Server("b", "q", False, "spawn"))


@pytest.mark.parametrize("body", [None, [], {}, {"items": 1}, {"items": [{}], "_pagination": {"next": None}}])
def test_a_list_that_cannot_be_read(body: object) -> None:
    with pytest.raises(Unavailable) as refused:
        client(always(200, body)).servers()
    assert refused.value.reason is Reason.SERVICE_ANSWER_UNREADABLE


def test_a_hub_that_is_not_there() -> None:
    def nowhere(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("refused")

    hub = client(nowhere)
    for act in (hub.servers, lambda: hub.start("a", "p", "ko"), lambda: hub.stop("a", "p")):
        with pytest.raises(Unavailable) as refused:
            act()
        assert refused.value.params == {"service": "hub"}


@pytest.mark.parametrize(
    ("status", "headers", "kind", "reason"),
    [
        (
            409,
            {REASON_HEADER: "not_a_member", PARAMS_HEADER: '{"project": "p"}'},
            Refused,
            Reason.NOT_A_MEMBER,
        ),
        (503, {REASON_HEADER: "audit_unreachable"}, Unavailable, Reason.AUDIT_UNREACHABLE),
        (409, {REASON_HEADER: "made_up"}, OnggiError, Reason.SERVICE_ANSWER_UNREADABLE),
        (409, {REASON_HEADER: "not_a_member", PARAMS_HEADER: "{"}, Refused, Reason.NOT_A_MEMBER),
        (404, {}, NotFound, Reason.NOT_FOUND),
        (403, {}, Unavailable, Reason.SERVICE_ANSWER_UNREADABLE),
        (500, {}, Unavailable, Reason.SERVICE_ANSWER_UNREADABLE),
    ],
)
def test_a_refused_start(
    status: int, headers: dict[str, str], kind: type[OnggiError], reason: Reason
) -> None:
    with pytest.raises(kind) as refused:
        client(always(status, {}, headers)).start("a", "p", "ko")
    assert refused.value.reason is reason


def test_a_server_that_runs_already_is_started() -> None:
    listed = {"items": [model("a", p={"ready": True})], "_pagination": {"next": None}}

    def answer(request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            assert json.loads(request.content) == {"language": "ko"}
            return httpx.Response(400, json={"message": "a:p is already running"})
        return httpx.Response(200, json=listed)

    client(answer).start("a", "p", "ko")
    with pytest.raises(Unavailable):
        client(answer).start("a", "other", "ko")


@pytest.mark.parametrize("status", [202, 204, 400, 404])
def test_stopping_what_stops_or_is_not_there(status: int) -> None:
    client(always(status)).stop("a", "p")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"kind": "service", "name": "desk"},
        {"kind": "user", "name": "../x", "scopes": [DESK_SCOPE]},
        # the token of one's own session server
        {"kind": "user", "name": "admin", "scopes": ["access:servers!server=admin/p", "users:activity!user"]},
    ],
)
def test_only_people_own_tokens_and_only_those_for_the_desk_count(body: object) -> None:
    with pytest.raises(OnggiError):
        client(always(200, body)).owner_of("t")


def test_names_cannot_leave_their_place_in_the_address() -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(204)

    client(answer).stop("a/../b", "p?x=1")
    assert asked == ["/hub/api/users/a%2F..%2Fb/servers/p%3Fx%3D1"]
