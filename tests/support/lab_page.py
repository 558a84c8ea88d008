"""A person at JupyterLab in a real browser: opens the session from the desk, and notes what goes wrong."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from playwright.sync_api import Browser, BrowserContext, Locator, Page, expect

from hub.tour.installation import Running
from onggi.words import say

_LOCALES = {"ko": "ko-KR", "en": "en-GB"}
_STARTS_MS = 90_000
_IDLE = re.compile(r"Python 3.* \| (Idle|대기중|대기|유휴)")


class NotebookPage:
    """A page of JupyterLab's, ours or a plain one, and the notebook in it."""

    page: Page

    def new_notebook(self) -> None:
        """Open a notebook and wait for its kernel."""
        self.page.locator(".jp-LauncherCard").first.click(timeout=_STARTS_MS)
        expect(self.page.locator(".jp-Notebook .jp-Cell")).to_have_count(1, timeout=_STARTS_MS)
        idle = self.page.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]')
        expect(idle).to_be_visible(timeout=_STARTS_MS)
        # A cell that is run before the kernel has said that it is there stays unrun.
        connected = self.page.locator(".jp-StatusBar-Left", has_text=_IDLE)
        expect(connected).to_be_visible(timeout=_STARTS_MS)

    def run(self, code: str) -> Locator:
        """Run code in the last cell; the output area of it, once the cell has ended."""
        cell = self.page.locator(".jp-Notebook .jp-CodeCell").last
        cell.locator(".cm-content").fill(code)
        number = self.page.locator(".jp-Notebook .jp-CodeCell").count() - 1
        self.page.keyboard.press("Shift+Enter")
        ended = self.page.locator(".jp-Notebook .jp-CodeCell").nth(number)
        expect(ended.locator(".jp-InputPrompt")).to_have_text(re.compile(r"\[\d+\]:"), timeout=60_000)
        return ended.locator(".jp-OutputArea")


@dataclass
class LabPage(NotebookPage):
    """One session's page. `trouble` holds console errors, script errors and violations of the policy."""

    running: Running
    person: str
    project: str
    language: str
    context: BrowserContext
    page: Page
    trouble: list[str] = field(default_factory=list)

    @property
    def session(self) -> str:
        """Address of the session."""
        return f"{self.running.origin('hub_public')}/user/{self.person}/{self.project}/"

    def say(self, key: str, **params: object) -> str:
        """A sentence in the person's language."""
        return say(self.language, key, **params)

    def open(self) -> None:
        """Sign in, open the session from the desk, wait for JupyterLab."""
        page, desk = self.page, self.running.origin("desk")
        page.goto(desk)
        if "/hub/login" in page.url:
            page.get_by_label(self.say("hub.name")).fill(self.person)
            page.get_by_label(self.say("hub.password")).fill(self.running.password(self.person))
            page.get_by_role("button", name=self.say("hub.sign_in")).click()
            page.wait_for_url(f"{desk}/**")
        opening = page.locator(f'form[action="/projects/{self.project}/session"] button')
        if opening.count():  # else it runs
            opening.click()
            page.wait_for_url(f"**/{self.project}/lab**", timeout=_STARTS_MS)
        page.on("console", self._heard)
        page.on("pageerror", lambda error: self.trouble.append(str(error)))
        page.goto(self.session + "lab")
        expect(page.locator(".onggi-state")).to_be_visible(timeout=_STARTS_MS)

    def file(self, name: str) -> Locator:
        """A file in the file browser, once it is there."""
        named = self.page.get_by_text(name, exact=True)
        item = self.page.locator(".jp-DirListing-item").filter(has=named)
        self.page.locator('[data-command="filebrowser:refresh"]').first.click()
        expect(item).to_be_visible(timeout=30_000)
        return item

    def in_page(self, script: str, argument: Any = None) -> Any:
        """What a script returns that runs in the page."""
        return self.page.evaluate(script, argument)

    def _heard(self, message: Any) -> None:
        if message.type == "error" or "Content Security Policy" in message.text:
            self.trouble.append(f"{message.text} {message.location.get('url', '')}")


def open_lab(browser: Browser, running: Running, person: str, project: str, language: str) -> LabPage:
    """A person's open session."""
    context = browser.new_context(
        locale=_LOCALES[language], viewport={"width": 1280, "height": 860}, accept_downloads=True
    )
    lab = LabPage(running, person, project, language, context, context.new_page())
    lab.open()
    return lab
