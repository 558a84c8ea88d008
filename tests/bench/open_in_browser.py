"""Opening a notebook of 5 MB of figures that nobody has drawn, in a real browser: beside a plain JupyterLab.

    python -m tests.bench.open_in_browser [--times 5]

Both pages stand open in one browser, in turns: from the double click on the file until every figure that can
be seen is there; and until all have been, when a person scrolls through at once. Each round opens another
notebook; those of Onggi were never opened before, so each figure is drawn when it comes into sight.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import time
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import sync_playwright

from hub.tour.installation import fresh
from tests.bench.notebooks import COPY, FIGURES
from tests.functional.conftest import CHROMIUM, FLAGS
from tests.support.lab_page import NotebookPage, open_lab
from tests.support.plain_lab import plain_lab

SIZE: Any = {"width": 1280, "height": 860}
# Every image that the person can see is there, and there are at least as many as asked.
SEEN = """least => {
    const panel = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden)');
    const place = panel?.querySelector('.jp-WindowedPanel-outer')?.getBoundingClientRect();
    const cells = [...(panel?.querySelectorAll('.jp-Cell .jp-OutputArea') ?? [])].filter(one => {
        const { top, bottom } = one.getBoundingClientRect();
        return top < place.bottom && bottom > place.top;
    });
    const images = cells.flatMap(one => [...one.querySelectorAll('img')]);
    const waiting = cells.some(one => one.querySelector('.onggi-figure-said'));
    return images.length >= least && !waiting && images.every(one => one.complete && one.naturalWidth > 0);
}"""
DOWN = """() => {
    const outer = document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-WindowedPanel-outer');
    const before = outer.scrollTop;
    outer.scrollTop += outer.clientHeight;
    return outer.scrollTop > before;
}"""


def opened(lab: NotebookPage, name: str) -> tuple[float, float]:
    """Milliseconds until what can be seen is there, and until all was seen."""
    page = lab.page
    page.locator('[data-command="filebrowser:refresh"]').first.click()
    file = page.locator(".jp-DirListing-item", has_text=name)
    file.wait_for()
    begun = time.perf_counter()
    file.dblclick()
    page.wait_for_function(SEEN, arg=1)
    first = time.perf_counter() - begun
    page.locator(
        ".jp-Dialog .jp-mod-reject"
    ).click()  # the notebook names no kernel, so the page asks for one
    page.locator(".jp-Dialog").wait_for(state="detached")
    begun = time.perf_counter()
    while page.evaluate(DOWN):
        page.wait_for_function(SEEN, arg=0)  # a screen may hold a table alone
    rest = time.perf_counter() - begun
    return 1000 * first, 1000 * (first + rest)


@contextlib.contextmanager
def both_pages() -> Iterator[dict[str, NotebookPage]]:
    """An Onggi session and a plain JupyterLab, in one browser."""
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(fresh())
        playwright = stack.enter_context(sync_playwright())
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        stack.callback(browser.close)
        plain = stack.enter_context(plain_lab(browser, nodelay=True, locale="en-GB", viewport=SIZE))
        onggi = open_lab(browser, running, "researcher1", "nafld-study", "en")
        yield {"onggi": onggi, "nodelay": plain}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--times", type=int, default=5)
    times = parser.parse_args().times
    took: dict[str, list[tuple[float, float]]] = {"onggi": [], "nodelay": []}
    with both_pages() as labs:
        for lab in labs.values():
            lab.new_notebook()
            lab.run(FIGURES.replace("FOLDER", ""))
            for number in range(times):
                lab.run(COPY.replace("FOLDER", "").replace("NAME", f"round{number}.ipynb"))
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        for number in range(times):
            for name, lab in labs.items():
                took[name].append(opened(lab, f"round{number}.ipynb"))
    middle = {
        name: [statistics.median(part) for part in zip(*rounds, strict=True)] for name, rounds in took.items()
    }
    for at, what in enumerate(("what can be seen", "all, scrolled through")):
        mine, other = middle["onggi"][at], middle["nodelay"][at]
        print(f"{what:<24} onggi {mine:7.0f} ms   nodelay {other:7.0f} ms   {mine / other:.2f}")


if __name__ == "__main__":
    main()
