"""A request's page: what stands behind its numbers, and why it waits after it was decided."""

from __future__ import annotations

from pathlib import Path

import pytest

from egress_review.actions import releasing
from egress_review.check_runner import save_report
from egress_review.checks.report import CellEvidence, CheckReport, Finding, FindingCode, OutputReport
from onggi.errors import Unavailable
from onggi.reasons import Reason
from tests.support import review
from tests.support.review_site import Everything, Site, text_of


@pytest.fixture
def parts(tmp_path: Path) -> Everything:
    room, desk, clock = review.room_of(tmp_path)
    return Site(tmp_path / "state", room), room, desk, clock


@pytest.mark.parametrize("file_type", ["csv", "xlsx"])
def test_a_finding_links_to_its_number_and_reviewers_alone_see_it(parts: Everything, file_type: str) -> None:
    site, room, *_ = parts
    request = review.submitted(room)
    small = Finding(
        FindingCode.THRESHOLD, {"column": "persons", "minimum": "10", "persons": "3"}, {"sex": "M"}
    )
    cells = tuple(
        CellEvidence({"sex": sex}, "persons", value, 3, 3, 3, findings=codes, suppressed=value == "*")
        for sex, value, codes in (("M", "130", (FindingCode.THRESHOLD,)), ("F", "*", ()))
    )
    output = OutputReport("t", request.outputs[0].sha256 or "", file_type, (small,), cells, 2)
    save_report(room, request, CheckReport((output,), "checks-1", "test"))
    page = site.browser("reviewer1").get(f"/requests/{request.id}").text
    place = "c-1-2-2" if file_type == "csv" else "c-1-1-3"
    assert f'<a href="#{place}">' in page
    assert f'id="{place}" tabindex="0" aria-describedby="e{place[1:]}"' in page
    assert f'id="e{place[1:]}"' in page
    assert ("The numbers that the checks read" in page) is (file_type == "xlsx")
    assert 'class="number cell heat-none"' in page
    assert "3 persons contribute." in page.partition("<h4>Findings")[2].partition("</ul>")[0]
    own = site.browser("researcher1").get(f"/mine/{request.id}").text
    for told in ("3 persons contribute.", "#c-1", "tabindex", "evidence.json"):
        assert told not in own.partition("<main")[2].partition(">")[2]


def test_a_table_without_cells_has_no_legend(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    page = site.browser("reviewer1").get(f"/requests/{request.id}").text
    assert "First rows of file 1" in page
    assert 'class="legend' not in page
    assert "The numbers that the checks read" not in page


def test_an_approved_request_that_waits_says_why_and_what_comes_next(
    parts: Everything, monkeypatch: pytest.MonkeyPatch
) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, request, name)

    def away(*_: object) -> None:
        raise Unavailable(Reason.LEDGER_NOT_WRITTEN, cause="small 1")

    monkeypatch.setattr(type(room.ledger), "draft", away)
    assert not releasing.release_or_later(room, request.id)
    assert not releasing.finish(room)
    waits = "the release could not be made yet. It is tried again by itself"
    for_reviewer = text_of(site.browser("reviewer1").get(f"/requests/{request.id}").text)
    assert waits in for_reviewer
    assert "could not be entered into the ledger of releases (small 1)" in for_reviewer
    for_member = text_of(site.browser("researcher1").get(f"/mine/{request.id}").text)
    assert waits in for_member
    assert "small 1" not in for_member
    monkeypatch.undo()
    assert releasing.finish(room) == 1
    assert room.waits.of(request.id) is None
    assert "tried again" not in text_of(site.browser("reviewer1").get(f"/requests/{request.id}").text)


def test_a_release_without_a_certificate_says_so(parts: Everything, monkeypatch: pytest.MonkeyPatch) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, request, name)

    def away(*_: object) -> str:
        raise Unavailable(Reason.CLOCK_WRONG)

    monkeypatch.setattr(type(room.certifier), "certificate", away)
    assert not releasing.release_or_later(room, request.id)
    assert not releasing.finish(room)
    for name, path in (("reviewer1", "/requests"), ("researcher1", "/mine")):
        page = text_of(site.browser(name).get(f"{path}/{request.id}").text)
        assert "its certificate is not signed yet" in page
        assert "Released as" not in page
        assert "Waiting since" in page
    monkeypatch.undo()
    assert releasing.finish(room) == 1
    page = text_of(site.browser("reviewer1").get(f"/requests/{request.id}").text)
    assert "its certificate is not signed yet" not in page
    assert "Released as" in page
