"""Signing in, over the real hub and proxy."""

from __future__ import annotations

from typing import Any

import pytest


def test_signing_in_leads_to_my_projects_and_no_others(site: Any) -> None:
    page = site.browser("researcher1").get(site.url("desk", "/"))
    assert "Outcomes in non-alcoholic" in page.text
    assert "claims-study" not in page.text
    assert "researcher1" in page.text
    assert "person.sign-in" in site.notary.actions("researcher1")


def test_both_languages_from_the_first_page_on(site: Any) -> None:
    korean = site.browser(language="ko").get(site.url("desk", "/"))
    assert '<html lang="ko">' in korean.text
    assert "비밀번호" in korean.text
    browser = site.browser(language="ko")
    page = browser.get(site.url("hub_public", "/hub/language/en?next=/hub/login"))
    assert "Password" in page.text
    assert browser.cookies["onggi_language"] == "en"


def test_a_wrong_password_is_refused_on_the_form(site: Any) -> None:
    for person, word in (("researcher1", "wrong"), ("stranger", site.password("admin")), ("관리자", "x")):
        answer = site.sign_in(site.browser(), person, word)
        assert answer.status_code == 403
        assert "do not belong together" in answer.text
    assert "person.sign-in-failed" in site.notary.actions("researcher1")


def test_without_the_audit_log_nobody_signs_in(site: Any) -> None:
    site.notary.open = False
    try:
        answer = site.sign_in(site.browser(), "researcher1", site.password("researcher1"))
    finally:
        site.notary.open = True
    assert answer.status_code == 503
    assert "audit log does not answer" in answer.text


def test_a_person_without_projects_reads_what_to_do(site: Any) -> None:
    page = site.browser("reviewer1").get(site.url("desk", "/"))
    assert "You are in no project." in page.text
    assert site.url("review", "") in page.text
    assert "/admin" not in page.text


@pytest.mark.parametrize("path", ["/hub/admin", "/hub/token", "/hub/accept-share"])
def test_the_hubs_own_pages_are_closed(site: Any, path: str) -> None:
    for person in ("researcher1", "admin"):
        answer = site.browser(person).get(site.url("hub_public", path))
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text


@pytest.mark.parametrize("path", ["/hub/home", "/hub/spawn", "/hub/spawn/researcher1/nafld-study", "/"])
def test_the_hubs_home_is_the_desk(site: Any, path: str) -> None:
    answer = site.browser("researcher1").get(site.url("hub_public", path))
    assert str(answer.url).rstrip("/") == site.url("desk", "")


@pytest.mark.parametrize("person", ["researcher1", "admin"])
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/users"),
        ("GET", "/users/researcher2"),
        ("POST", "/users/{me}/tokens"),
        ("GET", "/users/{me}/tokens"),
        ("POST", "/users/researcher2/tokens"),
        ("POST", "/users/{me}/servers/nafld-study"),
        ("POST", "/users/{me}/servers/claims-study"),
        ("POST", "/users/{me}/server"),
        ("POST", "/users/researcher2/servers/claims-study"),
        ("DELETE", "/users/researcher2/servers/claims-study"),
        ("POST", "/shares/{me}/nafld-study"),
        ("POST", "/share-codes/{me}/nafld-study"),
        ("GET", "/groups"),
        ("POST", "/groups/x"),
        ("GET", "/proxy"),
        ("POST", "/shutdown"),
        ("GET", "/services"),
    ],
)
def test_the_hubs_api_gives_people_nothing(site: Any, person: str, method: str, path: str) -> None:
    browser = _signed_in(site, person)
    xsrf = browser.cookies.get("_xsrf", path="/hub/", default="")
    answer = browser.request(
        method,
        site.url("hub_public", "/hub/api" + path.format(me=person)),
        headers={"X-XSRFToken": xsrf, "Origin": site.url("hub_public", ""), "Accept": "application/json"},
    )
    assert answer.status_code in {403, 404}, answer.text


def test_a_password_buys_no_token(site: Any) -> None:
    answer = site.browser().post(
        site.url("hub_public", "/hub/api/users/researcher1/tokens"),
        json={"auth": {"username": "researcher1", "password": site.password("researcher1")}},
    )
    assert answer.status_code == 403


_BROWSERS: dict[str, Any] = {}


def _signed_in(site: Any, person: str) -> Any:
    if person not in _BROWSERS:
        _BROWSERS[person] = site.browser(person)
    return _BROWSERS[person]
