"""Letting somebody into a project, and that person's way into a session, without a pointer."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hub.tour.installation import Running
from onggi.words import LANGUAGES, say
from tests.support.looked_at import looked_at, tab_to

pytestmark = [pytest.mark.browser, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

PROJECT = "nafld-study"
NEWCOMER = {"en": "researcher2", "ko": "reviewer2"}
SOME_DAY = "12122099"  # the same whether the browser asks for the day or for the month first


def sign_in(browser: Browser, running: Running, person: str, language: str, path: str) -> Page:
    context = browser.new_context(
        locale={"ko": "ko-KR", "en": "en-GB"}[language], viewport={"width": 1280, "height": 860}
    )
    page = context.new_page()
    page.goto(running.origin("desk") + path)
    tab_to(page, 'input[name="username"]')
    page.keyboard.type(person)
    tab_to(page, 'input[name="password"]')
    page.keyboard.type(running.password(person))
    page.keyboard.press("Enter")
    page.wait_for_url(running.origin("desk") + path)
    return page


def said_once(page: Page, sentence: str) -> None:
    """A form's result is said on the page that follows, and not on the next."""
    expect(page.get_by_role("status")).to_have_text(sentence)
    page.reload()
    expect(page.get_by_role("status")).to_have_count(0)


@pytest.mark.parametrize("language", LANGUAGES)
def test_from_a_membership_to_an_open_session_by_keyboard_alone(
    browser: Browser, running: Running, language: str, pictures: Path
) -> None:
    person = NEWCOMER[language]
    page = sign_in(browser, running, "admin", language, "/admin")
    tab_to(page, f'a[href="/admin/projects/{PROJECT}"]')
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/admin/projects/{PROJECT}")
    tab_to(page, "#member")
    page.keyboard.type(person)
    expect(page.locator("#member")).to_have_value(person)
    tab_to(page, "#ends")
    page.keyboard.type(SOME_DAY)
    expect(page.locator("#ends")).to_have_value("2099-12-12")
    tab_to(page, 'form[action$="/members"] button')
    page.keyboard.press("Enter")
    said_once(page, say(language, "cli.member_added", project=PROJECT, person=person))
    expect(page.get_by_role("row", name=person)).to_contain_text("2099")
    tab_to(page, "#dataset")
    page.keyboard.press("End" if language == "en" else "Home")
    dataset, _, version = page.locator("#dataset").input_value().partition("/")
    tab_to(page, "#until")
    page.keyboard.type(SOME_DAY)
    tab_to(page, 'form[action$="/grants"] button')
    page.keyboard.press("Enter")
    said_once(page, say(language, "cli.grant_given", project=PROJECT, dataset=dataset, version=version))
    looked_at(page, "project-real", language, pictures)
    page.context.close()
    page = sign_in(browser, running, person, language, "/")
    tab_to(page, f'form[action="/projects/{PROJECT}/session"] button')
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/{PROJECT}/lab**", timeout=90_000)
    expect(page.locator(".onggi-state")).to_be_visible(timeout=90_000)
    page.context.close()
