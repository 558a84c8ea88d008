"""The desk's pages as people see them, in both languages."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx
import itsdangerous
import pytest
from starlette.testclient import TestClient

from hub.actions import datasets, members
from hub.desk.access import Parts
from hub.desk.app import create_desk
from hub.desk.limits import LimitReport
from hub.hub_api import HubClient
from hub.settings import HubSettings
from tests.support.hub_world import World, make_world
from web.clients import ReviewClient
from web.reason_headers import PARAMS_HEADER, REASON_HEADER
from web.tokens import SERVICES, token_of

ORIGIN = "http://127.0.0.1:8001"
HEADERS = {"Origin": ORIGIN, "Sec-Fetch-Site": "same-origin", "Accept": "text/html"}
REQUESTS = [
    {
        "id": "r-0000000000000001",
        "project": "liver",
        "member": "researcher1",
        "purpose": "<script>alert(1)</script>",
        "state": "in_review",
        "submitted": "2026-11-21T09:00:00.000Z",
        "outputs": [
            {"name": "표.csv", "state": None, "findings": [{"code": "no_such_code", "params": {}}]},
            {"name": "b.csv", "state": None, "findings": []},
            {
                "name": "c.csv",
                "state": "checked",
                "verdict": "block",
                "findings": [{"code": "row_duplicate", "params": {}, "cell": {"age": age}} for age in "123"],
            },
        ],
    }
]


class Desk:
    """A desk in this process, with a hub and a review that answer from here."""

    def __init__(self, state: Path) -> None:
        self.world: World = make_world()
        self.settings = HubSettings(state=state, base_port=8000)
        self.hub_answer = httpx.Response(201)
        self.review_answer = httpx.Response(200, json={"requests": []})
        self.asked: list[tuple[str, str]] = []
        parts = Parts(
            self.settings,
            self.world.context,
            HubClient(self.settings.hub_api, "t", httpx.MockTransport(self._hub)),
            ReviewClient("http://review", "t", httpx.MockTransport(lambda _request: self.review_answer)),
            {name: token_of(self.settings.secrets, name) for name in SERVICES},
            LimitReport(lambda: {"findings": ["disk_watched"]}),
        )
        self.client = TestClient(create_desk(parts, reconcile=False), base_url=ORIGIN, follow_redirects=False)

    def _hub(self, request: httpx.Request) -> httpx.Response:
        self.asked.append((request.method, request.url.path))
        return self.hub_answer

    def sign_in(self, person: str, language: str = "en") -> None:
        secret = token_of(self.settings.secrets, "desk-cookie")
        data = b64encode(json.dumps({"person": person, "csrf": "token"}).encode())
        self.client.cookies.set("onggi-desk", itsdangerous.TimestampSigner(secret).sign(data).decode())
        self.client.cookies.set("onggi_language", language)

    def page(self, path: str) -> str:
        answer = self.client.get(path, headers={"Accept": "text/html"})
        assert answer.status_code == 200, answer.text
        return answer.text

    def send(self, path: str, **fields: str) -> httpx.Response:
        return self.client.post(path, data={"csrf": "token", **fields}, headers=HEADERS)


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    with made.client:
        yield made


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(
    ("person", "path"), [("researcher1", "/"), ("admin", "/admin"), ("admin", "/admin/projects/liver")]
)
def test_no_key_is_shown_in_place_of_its_sentence(desk: Desk, person: str, path: str, language: str) -> None:
    desk.review_answer = httpx.Response(200, json={"requests": REQUESTS})
    desk.world.open("researcher1", "liver")
    desk.sign_in(person, language)
    page = desk.page(path)
    assert f'<html lang="{language}">' in page
    text = re.sub(r"<[^>]*>", " ", page)
    assert re.findall(r"\b(?:desk|web|reasons|review)\.[a-z_]+", text) == []


def test_my_projects_and_my_requests(desk: Desk, dataset_folder: Path) -> None:
    world = desk.world
    datasets.register_dataset(world.context, "admin", dataset_folder)
    datasets.give_grant(world.context, "admin", "liver", "small-set", "1")
    desk.review_answer = httpx.Response(200, json={"requests": REQUESTS})
    desk.sign_in("researcher1")
    page = desk.page("/")
    assert 'action="/projects/liver/session"' in page
    assert "claims" not in page
    assert "CC0-1.0" in page
    assert "Synthetic: about no real person" in page
    assert "cannot be read as it was registered" in page  # the catalogue entry of `nafld` has no folder here
    assert "&lt;script&gt;" in page
    assert "<script>" not in page
    assert "In review" in page
    assert "no_such_code" in page
    assert 'href="http://127.0.0.1:8002/mine/r-0000000000000001"' in page
    assert "Blocked" in page
    assert page.count("more than once") == 1
    assert "(3 cells)" in page


def test_empty_lists_say_what_to_do(desk: Desk) -> None:
    desk.sign_in("nobody")
    page = desk.page("/")
    assert "You are in no project." in page
    assert "onggi.submit" in page


def test_a_review_that_does_not_answer_leaves_the_rest_usable(desk: Desk) -> None:
    desk.review_answer = httpx.Response(503)
    desk.sign_in("researcher1")
    page = desk.page("/")
    assert "cannot be shown at the moment" in page
    assert 'action="/projects/liver/session"' in page


def test_opening_leads_to_the_waiting_page(desk: Desk) -> None:
    desk.sign_in("researcher1")
    answer = desk.send("/projects/liver/session")
    assert answer.status_code == 303
    assert answer.headers["location"] == "http://127.0.0.1:8000/hub/spawn-pending/researcher1/liver"
    assert desk.asked == [("POST", "/hub/api/users/researcher1/servers/liver")]


def test_what_the_hub_refuses_is_said_where_the_button_is(desk: Desk) -> None:
    params = {"project": "liver", "resource": "cpus", "used": "4", "limit": "4"}
    headers = {REASON_HEADER: "quota_exceeded", PARAMS_HEADER: json.dumps(params)}
    desk.hub_answer = httpx.Response(409, json={}, headers=headers)
    desk.sign_in("researcher1")
    answer = desk.send("/projects/liver/session")
    assert answer.status_code == 403
    assert "The quota of project liver is used up (Processor cores: 4 of 4)" in answer.text


def test_a_refused_project_never_reaches_the_hub(desk: Desk) -> None:
    desk.sign_in("researcher2")
    answer = desk.send("/projects/liver/session")
    assert answer.status_code == 403
    assert desk.asked == []


def test_a_form_without_its_token_does_nothing(desk: Desk) -> None:
    desk.sign_in("admin")
    answer = desk.client.post("/admin/people", data={"name": "new"}, headers=HEADERS)
    assert answer.status_code == 403
    assert desk.world.audit.events == []


FORMS: list[tuple[str, dict[str, str], str]] = [
    (
        "/admin/projects",
        {"slug": "new", "title_ko": "가", "title_en": "A", "ends": "2099-01-01"},
        "project.create",
    ),
    ("/admin/people", {"name": "new"}, "person.add"),
    ("/admin/roles/give", {"name": "nobody", "role": "auditor"}, "role.give"),
    ("/admin/roles/take", {"name": "auditor", "role": "auditor"}, "role.take"),
    ("/admin/projects/liver/end", {"ends": "2099-01-01"}, "project.change"),
    (
        "/admin/projects/liver/members",
        {"person": "nobody", "role": "lead", "starts": "", "ends": ""},
        "member.add",
    ),
    ("/admin/projects/liver/members/end", {"person": "researcher1"}, "member.end"),
    ("/admin/projects/claims/grants", {"dataset": "nafld/1", "until": ""}, "grant.give"),
    ("/admin/projects/liver/grants/end", {"dataset": "nafld/1"}, "grant.end"),
    (
        "/admin/projects/liver/quota",
        {"sessions": "1", "cpus": "2", "memory_gib": "3", "storage_gib": "4"},
        "quota.set",
    ),
]


@pytest.mark.parametrize(("path", "fields", "action"), FORMS)
def test_each_form_does_its_action(desk: Desk, path: str, fields: dict[str, str], action: str) -> None:
    desk.sign_in("admin")
    answer = desk.send(path, **fields)
    assert answer.status_code == 303, answer.text
    assert desk.world.audit.actions() == [action]


@pytest.mark.parametrize("language", ["ko", "en"])
@pytest.mark.parametrize(("path", "fields", "action"), FORMS)
def test_what_was_done_is_said_on_the_next_page_and_once(
    desk: Desk, path: str, fields: dict[str, str], action: str, language: str
) -> None:
    del action
    desk.sign_in("admin", language)
    after = desk.send(path, **fields).headers["location"]
    told = re.findall(r'<p class="notice good" role="status">([^<]*)</p>', desk.page(after))
    assert len(told) == 1
    named = fields.get("slug") or fields.get("name") or fields.get("person") or path.split("/")[3]
    assert named in told[0]
    assert re.findall(r"[{}_]|\b(?:cli|desk)\.", told[0]) == []
    assert 'class="notice good"' not in desk.page(after)


def test_what_was_refused_is_not_said_to_be_done(desk: Desk) -> None:
    desk.sign_in("admin")
    desk.send("/admin/projects", slug="Wrong Name", title_ko="가", title_en="A")
    assert 'class="notice good"' not in desk.page("/admin")


def test_what_is_said_is_shown_and_not_obeyed(desk: Desk) -> None:
    secret = token_of(desk.settings.secrets, "desk-cookie")
    forged = {"person": "admin", "csrf": "token", "told": ["cli.person_added", {"person": "<b>x</b>"}]}
    data = itsdangerous.TimestampSigner(secret).sign(b64encode(json.dumps(forged).encode())).decode()
    desk.client.cookies.set("onggi-desk", data)
    assert "&lt;b&gt;x&lt;/b&gt; 님은 이제 로그인" in desk.page("/admin")


@pytest.mark.parametrize(("path", "fields", "action"), FORMS)
def test_nobody_else_can_send_it(desk: Desk, path: str, fields: dict[str, str], action: str) -> None:
    for person in ("researcher1", "reviewer1", "stranger"):
        desk.sign_in(person)
        assert desk.send(path, **fields).status_code == 403
    assert desk.world.audit.events == []


@pytest.mark.parametrize(("path", "fields", "action"), FORMS)
def test_an_unknown_field_is_refused(desk: Desk, path: str, fields: dict[str, str], action: str) -> None:
    desk.sign_in("admin")
    answer = desk.send(path, **fields, surprise="x")
    assert answer.status_code == 422
    assert "surprise" in answer.text
    assert desk.world.audit.events == []


def test_a_wrong_form_comes_back_with_the_reason(desk: Desk) -> None:
    desk.sign_in("admin")
    answer = desk.send("/admin/projects", slug="Wrong Name", title_ko="가", title_en="A")
    assert answer.status_code == 422
    assert "Wrong Name cannot be a name" in answer.text
    answer = desk.send("/admin/projects/liver/members", person="nobody", role="lead", ends="yesterday")
    assert answer.status_code == 422
    assert "The value of End is not valid (yesterday)" in answer.text


def test_an_ended_membership_is_said_and_the_button_is_grey(desk: Desk) -> None:
    members.end_member(desk.world.context, "admin", "liver", "researcher1")
    desk.sign_in("researcher1", "ko")
    page = desk.page("/")
    assert "참여 기간이 끝났습니다" in page
    assert "<button disabled" in page


def test_limits_that_are_only_watched_are_said(desk: Desk) -> None:
    desk.sign_in("researcher1")
    assert "watched, not held" in desk.page("/")


def test_a_refused_form_names_its_field_and_keeps_what_was_typed(desk: Desk) -> None:
    desk.sign_in("admin", "ko")
    typed = {"slug": "Bad Slug", "title_ko": "폐 기능", "title_en": "Lung function", "ends": "2027-12-31"}
    page = desk.send("/admin/projects", **typed).text
    for value in typed.values():
        assert f'value="{value}"' in page
    missing = desk.send("/admin/projects", **{**typed, "title_en": " "}).text
    assert "영어 제목 항목이 비어 있습니다" in missing
    taken = desk.send("/admin/projects", **{**typed, "slug": "liver"}).text
    assert "과제 liver" in taken
