"""A notebook full of figures that this session never drew, as a person opens it, reads it and saves it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Response, expect

from hub.tour.installation import Running
from onggi.words import LANGUAGES
from tests.support.lab_page import LabPage, open_lab

pytestmark = [pytest.mark.browser, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

PEOPLE = {"en": ("researcher1", "nafld-study"), "ko": ("researcher2", "claims-study")}
FIGURES = 14
# Figures of one size and many heights, one too large to be drawn, written by hand as another program would.
WRITE = """
import base64, json, struct, zlib
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
def figure(width, height, shade):
    row = b'\\0' + bytes((x * shade) % 251 for x in range(width))
    head = struct.pack('>IIBBBBB', width, height, 8, 0, 0, 0, 0)
    return base64.b64encode(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', head)
        + chunk(b'IDAT', zlib.compress(row * height)) + chunk(b'IEND', b'')).decode()
def cell(number, image):
    data = {'image/png': image, 'text/plain': '<Figure>'}
    output = {'output_type': 'display_data', 'metadata': {}, 'data': data}
    return {'cell_type': 'code', 'id': f'c{number}', 'metadata': {}, 'source': f'plot({number})',
            'execution_count': number, 'outputs': [output]}
images = [figure(5000, 4000, 3)] + [figure(500, 300 + n, n + 1) for n in range(COUNT)]
cells = [cell(number, image) for number, image in enumerate(images)]
metadata = {'kernelspec': {'name': 'python3', 'display_name': 'Python 3 (Onggi)', 'language': 'python'}}
with open('brought.ipynb', 'w') as file:
    json.dump({'nbformat': 4, 'nbformat_minor': 5, 'metadata': metadata, 'cells': cells}, file)
"""
READ = """
import json
saved = json.load(open('brought.ipynb'))
kept = [one['outputs'][0]['data']['image/png'] for one in saved['cells']]
print('same', kept == images, 'source', saved['cells'][0]['source'])
"""


@pytest.fixture(scope="module", params=LANGUAGES)
def lab(request: pytest.FixtureRequest, browser: Browser, running: Running) -> Iterator[LabPage]:
    one = open_lab(browser, running, *PEOPLE[request.param], request.param)
    one.new_notebook()
    yield one
    one.context.close()


def notebook(lab: LabPage) -> Locator:
    return lab.page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")


def drawn(lab: LabPage, number: int) -> Locator:
    return notebook(lab).locator(f".jp-Cell >> nth={number}").locator(".onggi-figure img")


def test_figures_are_asked_for_as_a_person_comes_to_them(lab: LabPage, pictures: Path) -> None:
    asked: set[str] = set()
    lab.page.on("request", lambda one: asked.add(one.url) if "/onggi/figures/" in one.url else None)
    lab.run(WRITE.replace("COUNT", str(FIGURES)))
    lab.file("brought.ipynb").dblclick()
    said = notebook(lab).locator(".onggi-figure-said").first
    expect(said).to_contain_text(lab.say("reasons.display_image_pixels").split("{")[0], timeout=30_000)
    expect(said.get_by_role("button", name=lab.say("lab.figure_again"))).to_be_visible()
    expect(drawn(lab, 1)).to_be_visible()
    assert drawn(lab, 1).evaluate("image => [image.naturalWidth, image.naturalHeight]") == [500, 300]
    lab.page.wait_for_timeout(1500)
    first = len(asked)
    assert 2 <= first < FIGURES
    lab.page.screenshot(path=pictures / f"lab-figures-{lab.language}.png")
    for number in range(2, FIGURES + 1):
        notebook(lab).locator(f".jp-Cell >> nth={number}").scroll_into_view_if_needed()
        expect(drawn(lab, number)).to_be_visible(timeout=20_000)
    assert len(asked) == FIGURES + 1
    expect(notebook(lab).locator(".onggi-figure .jp-RenderedImage")).to_have_count(FIGURES)


def test_saving_keeps_every_figure_as_it_was(lab: LabPage) -> None:
    first = notebook(lab).locator(".jp-Cell").first
    first.scroll_into_view_if_needed()
    first.locator(".cm-content").fill("plot(changed)")
    with lab.page.expect_response(_saves) as saved:
        lab.page.keyboard.press("Control+s")
    assert saved.value.status == 200
    brought = lab.page.locator(".lm-DockPanel-tabBar .lm-TabBar-tab", has_text="brought")
    brought.locator(".lm-TabBar-tabCloseIcon").click()
    expect(brought).to_have_count(0)
    expect(lab.run(READ)).to_contain_text("same True source plot(changed)")


def test_a_figure_that_was_not_shown_can_be_asked_for_again_by_keyboard(lab: LabPage) -> None:
    lab.file("brought.ipynb").dblclick()
    said = notebook(lab).locator(".onggi-figure-said").first
    said.scroll_into_view_if_needed()
    button = said.get_by_role("button", name=lab.say("lab.figure_again"))
    button.focus()
    with lab.page.expect_response(re.compile("/onggi/figures/")) as answered:
        lab.page.keyboard.press("Enter")
    assert answered.value.status == 403
    expect(button).to_be_visible()


def test_a_notebook_that_a_person_trusts_shows_each_figure_once(lab: LabPage) -> None:
    expect(drawn(lab, 1)).to_be_visible()
    lab.page.keyboard.press("Control+Shift+c")
    lab.page.locator('.lm-CommandPalette-item[data-command="notebook:trust"]').first.click()
    lab.page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(lab.page.locator(".jp-Dialog")).to_have_count(0)
    lab.page.wait_for_timeout(1500)
    expect(drawn(lab, 1)).to_have_count(1)


def _saves(answer: Response) -> bool:
    return answer.request.method == "PUT" and "brought.ipynb" in answer.url
