"""The pages as a researcher, two reviewers and an administrator walk them, in both languages."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from hub.tour.installation import Running
from hub.tour.steps import PROJECT, TABLE
from onggi.words import say

pytestmark = [pytest.mark.browser, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

SUBMIT = f'''import onggi
onggi.table("""{TABLE}""", to="persons-by-sex.csv")
onggi.submit(["persons-by-sex.csv"], purpose="Table 1 of the report", context="Whole cohort")'''


class Person:
    """One person with a browser context of their own."""

    def __init__(self, browser: Browser, running: Running, name: str, language: str) -> None:
        self.running, self.name, self.language = running, name, language
        self.context: BrowserContext = browser.new_context(
            locale={"ko": "ko-KR", "en": "en-GB"}[language], viewport={"width": 1280, "height": 860}
        )
        self.page: Page = self.context.new_page()

    def say(self, key: str, **params: object) -> str:
        return say(self.language, key, **params)

    def open(self, site: str, path: str = "/") -> Page:
        """Open a page, signing in where asked."""
        self.page.goto(self.running.origin(site) + path)
        if "/hub/login" in self.page.url:
            self.page.get_by_label(self.say("hub.name")).fill(self.name)
            self.page.get_by_label(self.say("hub.password")).fill(self.running.password(self.name))
            self.page.get_by_role("button", name=self.say("hub.sign_in")).click()
            self.page.wait_for_url(self.running.origin(site) + "/**")
        return self.page


@pytest.fixture
def people(browser: Browser, running: Running) -> dict[str, Person]:
    languages = {
        "researcher1": "en",
        "researcher2": "ko",
        "reviewer1": "en",
        "reviewer2": "ko",
        "admin": "ko",
    }
    return {name: Person(browser, running, name, language) for name, language in languages.items()}


def test_from_sign_in_to_release_and_expiry(people: dict[str, Person], pictures: Path) -> None:
    researcher = people["researcher1"]
    _sign_in_page(researcher, pictures)
    _desk(researcher, pictures)
    _other_project_is_not_shown(people["researcher2"], pictures)
    _session(researcher, pictures)
    _vote(people["reviewer1"], pictures, "review-en.png")
    _vote(people["reviewer2"], pictures, "review-ko.png")
    _download(researcher, pictures)
    _end_membership(people["admin"], pictures)
    page = researcher.open("desk")
    expect(page.get_by_text(researcher.say("reasons.membership_ended", project=PROJECT))).to_be_visible()
    _session_ends(researcher)


def _sign_in_page(person: Person, pictures: Path) -> None:
    person.page.goto(person.running.origin("desk"))
    expect(person.page.get_by_role("button", name=person.say("hub.sign_in"))).to_be_visible()
    person.page.screenshot(path=pictures / "sign-in-en.png")
    person.page.get_by_role("link", name="한국어").click()
    expect(person.page.get_by_role("button", name=say("ko", "hub.sign_in"))).to_be_visible()
    person.page.screenshot(path=pictures / "sign-in-ko.png")
    person.page.get_by_role("link", name="English").click()


def _desk(person: Person, pictures: Path) -> None:
    page = person.open("desk")
    expect(page.get_by_role("heading", name=person.say("desk.home_title"))).to_be_visible()
    expect(page.get_by_text(person.say("desk.no_requests"))).to_be_visible()
    page.screenshot(path=pictures / "desk-en.png", full_page=True)
    page.keyboard.press("Tab")
    expect(page.get_by_text(person.say("web.skip_to_content"))).to_be_focused()


def _other_project_is_not_shown(person: Person, pictures: Path) -> None:
    page = person.open("desk")
    expect(page.get_by_text(PROJECT)).to_have_count(0)
    page.screenshot(path=pictures / "desk-ko.png", full_page=True)
    page.goto(f"{person.running.origin('hub_public')}/user/researcher1/{PROJECT}/lab")
    expect(page.locator("#jp-main-dock-panel")).to_have_count(0)
    page.screenshot(path=pictures / "refused-ko.png")


def _session(person: Person, pictures: Path) -> None:
    page = person.open("desk")
    page.get_by_role("button", name=person.say("desk.open_session")).click()
    page.wait_for_url("**/lab**", timeout=60_000)
    page.locator(".jp-LauncherCard").first.click(timeout=60_000)
    cell = page.locator(".jp-Cell .cm-content").first
    expect(page.get_by_role("button", name="Python 3 (Onggi) | Idle")).to_be_visible(timeout=60_000)
    cell.fill(SUBMIT)
    cell.press("Shift+Enter")
    expect(page.locator(".jp-OutputArea-output").first).to_contain_text("r-", timeout=60_000)
    page.screenshot(path=pictures / "session.png")


def _vote(person: Person, pictures: Path, picture: str) -> None:
    page = person.open("review", "/requests")
    waiting = page.locator('main a[href^="/requests/r-"]')
    page.screenshot(path=pictures / f"queue-{person.language}.png", full_page=True)
    waiting.first.click()
    ballot = page.get_by_label(person.say("review.ballot_approve"))
    for _ in range(60):
        if ballot.count():
            break
        page.wait_for_timeout(500)
        page.reload()
    ballot.check()
    page.screenshot(path=pictures / picture, full_page=True)
    page.get_by_role("button", name=person.say("review.vote_send")).click()
    expect(page.get_by_role("button", name=person.say("review.vote_send"))).to_have_count(0)


def _download(person: Person, pictures: Path) -> None:
    page = person.open("review", "/releases")
    page.locator('main a[href^="/releases/"]').first.click()
    expect(page.get_by_role("heading", name=person.say("review.certificate"))).to_be_visible()
    page.screenshot(path=pictures / "release-en.png", full_page=True)
    with page.expect_download() as download:
        page.get_by_role("link", name=person.say("review.download")).first.click()
    content = Path(download.value.path()).read_bytes()
    if not content.startswith(b"sex,persons"):
        pytest.fail(f"the download begins {content[:40]!r}")


def _end_membership(person: Person, pictures: Path) -> None:
    page = person.open("desk", "/admin")
    page.screenshot(path=pictures / "admin-ko.png")
    page = person.open("desk", f"/admin/projects/{PROJECT}")
    page.screenshot(path=pictures / "project-ko.png")
    page.locator('form[action$="/members/end"] button').first.click()
    expect(page.get_by_text(person.say("desk.not_active"))).to_be_visible()


def _session_ends(person: Person) -> None:
    """The desk stops the session at its next look; until then there is no way in any more."""
    page = person.page
    expect(page.get_by_role("link", name=person.say("desk.enter_session"))).to_have_count(0)
    closed = page.get_by_role("button", name=person.say("desk.open_session"))
    for _ in range(60):
        if closed.count():
            break
        page.wait_for_timeout(1000)
        page.reload()
    expect(closed).to_be_disabled()
