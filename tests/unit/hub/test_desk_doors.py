"""Every route of the desk names who may come in, and nobody else does. The table is written out by hand."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.testclient import TestClient

from hub.desk.access import Parts
from hub.desk.app import create_desk
from hub.desk.limits import LimitReport
from hub.hub_api import DESK_SCOPE, HubClient
from hub.settings import HubSettings
from tests.support.hub_world import World, make_world
from web.clients import ReviewClient
from web.tokens import SERVICES, token_of

PUBLIC = {
    ("GET", "/healthz"),
    ("GET", "/language/{language}"),
    ("GET", "/oauth_callback"),
    ("GET", "/sign-in"),
    ("POST", "/sign-out"),
    ("GET", "/signed-out"),
}
DOORS = {
    ("GET", "/"): "signed-in",
    ("POST", "/projects/{slug}/session"): "signed-in",
    ("POST", "/projects/{slug}/session/stop"): "signed-in",
    ("GET", "/admin"): "project:manage",
    ("GET", "/admin/projects/{slug}"): "project:manage",
    ("POST", "/admin/projects"): "project:manage",
    ("POST", "/admin/projects/{slug}/end"): "project:manage",
    ("POST", "/admin/people"): "role:manage",
    ("POST", "/admin/roles/give"): "role:manage",
    ("POST", "/admin/roles/take"): "role:manage",
    ("POST", "/admin/datasets"): "dataset:manage",
    ("POST", "/admin/projects/{slug}/members"): "member:manage",
    ("POST", "/admin/projects/{slug}/members/end"): "member:manage",
    ("POST", "/admin/projects/{slug}/grants"): "grant:manage",
    ("POST", "/admin/projects/{slug}/grants/end"): "grant:manage",
    ("POST", "/admin/projects/{slug}/quota"): "quota:manage",
    ("POST", "/admin/projects/{slug}/sessions/stop"): "session:stop",
    ("GET", "/display"): "display:read",
    ("GET", "/display/unusual"): "display:read",
    ("GET", "/display/projects/{slug}"): "display:read",
    ("POST", "/display/projects/{slug}/policy"): "display:manage",
    ("POST", "/display/projects/{slug}/lift"): "display:manage",
    ("GET", "/display/sessions/{session}"): "display:read",
    ("GET", "/display/showings/{showing}"): "display:read",
    ("GET", "/api/display/profiles"): "display:read",
    ("GET", "/api/display/budgets"): "display:read",
    ("GET", "/api/display/unusual"): "display:read",
    ("GET", "/api/display/sessions/{session}"): "display:read",
    ("GET", "/api/projects/{slug}/display/policy"): "display:read",
    ("PUT", "/api/projects/{slug}/display/policy"): "display:manage",
    ("GET", "/api/projects/{slug}/display/sessions"): "display:read",
    ("POST", "/api/projects/{slug}/display/lifts/{person}"): "display:manage",
    ("GET", "/api/me"): "signed-in",
    ("GET", "/api/people"): "role:manage",
    ("PUT", "/api/people/{name}"): "role:manage",
    ("PUT", "/api/people/{name}/roles/{role}"): "role:manage",
    ("DELETE", "/api/people/{name}/roles/{role}"): "role:manage",
    ("GET", "/api/projects"): "project:read",
    ("POST", "/api/projects"): "project:manage",
    ("GET", "/api/projects/{slug}"): "signed-in",
    ("PATCH", "/api/projects/{slug}"): "project:manage",
    ("PUT", "/api/projects/{slug}/quota"): "quota:manage",
    ("PUT", "/api/projects/{slug}/members/{person}"): "member:manage",
    ("DELETE", "/api/projects/{slug}/members/{person}"): "member:manage",
    ("PUT", "/api/projects/{slug}/grants/{dataset}/{version}"): "grant:manage",
    ("DELETE", "/api/projects/{slug}/grants/{dataset}/{version}"): "grant:manage",
    ("GET", "/api/datasets"): "dataset:read",
    ("POST", "/api/datasets"): "dataset:manage",
    ("POST", "/api/projects/{slug}/session"): "session:open",
    ("DELETE", "/api/projects/{slug}/session"): "signed-in",
    ("GET", "/api/projects/{slug}/sessions"): "project:read",
    ("DELETE", "/api/projects/{slug}/sessions/{person}"): "session:stop",
    ("GET", "/internal/session"): "session-key",
    ("POST", "/internal/introspect"): "service",
    ("GET", "/internal/people/{name}"): "service",
    ("GET", "/internal/projects/{slug}"): "service",
    ("GET", "/internal/datasets/{name}/{version}"): "service",
}
_PEOPLE = {"hub-token-of-researcher2": "researcher2", "hub-token-of-admin": "admin"}


def fake_hub(request: httpx.Request) -> httpx.Response:
    """Knows two tokens; refuses to start anything."""
    name = _PEOPLE.get(request.headers["authorization"].removeprefix("token "))
    if request.url.path.endswith("/user") and name:
        return httpx.Response(200, json={"kind": "user", "name": name, "scopes": [DESK_SCOPE]})
    return httpx.Response(403, json={})


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def app(world: World, tmp_path: Path) -> Starlette:
    settings = HubSettings(state=tmp_path, base_port=8000)
    transport = httpx.MockTransport(fake_hub)
    parts = Parts(
        settings,
        world.context,
        HubClient(settings.hub_api, "desk-token", transport),
        ReviewClient(settings.origin("review"), "desk-token", transport),
        {name: token_of(settings.secrets, name) for name in SERVICES},
        LimitReport(dict),
    )
    return create_desk(parts, reconcile=False)


@pytest.fixture
def client(app: Starlette) -> Iterator[TestClient]:
    with TestClient(app, base_url="http://127.0.0.1:8001", follow_redirects=False) as client:
        yield client


def routes_of(app: Starlette) -> dict[tuple[str, str], str | None]:
    found: dict[tuple[str, str], str | None] = {}
    for route in app.routes:
        if isinstance(route, Mount):
            assert route.path == "/static"
            continue
        assert isinstance(route, Route)
        access = getattr(route.endpoint, "access", None)
        for method in sorted((route.methods or set()) - {"HEAD"}):
            found[method, route.path] = None if access is None else str(access)
    return found


def test_no_route_lacks_its_permission(app: Starlette) -> None:
    found = routes_of(app)
    assert {key for key, access in found.items() if access is None} == PUBLIC
    assert {key: access for key, access in found.items() if access is not None} == DOORS


def _filled(path: str) -> str:
    values = {"slug": "liver", "person": "researcher1", "name": "nobody", "role": "reviewer"}
    values |= {"dataset": "nafld", "version": "1", "session": "s-0123456789abcdef", "showing": "0" * 32}
    return path.format(**values)


@pytest.mark.parametrize(("method", "path"), DOORS)
def test_a_stranger_gets_nowhere(client: TestClient, world: World, method: str, path: str) -> None:
    """Without a token; with a wrong one; and (JSON) as a member of another project."""
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "token wrong"}):
        answer = client.request(method, _filled(path), headers=headers)
        assert answer.status_code in {403, 503}, answer.text
        assert answer.json()["error"]["reason"] in {"sign_in_required", "cross_site_request"}
    assert world.audit.events == []


@pytest.mark.parametrize(("method", "path"), [key for key in DOORS if key[1].startswith("/api/")])
def test_a_member_of_another_project_gets_nowhere(
    client: TestClient, world: World, method: str, path: str
) -> None:
    headers = {"Authorization": "token hub-token-of-researcher2"}
    answer = client.request(method, _filled(path), headers=headers)
    if (method, path) == ("GET", "/api/me"):
        assert [one["project"] for one in answer.json()["memberships"]] == ["claims"]
        return
    if (method, path) == ("DELETE", "/api/projects/{slug}/session"):
        assert answer.status_code == 503  # it is one's own session that is stopped: the fake hub has none
        return
    assert answer.status_code == 403, answer.text
    assert answer.json()["error"]["reason"] in {"not_permitted", "not_a_member"}
    assert world.audit.events == []


@pytest.mark.parametrize(("method", "path"), [key for key in DOORS if key[1].startswith("/internal/")])
def test_the_service_api_is_not_for_people(client: TestClient, method: str, path: str) -> None:
    headers = {"Authorization": "token hub-token-of-admin"}
    answer = client.request(method, _filled(path), headers=headers)
    assert answer.status_code == 403


@pytest.mark.parametrize(("method", "path"), [key for key, door in DOORS.items() if door == "service"])
def test_a_session_key_is_no_service(client: TestClient, world: World, method: str, path: str) -> None:
    key = world.open("researcher1", "liver").session_key
    answer = client.request(method, _filled(path), headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 403


@pytest.mark.parametrize("method_path", [key for key in DOORS if key[0] != "GET"])
def test_another_origin_changes_nothing(
    client: TestClient, world: World, method_path: tuple[str, str]
) -> None:
    """A session's page lives on the proxy's port; its cookies reach us, its requests must not."""
    method, path = method_path
    for headers in (
        {"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-site"},
        {"Origin": "http://127.0.0.1:8000"},
        {"Sec-Fetch-Site": "cross-site"},
        {},
    ):
        answer = client.request(method, _filled(path), headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["reason"] == "cross_site_request"
    assert world.audit.events == []


def test_a_foreign_host_name_is_refused(client: TestClient) -> None:
    assert client.get("/healthz", headers={"Host": "attacker.example"}).status_code == 403


def test_a_browser_without_sign_in_is_led_there(client: TestClient) -> None:
    answer = client.get("/", headers={"Accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")
