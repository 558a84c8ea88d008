"""The service API: hand-in by sessions, events by all; streams go through a real uvicorn."""

from __future__ import annotations

import http.client
import socket
from pathlib import Path

import pytest
from starlette.routing import Route

from egress_review.domain import State
from onggi.claim import MAX_CLAIM_BYTES
from onggi.clock import to_text
from onggi.events import Event, new_event
from onggi.submission import MAX_CONTEXT_BYTES, MAX_PURPOSE_BYTES
from tests.support import review
from tests.support.review_site import Everything, Site, serving

KEY = "key-of-researcher1"


@pytest.fixture
def parts(tmp_path: Path) -> Everything:
    room, desk, clock = review.room_of(tmp_path)
    return Site(tmp_path / "state", room), room, desk, clock


def body(*outputs: dict[str, object], **fields: object) -> dict[str, object]:
    return {
        "purpose": "p",
        "context": "",
        "outputs": list(outputs) or [{"name": "a.csv", "size": 3}],
        **fields,
    }


def test_a_request_goes_from_draft_to_checking(parts: Everything) -> None:
    site, room, *_ = parts
    caller = site.caller(KEY)
    made = caller.post(
        "/internal/requests", json=body({"name": "a.csv", "size": 3, "claim": {"sql": "SELECT 1"}})
    )
    assert made.status_code == 201
    assert made.json()["state"] == "draft"
    path = f"/internal/requests/{made.json()['id']}"
    assert caller.post(f"{path}/submit").json()["error"]["reason"] == "output_not_received"
    put = caller.put(f"{path}/outputs/1", content=b"abc")
    assert (put.status_code, put.json()["size"]) == (200, 3)
    assert caller.put(f"{path}/outputs/1", content=b"abc").status_code == 200
    assert caller.post(f"{path}/submit").json()["state"] == "checking"
    assert caller.put(f"{path}/outputs/1", content=b"abd").status_code == 409
    (listed,) = caller.get("/internal/requests").json()["requests"]
    assert listed == caller.get(path).json()
    assert (listed["outputs"][0]["state"], listed["outputs"][0]["findings"]) == ("received", [])
    with room.vault.verified(listed["outputs"][0]["sha256"]) as content:
        assert content.read() == b"abc"
    assert caller.post(f"{path}/withdraw").json()["state"] == "withdrawn"
    assert caller.post(f"{path}/withdraw").status_code == 409


def test_the_desk_sees_a_members_requests_without_votes(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    answer = site.caller(site.tokens["desk"]).get("/internal/requests", params={"member": "researcher1"})
    (listed,) = answer.json()["requests"]
    assert listed["state"] == "in_review"
    assert "vote" not in answer.text
    assert listed["outputs"][0]["findings"][0]["code"] == "recomputed"


@pytest.mark.parametrize("token", [None, "", "guessed", "key-of-researcher9"])
def test_strangers_get_in_nowhere(parts: Everything, token: str | None) -> None:
    site, *_ = parts
    caller = site.caller(token)
    routes = [one for one in site.app.routes if isinstance(one, Route) and one.path.startswith("/internal")]
    assert len(routes) >= 8
    for route in routes:
        path = route.path.replace("{id}", "r-1").replace("{number:int}", "1")
        for method in (route.methods or set()) - {"HEAD"}:
            answer = caller.request(method, path, content=b"{}")
            assert answer.status_code == 403, (method, path)
            assert "error" in answer.json()


def test_a_session_sees_and_touches_only_its_own_requests(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.submitted(room)
    stranger = site.caller("key-of-researcher2")
    assert stranger.get("/internal/requests").json() == {"requests": []}
    path = f"/internal/requests/{request.id}"
    for answer in (
        stranger.get(path),
        stranger.post(f"{path}/withdraw"),
        stranger.put(f"{path}/outputs/1", content=b"x"),
    ):
        assert answer.status_code == 404
    revised = stranger.post("/internal/requests", json=body(revises=request.id))
    assert revised.status_code == 404


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"purpose": " "}, "field_missing"),
        ({"purpose": "x" * 2001}, "field_invalid"),
        ({"purpose": "a\0b"}, "field_invalid"),
        ({"outputs": []}, "field_missing"),
        ({"outputs": [{"name": "a", "size": 1}] * 2}, "field_invalid"),
        ({"outputs": [{"name": str(n), "size": 1} for n in range(101)]}, "too_many_files"),
        ({"outputs": [{"name": "a", "size": 64 * 1024**2 + 1}]}, "file_too_large"),
        ({"outputs": [{"name": str(n), "size": 60 * 1024**2} for n in range(5)]}, "request_too_large"),
        ({"outputs": [{"name": "a", "size": -1}]}, "field_invalid"),
        ({"outputs": [{"name": "a", "size": True}]}, "field_invalid"),
        ({"outputs": [{"name": "", "size": 1}]}, "field_missing"),
        ({"outputs": [{"name": "a", "size": 1, "sha256": "zz"}]}, "field_invalid"),
        ({"outputs": [{"name": "a", "size": 1, "claim": {"x": "y" * MAX_CLAIM_BYTES}}]}, "field_invalid"),
        ({"outputs": [{"name": "a", "size": 1, "path": "/etc/passwd"}]}, "field_invalid"),
        ({"member": "admin"}, "field_invalid"),
        ({"project": "heart-study"}, "field_invalid"),
    ],
)
def test_bad_requests_are_refused_by_name(parts: Everything, changes: dict[str, object], reason: str) -> None:
    site, room, *_ = parts
    answer = site.caller(KEY).post("/internal/requests", json={**body(), **changes})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (422, reason)
    assert room.store.requests_of("researcher1") == ()


def test_what_a_notebook_may_write_review_takes(parts: Everything) -> None:
    """A claim may be as long as `onggi.claim` lets it, in any script."""
    site, *_ = parts
    claim = {"sql": "가" * (MAX_CLAIM_BYTES // 3 - 10)}
    texts = {"purpose": "x" * MAX_PURPOSE_BYTES, "context": "x" * MAX_CONTEXT_BYTES}
    made = site.caller(KEY).post(
        "/internal/requests", json=body({"name": "a.csv", "size": 3, "claim": claim}, **texts)
    )
    assert made.status_code == 201


@pytest.mark.parametrize("content", [b"", b"{", b"[" * 100_000, b"\xff", b'"x"', b"null"])
def test_bodies_that_are_no_request_are_refused(parts: Everything, content: bytes) -> None:
    site, *_ = parts
    assert site.caller(KEY).post("/internal/requests", content=content).status_code == 422


def test_a_wrong_size_or_hash_is_refused_and_leaves_nothing(parts: Everything) -> None:
    site, room, *_ = parts
    caller = site.caller(KEY)
    made = caller.post("/internal/requests", json=body({"name": "a", "size": 3, "sha256": "0" * 64})).json()
    path = f"/internal/requests/{made['id']}/outputs"
    reasons = [
        caller.put(f"{path}/1", content=b"abc").json()["error"]["reason"],
        caller.put(f"{path}/1", content=b"abcd").json()["error"]["reason"],
        caller.put(f"{path}/2", content=b"abc").json()["error"]["reason"],
        caller.put(f"{path}/1", content=iter([b"abc"])).json()["error"]["reason"],
    ]
    assert reasons == ["output_hash_mismatch", "output_size_mismatch", "not_found", "field_missing"]
    files = [path for path in (room.vault.path("a" * 64).parents[2]).rglob("*") if path.is_file()]
    assert files == []


def test_a_member_cannot_fill_the_vault(tmp_path: Path) -> None:
    room, *_ = review.room_of(tmp_path, max_daily_bytes=10, max_open_requests=3)
    site = Site(tmp_path / "state", room)
    caller = site.caller(KEY)
    made = {"id": ""}
    for _ in range(3):
        made = caller.post("/internal/requests", json=body()).json()
        caller.put(f"/internal/requests/{made['id']}/outputs/1", content=b"abc")
    refused = caller.post("/internal/requests", json=body())
    assert (refused.status_code, refused.json()["error"]["reason"]) == (403, "too_many_requests")
    caller.post(f"/internal/requests/{made['id']}/withdraw")
    last = caller.post("/internal/requests", json=body()).json()
    over = caller.put(f"/internal/requests/{last['id']}/outputs/1", content=b"abc")
    assert over.json()["error"]["reason"] == "quota_exceeded"


def test_a_member_asks_only_so_often_a_day(tmp_path: Path) -> None:
    """Findings say something of what others released: withdrawing does not buy another answer."""
    site = Site(tmp_path / "state", review.room_of(tmp_path, max_daily_requests=2)[0])
    caller = site.caller(KEY)
    for _ in range(2):
        made = caller.post("/internal/requests", json=body()).json()
        caller.post(f"/internal/requests/{made['id']}/withdraw")
    refused = caller.post("/internal/requests", json=body())
    error = refused.json()["error"]
    assert (refused.status_code, error["reason"], error["params"]["resource"]) == (
        403,
        "quota_exceeded",
        "egress_requests",
    )


def an_event(source: str, actor: str = "researcher1", project: str | None = review.PROJECT) -> Event:
    return new_event(review.StillClock(), source, actor, "cell.run", "kernel", project)


@pytest.mark.parametrize(
    ("token", "event", "status"),
    [
        ("hub", an_event("hub", "admin", None), 201),
        ("desk", an_event("desk", "admin", None), 201),
        ("broker", an_event("broker", "service:broker"), 201),
        ("hub", an_event("desk"), 403),
        ("desk", an_event("session"), 403),
        ("review", an_event("review"), 403),
        ("desk", an_event("review"), 403),
        (KEY, an_event("session"), 201),
        (KEY, an_event("session", "service:session"), 201),
        (KEY, an_event("session", "researcher2"), 403),
        (KEY, an_event("session", project="heart-study"), 403),
        (KEY, an_event("session", project=None), 403),
        (KEY, an_event("hub"), 403),
    ],
)
def test_nobody_speaks_for_another(parts: Everything, token: str, event: Event, status: int) -> None:
    site, room, *_ = parts
    answer = site.caller(site.tokens.get(token, token)).post("/internal/events", json=event.to_json())
    assert answer.status_code == status
    if status == 201:
        again = site.caller(site.tokens.get(token, token)).post("/internal/events", json=event.to_json())
        assert again.json() == answer.json() == {"index": 0}
        last = (
            site.caller(site.tokens["hub"])
            .get("/internal/events/last", params={"source": event.source})
            .json()
        )
        assert last["event"] == last["events"][0] == event.to_json()
    else:
        assert room.store.last_events(event.source, 5) == ()


def test_a_batch_is_taken_in_order_whole_and_once(parts: Everything) -> None:
    site, room, *_ = parts
    caller = site.caller(KEY)
    events = [an_event("session") for _ in range(3)]
    for _ in range(2):  # sent again after an answer that was lost
        answer = caller.post("/internal/events/batch", json={"events": [one.to_json() for one in events]})
        assert (answer.status_code, answer.json()) == (201, {"count": 3})
    assert list(reversed(room.store.last_events("session", 9))) == events


def test_a_batch_with_one_event_that_is_not_ones_own_is_refused_whole(parts: Everything) -> None:
    site, room, *_ = parts
    events = [an_event("session").to_json(), an_event("session", "researcher2").to_json()]
    assert site.caller(KEY).post("/internal/events/batch", json={"events": events}).status_code == 403
    assert room.store.last_events("session", 5) == ()


@pytest.mark.parametrize(
    "body", [[], {}, {"events": []}, {"events": [1]}, {"events": [{}] * 101}, {"events": 3}]
)
def test_a_malformed_batch_is_refused(parts: Everything, body: object) -> None:
    site, *_ = parts
    assert site.caller(KEY).post("/internal/events/batch", json=body).status_code == 422


def test_one_id_says_one_thing(parts: Everything) -> None:
    site, *_ = parts
    caller, event = site.caller(site.tokens["hub"]), an_event("hub")
    caller.post("/internal/events", json=event.to_json())
    answer = caller.post("/internal/events", json={**event.to_json(), "actor": "somebody"})
    assert (answer.status_code, answer.json()["error"]["reason"]) == (409, "event_id_reused")


def test_without_the_desk_no_session_gets_in(parts: Everything) -> None:
    site, _, desk, _ = parts
    desk.away = True
    assert site.caller(KEY).get("/internal/requests").status_code == 503
    assert (
        site.caller(site.tokens["hub"]).post("/internal/events", json=an_event("hub").to_json()).status_code
        == 201
    )


def _put(port: int, path: str, headers: dict[str, str], *chunks: bytes) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.putrequest("PUT", path, skip_host=True)
    for name, value in {"Host": "127.0.0.1:8002", "Authorization": f"Bearer {KEY}", **headers}.items():
        connection.putheader(name, value)
    connection.endheaders()
    try:
        for chunk in chunks:
            connection.send(chunk)
    except OSError:
        pass  # refused before all was sent: the answer is there to read
    answer = connection.getresponse()
    found = answer.status, answer.read()
    connection.close()
    return found


def test_real_streams_are_capped_before_they_are_read(parts: Everything) -> None:
    site, room, *_ = parts
    size = 3_000_000
    made = site.caller(KEY).post("/internal/requests", json=body({"name": "a", "size": size})).json()
    path = f"/internal/requests/{made['id']}/outputs/1"
    with serving(site) as port:
        too_long = _put(port, path, {"Content-Length": str(2 * 1024**3)}, b"x" * 100_000)
        chunked = _put(port, path, {"Transfer-Encoding": "chunked"}, b"5\r\nabcde\r\n0\r\n\r\n")
        stranger = _put(port, path, {"Content-Length": "3", "Authorization": "Bearer no"}, b"abc")
        short = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        short.putrequest("PUT", path, skip_host=True)
        for name, value in {
            "Host": "127.0.0.1:8002",
            "Authorization": f"Bearer {KEY}",
            "Content-Length": str(size),
        }.items():
            short.putheader(name, value)
        short.endheaders(b"only this much")
        short.sock.shutdown(socket.SHUT_RDWR)
        short.close()
        whole = _put(port, path, {"Content-Length": str(size)}, b"x" * 1_500_000, b"y" * 1_500_000)
    assert too_long[0] == 422
    assert b"output_size_mismatch" in too_long[1]
    assert chunked[0] == 422
    assert stranger[0] == 403
    assert whole[0] == 200
    incoming = room.vault.path("a" * 64).parents[2] / "incoming"
    assert list(incoming.iterdir()) == []
    assert room.store.request(made["id"]).state is State.DRAFT
    assert to_text(room.clock.now())
