"""Every page of egress review in a real browser, in both languages: by the rules, narrow, and by keyboard."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from egress_review.actions import releasing, submitting
from egress_review.actions.protecting import Protector
from egress_review.check_runner import save_report
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.protect.job import LossAnswer, ProtectAnswer, ProtectJob
from egress_review.checks.report import CheckReport, Finding, FindingCode, OutputReport
from egress_review.domain import Ballot, Request
from egress_review.room import Room
from hub.tour.installation import free_base_port
from onggi.events import new_event
from onggi.words import LANGUAGES, say
from tests.support import review
from tests.support.looked_at import looked_at, open_page, tab_to
from tests.support.review_site import Site, serving

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240)]

SQL = "SELECT sex, count(DISTINCT person_id) AS n\nFROM nafld.person GROUP BY sex"
LOSS = LossAnswer(
    cells=12, primary=1, secondary=2, hidden_share=0.083, changed=0, absolute_change=0, merged_levels=0,
    merged_cells=0,
)  # fmt: skip
ROWS: list[list[str | None]] = [
    ["F", "18-29", "24"],
    ["F", "70+", ""],
    ["M", "70+", ""],
    ["M", None, "30"],
]


def protect(job: ProtectJob) -> ProtectAnswer:
    """As the checker answers, in no time."""
    del job
    columns, hidden = ["sex", "age_band", "n"], [(1, 2), (2, 2)]
    return ProtectAnswer(
        safe=True, columns=columns, rows=ROWS, hidden=hidden, losses={"n": LOSS}, findings=[]
    )


def with_claim(room: Room, purpose: str, revises: str | None = None) -> Request:
    announced = [submitting.Announced("persons-by-sex.csv", len(review.CSV), None, {"sql": SQL})]
    if revises:
        made = submitting.revise(room, review.RESEARCHER, revises, purpose, "All persons of 2024.", announced)
    else:
        made = submitting.open_request(room, review.RESEARCHER, purpose, "All persons of 2024.", announced)
    review.hand_in(room, made, {1: review.CSV})
    done = submitting.submit(room, review.RESEARCHER, made.id)
    found = (
        Finding(FindingCode.RECOMPUTED, {"numbers": "2", "rows": "1", "persons": "45"}),
        Finding(FindingCode.COMPLEMENT_SMALL, {"column": "n", "minimum": "10", "complement": "1"}),
    )
    report = OutputReport("persons-by-sex.csv", done.outputs[0].sha256 or "", "csv", found)
    save_report(room, done, CheckReport((report,), "checks-1", "test"))
    return room.store.request(done.id)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("review")
    room, *_ = review.room_of(folder)
    base_port = free_base_port()
    parts = Site(folder / "state", room, base_port=base_port).parts
    made = Site(folder / "state", parts=replace(parts, protector=Protector(room, protect, CheckPolicy())))
    with serving(made, int(made.origin.rpartition(":")[2])):
        yield made


@pytest.fixture(scope="module")
def paths(site: Site) -> dict[str, tuple[str, str]]:
    """Every page: who looks, and where it is."""
    room = site.room
    waiting = with_claim(room, "Table 1 of the report")
    returned = with_claim(room, "Table 2 of the report")
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, returned, name, Ballot.RETURN, "Please merge the two oldest bands.")
    sent_back = with_claim(room, "Table 3 of the report")
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, sent_back, name, Ballot.RETURN, "Name the population.")
    revised = with_claim(room, "Table 3 of the report", revises=sent_back.id)
    approved = with_claim(room, "Table 4 of the report")
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, approved, name, reason="Seen against the source.")
        if name == "reviewer1":
            review.cast(room, revised, name, reason="Now it is clear.")
    review.cast(room, revised, "reviewer2", reason="Good.")
    for one in (approved, revised):
        releasing.release_or_later(room, one.id)
    release = room.store.release_of(room.store.request(approved.id))
    if release is None:
        pytest.fail("nothing was released")
    with site.parts.audit.reading() as log:
        for number in range(130):
            who, role = f"researcher{number}", {"role": "lead"}
            log.append(new_event(room.clock, "hub", "admin", "member.add", who, "liver-study", **role))
    return {
        "queue": ("reviewer1", "/requests"),
        "request": ("reviewer1", f"/requests/{waiting.id}"),
        "accepted-revision": ("reviewer1", f"/requests/{revised.id}"),
        "mine": ("researcher1", "/mine"),
        "own-waiting": ("researcher1", f"/mine/{waiting.id}"),
        "own-returned": ("researcher1", f"/mine/{returned.id}"),
        "own-accepted-revision": ("researcher1", f"/mine/{revised.id}"),
        "releases": ("researcher1", "/releases"),
        "release": ("researcher1", f"/releases/{release.id}"),
        "audit": ("auditor1", "/audit"),
        "audit-older": ("auditor1", "/audit?before=30"),
        "refused": ("researcher2", f"/releases/{release.id}"),
    }


PAGES = (
    "queue", "request", "accepted-revision", "mine", "own-waiting", "own-returned", "own-accepted-revision",
    "releases", "release", "audit", "audit-older", "refused",
)  # fmt: skip


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_keeps_the_rules(
    browser: Browser, site: Site, paths: dict[str, tuple[str, str]], name: str, language: str, pictures: Path
) -> None:
    page = open_page(browser, site, paths[name][0], language, paths[name][1])
    failed = page.get_by_role("heading", name=say(language, "web.error_title")).count()
    assert failed == (1 if name == "refused" else 0)
    looked_at(page, name, language, pictures)
    page.context.close()


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_proposal_and_a_vote_by_keyboard_alone(
    browser: Browser, site: Site, language: str, pictures: Path
) -> None:
    request = with_claim(site.room, "Table 5 of the report")
    page = open_page(browser, site, "reviewer1", language, "/requests")
    tab_to(page, f'a[href="/requests/{request.id}"]')
    page.keyboard.press("Enter")
    page.wait_for_url(f"**/requests/{request.id}")
    tab_to(page, "summary", say(language, "review.propose"))
    page.keyboard.press("Enter")
    tab_to(page, "button", say(language, "review.propose_now"))
    with page.context.expect_page() as opened:
        page.keyboard.press("Enter")
    proposal = opened.value
    for _ in range(40):
        if proposal.locator("pre").count():
            break
        proposal.wait_for_timeout(250)
        proposal.reload()
    expect(proposal.get_by_text(say(language, "review.proposal_safe"))).to_be_visible()
    looked_at(proposal, "proposal", language, pictures)
    proposal.close()
    tab_to(page, 'input[value="approve"]')
    page.keyboard.press("ArrowDown")
    expect(page.locator('input[value="return"]')).to_be_checked()
    tab_to(page, "textarea")
    page.keyboard.type("Round to five, please.")
    tab_to(page, "button", say(language, "review.vote_send"))
    page.keyboard.press("Enter")
    expect(page.get_by_text(say(language, "review.vote_recorded"))).to_be_visible()
    looked_at(page, "voted", language, pictures)
    page.context.close()
