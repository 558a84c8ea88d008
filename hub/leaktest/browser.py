"""A real browser: the session's page and a control page show the same things; a second origin listens."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hub.leaktest.catcher import Catcher, catching
from hub.leaktest.markup import CLICKED, HTML, MARKDOWN, OTHER_TYPES, SCRIPTS
from hub.leaktest.meter import Meter
from hub.leaktest.place import Place
from hub.leaktest.planted import plant
from hub.leaktest.values import Found, Verdict

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext, Page

_CHROMIUM = Path("/usr/bin/chromium")
_FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]  # fmt: skip
_RENDERED = "leaktest-rendered"
_MILLISECONDS = 40_000
_SETTLE_MS = 2500
_OUTPUTS = 30
_CODE = """
import json
from IPython.display import display
with open('{folder}/vectors.json') as _file:
    _all = json.load(_file)
for _name in {names}:
    display({{'text/plain': _name, **_all[_name]}}, raw=True)
print('{rendered}')
"""
_CLICK_ALL = """
() => document.querySelectorAll('.jp-RenderedText a, .jp-OutputArea-output a, .jp-OutputArea-output button,'
    + '.jp-RenderedMarkdown a').forEach(e => {
        if (e.tagName !== 'BUTTON') e.setAttribute('target', '_blank');  // as a person can, by another key
        e.dispatchEvent(new MouseEvent('click', {bubbles: true, cancelable: true}));
    })
"""


def browser(place: Place) -> Iterator[Found]:
    """All vectors, live and stored, in the session's page of a real browser."""
    try:
        from playwright.sync_api import Error, sync_playwright
    except ImportError:
        yield Found("browser.chromium", Verdict.NOT_PROVEN, "playwright is not installed")
        return
    if not _CHROMIUM.exists():
        yield Found("browser.chromium", Verdict.NOT_PROVEN, f"{_CHROMIUM} is not installed")
        return
    udp = [f"{where}-script_webrtc" for where in ("control", "live", "stored")]
    with catching(udp) as catcher, sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=str(_CHROMIUM), args=_FLAGS)
        _control(chromium.new_context().new_page(), catcher)
        context = chromium.new_context(viewport={"width": 1300, "height": 900})
        try:
            rendered = _session(place, context, catcher)
        except Error as error:  # a page that was led away shows nothing more
            yield Found("browser.page", Verdict.NOT_PROVEN, str(error).partition("\n")[0])
            rendered = False
        finally:
            chromium.close()
        yield from _judged(catcher, Meter(place.kernel).day_bytes(), rendered=rendered)


def _vectors() -> Mapping[str, str]:
    return {**HTML, **{f"script_{name}": html for name, html in SCRIPTS.items()}}


def _control(page: Page, catcher: Catcher) -> None:
    """Each piece in a document of its own, in a frame, with no policy at all."""
    for name, html in _vectors().items():
        catcher.pages[f"/page/{name}"] = catcher.fill(html, f"control-{name}")
    frames = "".join(f'<iframe src="/page/{name}"></iframe>' for name in _vectors())
    catcher.pages["/control"] = frames
    page.goto(f"{catcher.origin}/control")
    page.wait_for_timeout(_SETTLE_MS)


def _session(place: Place, context: BrowserContext, catcher: Catcher) -> bool:
    """Open the notebook in JupyterLab, run it, click everything; whether what came last was rendered."""
    live, cells = _plant(place, catcher)
    context.add_cookies(
        [
            {"name": one.name, "value": one.value or "", "domain": "127.0.0.1", "path": one.path}
            for one in place.visitor.web.cookies.jar
        ]
    )
    page = context.new_page()
    page.goto(
        f"{place.base}lab/workspaces/{place.folder}/tree/{place.folder}/vectors.ipynb", timeout=_MILLISECONDS
    )
    page.wait_for_selector(".jp-Notebook .jp-Cell", timeout=_MILLISECONDS)
    page.wait_for_selector("text=/Python 3 .* Idle/", timeout=_MILLISECONDS)
    first = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-CodeCell .cm-content").first
    first.click(timeout=_MILLISECONDS)
    for number in range(live):
        page.keyboard.press("Shift+Enter")
        last = f".jp-OutputArea-output pre:has-text('{_RENDERED}-{number}')"
        page.wait_for_selector(last, timeout=_MILLISECONDS)
    page.keyboard.press("Escape")
    for _ in range(cells):  # each is rendered when it comes into sight
        page.keyboard.press("ArrowDown")
        page.wait_for_timeout(150)
    rendered = page.locator(".jp-RenderedMarkdown").count() > 0
    page.wait_for_timeout(_SETTLE_MS)
    page.evaluate(_CLICK_ALL)
    page.wait_for_timeout(_SETTLE_MS)
    return rendered and page.url.startswith(place.base)


def _plant(place: Place, catcher: Catcher) -> tuple[int, int]:
    """The notebook; how many cells are to be run, and how many there are."""
    live: dict[str, dict[str, Any]] = {
        name: {"text/html": catcher.fill(html, f"live-{name}")} for name, html in _vectors().items()
    }
    for name, (kind, text) in OTHER_TYPES.items():
        filled = catcher.fill(text, f"live-type_{name}")
        live[f"type_{name}"] = {kind: json.loads(filled) if filled.startswith("{") else filled}
    parts = list(_batched(live, _OUTPUTS))
    cells = [
        _code_cell(
            _CODE.format(
                folder=f"{place.project}/{place.folder}", names=list(names), rendered=f"{_RENDERED}-{number}"
            ),
            [],
        )
        for number, names in enumerate(parts)
    ]
    for names in _batched(_vectors(), _OUTPUTS):
        stored = [catcher.fill(_vectors()[name], f"stored-{name}") for name in names]
        outputs = [
            {"output_type": "display_data", "data": {"text/html": html}, "metadata": {}} for html in stored
        ]
        cells.append(_code_cell("1", outputs))
    for name, text in MARKDOWN.items():
        source = catcher.fill(text, f"markdown-{name}")
        cells.append({"cell_type": "markdown", "id": f"m-{name}", "metadata": {}, "source": source})
    kernel = {"kernelspec": {"name": "python3", "display_name": "Python 3 (Onggi)", "language": "python"}}
    name = f"<img src=&#47;&#47;127.0.0.1:{catcher.port}&#47;name-list>.txt"
    files = {"vectors.json": json.dumps(live), name: "x"}
    plant(place, "plant_files", f"{place.project}/{place.folder}", files)
    notebook = {"cells": cells, "metadata": kernel}
    plant(place, "plant_notebook", f"{place.project}/{place.folder}/vectors.ipynb", notebook)
    return len(parts), len(cells)


def _code_cell(source: str, outputs: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "cell_type": "code",
        "id": secrets.token_hex(4),
        "metadata": {},
        "source": source,
        "outputs": outputs,
        "execution_count": None,
    }


def _batched(names: Iterable[str], size: int) -> Iterator[tuple[str, ...]]:
    """Names in groups: the page shows only so many outputs of a cell."""
    left = iter(names)
    while group := tuple(islice(left, size)):
        yield group


def _judged(catcher: Catcher, day: int, *, rendered: bool) -> Iterator[Found]:
    """The verdicts. An address that somebody clicks was shown before, so a day carries what it may show."""
    for name in _vectors():
        control = rendered and catcher.caught(f"control-{name}")
        for where in ("live", "stored"):
            yield _found(f"browser_{where}.{name}", caught=catcher.caught(f"{where}-{name}"), control=control)
    seen = {f"browser_type.{name}": catcher.caught(f"live-type_{name}") for name in OTHER_TYPES}
    seen |= {f"browser_markdown.{name}": catcher.caught(f"markdown-{name}") for name in MARKDOWN}
    seen |= {"browser_name.list": catcher.caught("name-list")}
    for channel, caught in seen.items():
        carries = day if channel.partition(".")[2] in CLICKED else None
        yield _found(channel, caught=caught, control=rendered, day=carries)


def _found(channel: str, *, caught: bool, control: bool, day: int | None = None) -> Found:
    if caught:
        return Found(channel, Verdict.OPEN, "a request arrived", bytes_a_day=day)
    verdict = Verdict.CLOSED if control else Verdict.NOT_PROVEN
    return Found(channel, verdict, f"no request; the control works: {control}")
