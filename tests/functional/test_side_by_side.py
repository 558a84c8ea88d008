"""The same cells look the same in a plain JupyterLab and in a session: outputs through the gate, and not."""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageFont
from playwright.sync_api import Browser, Locator

from hub.tour.installation import Running
from tests.support.lab_page import NotebookPage, open_lab
from tests.support.plain_lab import plain_lab

pytestmark = [pytest.mark.browser, pytest.mark.sandbox, pytest.mark.slow, pytest.mark.timeout(300)]

SIZE: Any = {"width": 1060, "height": 1300}
CELLS = {
    "table": """import pandas as pd
visits = pd.DataFrame({"sex": ["F", "M", "F", "M"],
                       "persons": [4213, 3987, 1250, 1198],
                       "BMI": [24.3, 25.1, 26.7, 27.4]},
                      index=["18-39", "40-59", "60-69", "70+"])
visits""",
    "styled": """(visits.style.format({"BMI": "{:.1f}", "persons": "{:,}"})
       .background_gradient("YlOrRd", subset=["BMI"])
       .highlight_max(subset=["persons"], props="font-weight: bold")
       .set_caption("연령대별 체질량지수"))""",
    "figure": """import matplotlib.pyplot as plt
plt.rcParams["font.family"] = "NanumGothic"
figure, axes = plt.subplots(figsize=(5, 3))
axes.plot(visits.index, visits["BMI"], marker="o")
axes.set_title("연령대별 평균 체질량지수");""",
    "bar": """from time import sleep
from tqdm import tqdm
for _ in tqdm(range(20), desc="부트스트랩"): sleep(0.02)""",
}
NEEDS_OTHER_TEXT = "bar"  # how fast it went is in it
# What can be seen of each element below an output, at its place in the output.
LOOK = """area => {
    const from = area.getBoundingClientRect();
    const seen = ['color', 'backgroundColor', 'fontFamily', 'fontSize', 'fontWeight', 'fontStyle',
                  'lineHeight', 'textAlign', 'verticalAlign', 'whiteSpace', 'textDecorationLine', 'opacity',
                  'borderTop', 'borderRight', 'borderBottom', 'borderLeft', 'padding'];
    const all = [...area.querySelectorAll('.jp-OutputArea-output, .jp-OutputArea-output *')];
    return all.filter(one => !['DIV', 'STYLE'].includes(one.tagName) || one.matches('.jp-OutputArea-output'))
        .map(one => {
            const style = getComputedStyle(one), place = one.getBoundingClientRect();
            const box = [place.x - from.x, place.y - from.y, place.width, place.height].map(Math.round);
            return [one.tagName, ...box, ...seen.map(name => `${name}: ${style[name]}`)];
        });
}"""


@pytest.fixture(scope="module")
def pages(browser: Browser, running: Running) -> Iterator[dict[str, NotebookPage]]:
    with plain_lab(browser, locale="en-GB", viewport=SIZE) as plain:
        onggi = open_lab(browser, running, "researcher1", "nafld-study", "en")
        onggi.page.set_viewport_size(SIZE)
        yield {"plain JupyterLab": plain, "Onggi": onggi}
        onggi.context.close()


def test_outputs_look_the_same_with_the_gate_and_without(
    pages: dict[str, NotebookPage], pictures: Path
) -> None:
    areas: dict[str, dict[str, Locator]] = {}
    for name, lab in pages.items():
        lab.new_notebook()
        areas[name] = {cell: lab.run(code) for cell, code in CELLS.items()}
    plain, ours = areas.values()
    notebooks = {name: notebook_of(lab, areas[name]["bar"]) for name, lab in pages.items()}
    side_by_side(notebooks).save(pictures / "side-by-side.png", optimize=True)
    for cell in CELLS:
        assert ours[cell].evaluate(LOOK) == plain[cell].evaluate(LOOK), cell
    pages["Onggi"].page.locator("#onggi-watermark").evaluate("mark => mark.remove()")
    for cell in CELLS.keys() - {NEEDS_OTHER_TEXT}:
        pair = [picture(ours[cell]), picture(plain[cell])]
        assert ImageChops.difference(*pair).getbbox() is None, cell


def notebook_of(lab: NotebookPage, output: Locator) -> Image.Image:
    """The notebook down to its last output."""
    last = output.bounding_box()
    whole = lab.page.locator(".jp-Notebook").bounding_box()
    if last is None or whole is None:
        pytest.fail("no output is shown")
    height = last["y"] + last["height"] + 4 - whole["y"]
    return opened(lab.page.screenshot(clip={**whole, "height": height}))


def picture(area: Locator) -> Image.Image:
    """What an output looks like."""
    return opened(area.screenshot())


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def side_by_side(parts: dict[str, Image.Image]) -> Image.Image:
    """Pictures in a row, each under its name."""
    head, gap = 36, 24
    width = sum(one.width for one in parts.values()) + gap
    whole = Image.new("RGB", (width, head + max(one.height for one in parts.values())), "white")
    draw, left = ImageDraw.Draw(whole), 0
    for name, one in parts.items():
        draw.text((left + 8, 6), name, "#1f2328", ImageFont.load_default(20))
        whole.paste(one, (left, head))
        left += one.width + gap
    return whole
