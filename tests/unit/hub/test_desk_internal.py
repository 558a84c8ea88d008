"""What session servers and the other services are told."""

from __future__ import annotations

from pathlib import Path

import httpx2 as httpx
import pytest
from starlette.testclient import TestClient

from hub.actions import datasets, members
from hub.desk.access import Parts
from hub.desk.app import create_desk
from hub.desk.limits import LimitReport
from hub.hub_api import HubClient
from hub.settings import HubSettings
from onggi.clock import to_text
from tests.support.hub_world import DAY, NOW, World, make_world
from web.clients import ReviewClient
from web.tokens import SERVICES, token_of


@pytest.fixture
def world() -> World:
    return make_world()


@pytest.fixture
def client(world: World, tmp_path: Path) -> TestClient:
    settings = HubSettings(state=tmp_path, base_port=8000)
    nowhere = httpx.MockTransport(lambda _request: httpx.Response(503))
    tokens = {name: token_of(settings.secrets, name) for name in SERVICES}
    hub = HubClient(settings.hub_api, "t", nowhere)
    review = ReviewClient("http://r", "t", nowhere)
    parts = Parts(settings, world.context, hub, review, tokens, LimitReport(dict))
    return TestClient(create_desk(parts, reconcile=False), base_url="http://127.0.0.1:8001")


@pytest.fixture
def service(tmp_path: Path, client: TestClient) -> dict[str, str]:
    return {"Authorization": f"Bearer {token_of(tmp_path / 'secrets', 'review')}"}


def test_what_a_session_key_stands_for(client: TestClient, world: World, service: dict[str, str]) -> None:
    members.add_member(world.context, "admin", "liver", "researcher1", ends=NOW + DAY)
    plan = world.open("researcher1", "liver")
    expected = {
        "session_id": plan.session_id,
        "member": "researcher1",
        "project": "liver",
        "role": "researcher",
        "until": to_text(NOW + DAY),
        "datasets": [
            {
                "name": "nafld",
                "version": "1",
                "titles": {"ko": "코호트", "en": "Cohort"},
                "until": None,
                "path": "/data/nafld/1",
            }
        ],
        "language": "ko",
    }
    key = {"Authorization": f"Bearer {plan.session_key}"}
    assert client.get("/internal/session", headers=key).json() == expected
    answer = client.post("/internal/introspect", json={"session_key": plan.session_key}, headers=service)
    assert answer.json() == expected


def test_an_ended_right_is_answered_with_its_reason(
    client: TestClient, world: World, service: dict[str, str]
) -> None:
    plan = world.open("researcher1", "liver")
    datasets.end_grant(world.context, "admin", "liver", "nafld", "1")
    for answer in (
        client.get("/internal/session", headers={"Authorization": f"Bearer {plan.session_key}"}),
        client.post("/internal/introspect", json={"session_key": plan.session_key}, headers=service),
    ):
        assert answer.status_code == 403
        assert answer.json() == {"error": {"reason": "grant_ended", "params": {"dataset": "nafld"}}}


def test_people_and_projects(client: TestClient, world: World, service: dict[str, str]) -> None:
    members.end_member(world.context, "admin", "liver", "lead1")
    person = client.get("/internal/people/lead1", headers=service).json()
    assert (person["name"], person["roles"]) == ("lead1", [])
    assert [(one["project"], one["role"], one["active"]) for one in person["memberships"]] == [
        ("liver", "lead", False)
    ]
    project = client.get("/internal/projects/liver", headers=service).json()
    assert project["active"] is True
    assert [(one["person"], one["active"]) for one in project["members"]] == [
        ("lead1", False),
        ("researcher1", True),
    ]
    assert [(one["dataset"], one["version"], one["active"]) for one in project["grants"]] == [
        ("nafld", "1", True)
    ]
    for path in ("people/stranger", "projects/nowhere", "datasets/nafld/9"):
        assert client.get(f"/internal/{path}", headers=service).status_code == 404


def test_a_manifest_that_is_not_the_registered_one_is_not_handed_out(
    client: TestClient, world: World, service: dict[str, str], dataset_folder: Path
) -> None:
    datasets.register_dataset(world.context, "admin", dataset_folder)
    answer = client.get("/internal/datasets/small-set/1", headers=service)
    assert answer.json()["path"] == str(dataset_folder)
    assert answer.json()["manifest"]["name"] == "small-set"
    with (dataset_folder / "manifest.json").open("ab") as file:
        file.write(b" ")
    answer = client.get("/internal/datasets/small-set/1", headers=service)
    assert (answer.status_code, answer.json()["error"]["reason"]) == (500, "data_hash_mismatch")


@pytest.mark.parametrize(
    "body", [b"", b"{}", b"[]", b"{", b'{"session_key": 1}', b'{"session_key":"x","y":1}']
)
def test_a_body_that_cannot_be_read(client: TestClient, service: dict[str, str], body: bytes) -> None:
    answer = client.post("/internal/introspect", content=body, headers=service)
    assert answer.status_code == 422


def test_a_body_without_end(client: TestClient, service: dict[str, str]) -> None:
    answer = client.post("/internal/introspect", content=b"x" * 100_000, headers=service)
    assert answer.status_code == 422
