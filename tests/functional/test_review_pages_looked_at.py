"""The pages of egress review as people use them: read, by pointer, by keyboard alone, on a narrow screen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from egress_review.check_runner import save_report
from egress_review.checks.report import CellEvidence, CheckReport, Finding, FindingCode, OutputReport
from hub.tour.installation import free_base_port
from onggi.words import LANGUAGES, say
from tests.support import review
from tests.support.looked_at import NARROW, contrast_of, open_page, overflow_of, stops, trouble_of
from tests.support.review_site import Site, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

BANDS = ("18-29", "30-39", "40-49", "50-59", "60-69", "70+")
TABLE = "sex,age_band,n,mean_chol\n" + "".join(
    f"{sex},{band},{3 if (sex, band) == ('M', '70+') else 20 + 7 * at},{200 + 3.25 * at}\n"
    for sex in "FM"
    for at, band in enumerate(BANDS)
)


@dataclass
class Room:
    """A site that is served, and a request in it that reviewers may vote on."""

    site: Site
    request: str


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    folder = tmp_path_factory.mktemp("review")
    room, *_ = review.room_of(folder)
    site = Site(folder / "state", room, base_port=free_base_port())
    request = review.submitted(room, TABLE.encode())
    cells, small = [], {"minimum": "10", "column": "n", "persons": "1"}
    for line in TABLE.splitlines()[1:]:
        sex, band, count, mean = line.split(",")
        key = {"sex": sex, "age_band": band}
        bad = (FindingCode.THRESHOLD,) if count == "3" else ()
        cells.append(CellEvidence(key, "n", count, 3 * int(count), int(count), int(count), findings=bad))
        warn = (FindingCode.COMPLEMENT_SMALL,) if band == "40-49" else ()
        cells.append(CellEvidence(key, "mean_chol", mean, 90, 30, 28, "mean(chol)", "0.031", findings=warn))
    found = (
        Finding(FindingCode.RECOMPUTED, {"numbers": "24", "rows": "12", "persons": "3"}),
        Finding(FindingCode.THRESHOLD, small, {"sex": "M", "age_band": "70+"}),
    )
    output = OutputReport("table1.csv", request.outputs[0].sha256 or "", "csv", found, tuple(cells), 24)
    save_report(room, request, CheckReport((output,), "checks-1", "test"))
    with serving(site, int(site.origin.rpartition(":")[2])):
        yield Room(site, request.id)


@pytest.fixture(params=LANGUAGES)
def page(request: pytest.FixtureRequest, browser: Browser, served: Room) -> Iterator[Page]:
    one = open_page(browser, served.site, "reviewer1", request.param, f"/requests/{served.request}")
    yield one
    one.context.close()


def cell_of(page: Page, text: str) -> Locator:
    return page.locator("td.cell", has_text=text).first


def test_what_stands_behind_a_number_opens_on_focus_and_closes_on_escape(page: Page, pictures: Path) -> None:
    bad = page.locator("td.heat-bad").first
    note = bad.locator(".evidence")
    page.locator('ul.findings a[href^="#c-"]').first.focus()
    page.keyboard.press("Enter")
    bad.focus()
    expect(note).to_be_visible()
    assert contrast_of(page, "td.heat-bad .evidence") == []
    language = page.locator("html").get_attribute("lang")
    page.screenshot(path=pictures / f"evidence-{language}.png")
    page.keyboard.press("Escape")
    expect(note).to_be_hidden()
    expect(bad).to_be_focused()
    page.keyboard.press("Shift+Tab")
    expect(page.locator("td.cell:focus .evidence")).to_be_visible()
    page.keyboard.press("Tab")
    expect(bad).to_be_focused()
    expect(note).to_be_visible()  # closed for as long as the cell was not left


def test_what_was_closed_under_the_pointer_stays_closed_until_it_moves_away(page: Page) -> None:
    cell, other = page.locator("td.cell").nth(0), page.locator("td.cell").nth(3)
    cell.hover()
    expect(cell.locator(".evidence")).to_be_visible()
    page.keyboard.press("Escape")
    expect(cell.locator(".evidence")).to_be_hidden()
    other.hover()
    expect(other.locator(".evidence")).to_be_visible()
    cell.hover()
    expect(cell.locator(".evidence")).to_be_visible()


@pytest.mark.parametrize("narrow", [False, True])
def test_what_opens_covers_neither_its_cell_nor_the_edge(page: Page, narrow: bool) -> None:
    if narrow:
        page.set_viewport_size(NARROW)  # type: ignore[arg-type]  # see tests.support.looked_at
    for number in range(page.locator("td.cell").count()):
        cell = page.locator("td.cell").nth(number)
        cell.focus()
        own, note = cell.bounding_box(), cell.locator(".evidence").bounding_box()
        size = page.viewport_size
        if own is None or note is None or size is None:
            pytest.fail("nothing opened")
        assert note["x"] >= 0
        assert note["x"] + note["width"] <= size["width"]
        assert note["y"] >= 0
        assert note["y"] + note["height"] <= size["height"]
        apart = note["y"] >= own["y"] + own["height"] or note["y"] + note["height"] <= own["y"]
        assert apart or note["x"] >= own["x"] + own["width"], number


def test_a_request_by_the_rules_and_by_keyboard(page: Page, pictures: Path) -> None:
    for one in page.locator("details").all():
        one.evaluate("one => { one.open = true; }")
    assert trouble_of(page) == []
    assert overflow_of(page) == 0
    reached = stops(page)
    assert [one for one in reached if not (one["seen"] and one["marked"])] == []
    language = page.locator("html").get_attribute("lang") or ""
    assert any(say(language, "review.vote_send") in one["what"] for one in reached)
