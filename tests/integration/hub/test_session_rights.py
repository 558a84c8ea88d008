"""Opening a session, and being refused one, over the real hub, proxy and desk."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from hub.actions import members, projects
from hub.registry.values import SessionRecord
from onggi.domain import Quota

OPEN = "/projects/nafld-study/session"


@pytest.fixture(scope="module")
def researcher(site: Any) -> Any:
    return site.browser("researcher1")


@pytest.fixture(autouse=True)
def nothing_open(site: Any) -> Iterator[None]:
    yield
    for person, slug in (("researcher1", "nafld-study"), ("researcher2", "claims-study")):
        site.hub_api("DELETE", f"/users/{person}/servers/{slug}")
    site.until(lambda: not leases(site))


def leases(site: Any) -> tuple[SessionRecord, ...]:
    with site.context.registry.reading() as store:
        found: tuple[SessionRecord, ...] = store.open_sessions()
    return found


def running(site: Any, person: str) -> set[str]:
    return set(site.hub_api("GET", f"/users/{person}").json()["servers"])


@contextlib.contextmanager
def ended_membership(site: Any) -> Iterator[None]:
    members.end_member(site.context, "admin", "nafld-study", "researcher1")
    try:
        yield
    finally:
        members.add_member(site.context, "admin", "nafld-study", "researcher1")


def test_one_button_opens_a_session(site: Any, researcher: Any) -> None:
    answer = site.post(researcher, "/", OPEN)
    assert answer.status_code == 200
    site.until(lambda: answer_of_server(site, researcher) == 200)
    (lease,) = leases(site)
    assert (lease.member, lease.project) == ("researcher1", "nafld-study")
    assert site.notary.actions(lease.session_id) == ["session.open"]
    assert (site.settings.projects / "nafld-study").stat().st_mode & 0o777 == 0o700
    page = researcher.get(site.url("desk", "/"))
    assert "Session open since" in page.text
    again = site.post(researcher, "/", OPEN)
    assert again.status_code == 200
    assert "/user/researcher1/nafld-study/" in str(again.url)
    assert len(leases(site)) == 1
    site.post(researcher, "/", OPEN + "/stop")
    site.until(lambda: not leases(site))
    assert site.notary.actions(lease.session_id) == ["session.open", "session.close"]


def answer_of_server(site: Any, browser: Any) -> int:
    url = site.url("hub_public", "/user/researcher1/nafld-study/lab")
    return int(browser.get(url, follow_redirects=False).status_code)


@pytest.mark.parametrize("slug", ["claims-study", "no-such-project"])
def test_somebody_elses_project(site: Any, researcher: Any, slug: str) -> None:
    page = site.post(researcher, "/", f"/projects/{slug}/session")
    assert page.status_code == 403
    assert f"You are not a member of project {slug}" in page.text
    answer = site.api(researcher, "POST", f"/api/projects/{slug}/session")
    assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "not_a_member")
    assert site.api(researcher, "GET", f"/api/projects/{slug}").status_code == 403
    assert running(site, "researcher1") == set()


@pytest.mark.parametrize(
    ("person", "name", "reason"),
    [
        ("researcher1", "claims-study", "not_a_member"),
        ("researcher1", "no-such-project", "not_a_member"),
        ("admin", "nafld-study", "not_a_member"),
        ("reviewer1", "nafld-study", "not_a_member"),
    ],
)
def test_even_the_desk_cannot_start_it(site: Any, person: str, name: str, reason: str) -> None:
    """The check sits where no caller of the hub can go around it."""
    site.browser(person)
    for _ in range(6):  # five plain failures would shut a stock hub down
        answer = site.hub_api("POST", f"/users/{person}/servers/{name}", {"language": "en"})
        assert answer.status_code == 409, answer.text
        assert answer.headers["X-Onggi-Reason"] == reason
        assert answer.json()["message"].startswith(f"You are not a member of project {name}.")
    assert leases(site) == ()


def test_the_unnamed_server_never_starts(site: Any, researcher: Any) -> None:
    answer = site.hub_api("POST", "/users/researcher1/server", {"language": "ko"})
    assert (answer.status_code, answer.headers["X-Onggi-Reason"]) == (409, "session_needs_project")
    assert "세션은 과제에 속합니다" in answer.json()["message"]
    assert researcher.get(site.url("hub_public", "/user/researcher1/")).status_code in {404, 424}


@pytest.mark.parametrize("name", ["NAFLD-study", "nafld_study", "../nafld-study", "a" * 31, "nafld-study "])
def test_other_spellings_are_other_names(site: Any, researcher: Any, name: str) -> None:
    answer = site.hub_api("POST", f"/users/researcher1/servers/{name}", {})
    assert answer.status_code in {400, 403, 404, 409}
    assert leases(site) == ()


def test_an_ended_membership_opens_nothing_and_says_why(site: Any, researcher: Any) -> None:
    with ended_membership(site):
        page = researcher.get(site.url("desk", "/"))
        assert "Your membership in project nafld-study has ended" in page.text
        assert "<button disabled" in page.text
        answer = site.api(researcher, "POST", "/api/projects/nafld-study/session")
        assert (answer.status_code, answer.json()["error"]["reason"]) == (403, "membership_ended")
        answer = site.hub_api("POST", "/users/researcher1/servers/nafld-study", {})
        assert answer.headers["X-Onggi-Reason"] == "membership_ended"


def test_a_membership_that_ends_stops_the_session(site: Any, researcher: Any) -> None:
    site.post(researcher, "/", OPEN)
    site.until(lambda: answer_of_server(site, researcher) == 200)
    (lease,) = leases(site)
    with ended_membership(site):
        site.until(lambda: not leases(site))
        site.until(lambda: running(site, "researcher1") == set())
        page = researcher.get(site.url("hub_public", "/user/researcher1/nafld-study/lab"))
        assert page.status_code in {404, 424}
        assert "Go to the desk" in page.text
    assert site.notary.actions(lease.session_id) == ["session.open", "session.expired", "session.close"]


def test_a_used_up_quota_is_said_on_the_page(site: Any, researcher: Any) -> None:
    with site.context.registry.reading() as store:
        before = store.quota("nafld-study")
    projects.set_quota(site.context, "admin", replace(before, sessions=0))
    try:
        page = site.post(researcher, "/", OPEN)
        assert page.status_code == 403
        assert "The quota of project nafld-study is used up" in page.text
    finally:
        projects.set_quota(site.context, "admin", before)
    assert before == Quota("nafld-study", 4, 8, 16 * 1024**3)


def test_without_the_audit_log_no_session_opens(site: Any, researcher: Any) -> None:
    site.notary.open = False
    try:
        page = site.post(researcher, "/", OPEN)
    finally:
        site.notary.open = True
    assert page.status_code == 503
    assert "audit log does not answer" in page.text
    assert leases(site) == ()


def test_nobody_enters_anothers_session(site: Any, researcher: Any) -> None:
    site.post(researcher, "/", OPEN)
    site.until(lambda: answer_of_server(site, researcher) == 200)
    for person in ("researcher2", "admin", "reviewer1"):
        other = site.browser(person)
        page = other.get(site.url("hub_public", "/hub/spawn-pending/researcher1/nafld-study"))
        assert page.status_code == 404
        for path in ("/users/researcher1", "/users/researcher1/servers/nafld-study/progress"):
            answer = other.get(site.url("hub_public", f"/hub/api{path}"))
            assert answer.status_code in {403, 404}
        answer = site.api(other, "DELETE", "/api/projects/nafld-study/sessions/researcher1")
        assert answer.status_code == (204 if person == "admin" else 403)
        if person == "admin":
            site.until(lambda: not leases(site))
            assert "session.stop" in site.notary.actions("researcher1")
            break
        assert len(leases(site)) == 1
