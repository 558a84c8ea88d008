"""The lab page in a real browser, under the policy, against a second origin that counts what leaves."""

from __future__ import annotations

import http.server
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onggi.words import say

pytestmark = [pytest.mark.browser, pytest.mark.slow]

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]

VECTORS = """
from IPython.display import display, HTML, Javascript, Latex, Markdown, Image, SVG
U = 'http://127.0.0.1:{port}'
display(HTML(f'''<script>fetch("{U}/1")</script><img src="{U}/2" onerror="fetch('{U}/3')">
<iframe src="{U}/4"></iframe><link rel="stylesheet" href="{U}/5"><link rel="prefetch" href="{U}/6">
<meta http-equiv="refresh" content="0;url={U}/7"><style>body{{background:url({U}/8)}}</style>
<form id=f action="{U}/9"><button>x</button></form><video src="{U}/10" autoplay></video>
<object data="{U}/11"></object><embed src="{U}/12"><a href="{U}/13" ping="{U}/14" id=lnk>link-text</a>
<b style="background:url({U}/15)">kept-text</b><svg><image href="{U}/16"/></svg>'''))
display(Javascript(f'fetch("{U}/20"); location = "{U}/21"; window.open("{U}/22")'))
display(Markdown(f'![x]({U}/23) <script>fetch("{U}/24")</script>'))
display(Latex(r'$\\\\href{' + U + r'/25}{x} \\\\style{background:url(' + U + r'/26)}{y}$'))
display({'application/vnd.vega.v5+json': {'data': [{'url': f'{U}/27'}]}, 'text/plain': 'v'}, raw=True)
display({'image/svg+xml': f'<svg><image href="{U}/28"/></svg>', 'text/plain': 's'}, raw=True)
print('last-line')
"""


@pytest.fixture
def outside() -> Iterator[Any]:
    asked: list[str] = []

    class Counting(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Counting)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port, asked
    server.shutdown()
    server.server_close()


@pytest.fixture
def page(place: Any) -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip("chromium is not installed")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        context = browser.new_context(viewport={"width": 1300, "height": 900}, accept_downloads=True)
        yield context.new_page()
        context.close()
        browser.close()


def test_the_lab_works_and_nothing_leaves(place: Any, page: Any, outside: Any) -> None:
    port, asked = outside
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "source": VECTORS.replace("{port}", str(port)),
        "outputs": [],
        "execution_count": None,
    }
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (Onggi)", "language": "python"}}
    notebook = {"nbformat": 4, "nbformat_minor": 5, "metadata": kernel, "cells": [cell]}
    (place.project / "vectors.ipynb").write_text(json.dumps(notebook))
    (place.project / "data.csv").write_text("a,b\n1,2\n")
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(f"{place.url}lab/tree/vectors.ipynb")
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=90_000)
    page.wait_for_selector("text=Python 3 (Onggi) | Idle", timeout=60_000)
    page.click(".jp-Notebook .jp-Cell .cm-content")
    page.keyboard.press("Shift+Enter")
    page.wait_for_selector(".jp-OutputArea-output pre:has-text('last-line')", timeout=60_000)
    shown = page.inner_text(".jp-Notebook .jp-OutputArea")
    assert "kept-text" in shown
    assert "link-text" in shown
    page.wait_for_timeout(2000)
    assert asked == []
    assert page.locator("#lnk").count() == 0
    assert page.url.startswith(place.url)
    answers = page.evaluate(
        """async () => {
            const found = {};
            const config = JSON.parse(document.getElementById('jupyter-config-data').textContent);
            const headers = { 'X-Onggi-Page': config.onggi.page_key };
            for (const path of ['files/data.csv', 'api/contents/data.csv', 'api/terminals', 'metrics']) {
                found[path] = (await fetch('/user/researcher1/nafld/' + path, { headers })).status;
            }
            return found;
        }"""
    )
    assert set(answers.values()) == {403}
    page.dblclick("text=data.csv")
    page.wait_for_selector(f"text={say('en', 'lab.not_shown_why')}", timeout=20_000)
    assert errors == []
