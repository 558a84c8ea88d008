"""A plain JupyterLab beside Onggi's: JupyterHub's single-user server as it ships, in a real browser."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from tests.bench.round_trip import plain_hub
from tests.support.lab_page import NotebookPage


@dataclass
class PlainLab(NotebookPage):
    """Its page."""

    page: Page


@contextlib.contextmanager
def plain_lab(browser: Browser, *, nodelay: bool = False, **context: Any) -> Iterator[PlainLab]:
    """JupyterLab with a kernel of the compute environment and nothing between.

    Args:
        nodelay: without the wait of Nagle's algorithm, 40 ms a cell.
        context: of the browser, as Playwright's `new_context` takes it.
    """
    with plain_hub(nodelay=nodelay) as visitor, contextlib.closing(browser.new_context(**context)) as opened:
        lab = PlainLab(opened.new_page())
        lab.page.goto(f"{visitor.hub}/user/{visitor.name}/lab")
        if "/hub/login" in lab.page.url:
            lab.page.locator("#username_input").fill(visitor.name)
            lab.page.locator("#password_input").fill("anything")
            lab.page.locator("#login_submit").click()
        lab.page.wait_for_url(f"**/user/{visitor.name}/lab**")
        yield lab
