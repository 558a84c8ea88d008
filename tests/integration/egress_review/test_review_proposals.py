"""A reviewer asks on the page how a table could be protected, and reads what would be lost."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from egress_review.actions.proposing import MOST_KEPT, Asked, Proposals
from egress_review.actions.protecting import Protector
from egress_review.actions.submitting import Announced, open_request, submit
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.protect.job import (
    BandsAnswer,
    FindingAnswer,
    LossAnswer,
    ProtectAnswer,
    ProtectJob,
    Stopped,
)
from egress_review.checks.protect.runner import run_protect
from egress_review.checks.report import FindingCode
from egress_review.domain import Request
from egress_review.room import Room
from onggi.errors import Conflict
from onggi.reasons import Reason
from onggi.words import LANGUAGES
from tests.support import review
from tests.support.check_tables import small_source
from tests.support.review_site import Site, post, text_of

Run = Callable[[ProtectJob], ProtectAnswer | Stopped]
LOSS = LossAnswer(
    cells=4, primary=1, secondary=2, hidden_share=0.125, changed=0, absolute_change=0, merged_levels=0,
    merged_cells=0,
)  # fmt: skip
ANSWER = ProtectAnswer(
    safe=True,
    columns=["sex", "<b>n</b>"],
    rows=[["F", "120"], ["\u202eM", ""], [None, "250"]],
    hidden=[(1, 1)],
    losses={"<b>n</b>": LOSS},
    findings=[],
)
PERSONS = "SELECT row_number() OVER () AS person_id, 'a' AS kind FROM range(40)"
SQL = "SELECT kind, count(DISTINCT person_id) AS n FROM person GROUP BY kind"


def site_with(folder: Path, run: Run) -> tuple[Site, Room]:
    room, desk, _ = review.room_of(folder)
    for project in desk.projects.values():
        project["grants"] = []
    site = Site(folder / "state", room)
    protector = Protector(room, run, CheckPolicy())
    return Site(folder / "state", parts=replace(site.parts, protector=protector)), room


def waiting(room: Room, claim: dict[str, Any] | None = None) -> Request:
    announced = [
        Announced("a.csv", len(review.CSV), None, claim or {"sql": SQL}),
        Announced("b.csv", len(review.CSV)),
    ]
    made = open_request(room, review.RESEARCHER, "purpose", "", announced)
    review.hand_in(room, made, {1: review.CSV, 2: review.CSV})
    return review.checked(room, submit(room, review.RESEARCHER, made.id))


def asked(site: Site, request: Request, person: str = "reviewer1", **fields: str) -> httpx.Response:
    path = f"/requests/{request.id}/outputs/1/proposals"
    return post(site.browser(person), path, {"way": "suppress", "base": "5"} | fields)


def made(site: Site, address: str, language: str = "en") -> httpx.Response:
    until = time.monotonic() + 60
    while True:
        page = site.browser("reviewer1", language).get(address)
        if "refresh" not in page.headers:
            return page
        if time.monotonic() > until:
            raise TimeoutError
        time.sleep(0.02)


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_reviewer_reads_what_a_protected_table_loses(tmp_path: Path, language: str) -> None:
    jobs: list[ProtectJob] = []

    def run(job: ProtectJob) -> ProtectAnswer:
        jobs.append(job)
        return ANSWER

    site, room = site_with(tmp_path, run)
    request = waiting(room)
    card = site.browser("reviewer1", language).get(f"/requests/{request.id}").text
    assert card.count('form="propose-1"') == 3
    assert 'id="propose-2"' not in card  # without a claim there is nothing to compute
    answer = asked(site, request, way="round", base="10")
    assert answer.status_code == 303
    page = made(site, answer.headers["location"], language)
    assert page.status_code == 200
    text = text_of(page.text)
    for expected in ("12.5 %", "U+202E", "120", 'onggi.protect(" a.csv ", way="round", base=10)'):
        assert expected in text.replace("&#34;", '"')
    assert "<b>n</b>" not in page.text
    assert "review." not in text
    assert (jobs[0].way.value, jobs[0].base) == ("round", 10)
    assert room.store.request(request.id) == request
    again = asked(site, request, way="round", base="10")
    made(site, again.headers["location"])
    assert len(jobs) == 1


def test_while_it_is_made_the_page_says_so_and_looks_again(tmp_path: Path) -> None:
    go = threading.Event()

    def slow(job: ProtectJob) -> ProtectAnswer:
        assert go.wait(20)
        return ANSWER

    site, room = site_with(tmp_path, slow)
    request = waiting(room)
    address = asked(site, request).headers["location"]
    page = site.browser("reviewer1").get(address)
    assert page.headers["refresh"] == "2"
    assert "This takes up to a minute" in text_of(page.text)
    other = asked(site, request, way="merge").headers["location"]
    busy = made(site, other)
    assert busy.status_code == 409
    assert "Wait until it is done, and try again." in text_of(busy.text)
    assert "refresh" not in site.browser("reviewer2").get(address).headers  # another's is not shown
    go.set()
    assert "Safe: the attack finds out nothing" in text_of(made(site, address).text)


@pytest.mark.parametrize(
    ("said", "sentences"),
    [
        (
            Stopped(stopped=FindingAnswer(code="time_limit", params={}, cell=None)),
            ("There is no proposal.", "took longer than it may"),
        ),
        (
            ANSWER.model_copy(update={"safe": False}),
            ("Not safe: the attack still finds something out",),
        ),
        (
            ANSWER.model_copy(
                update={"rows": [], "bands": BandsAnswer(key="a\u202ege", levels={"18-29": "18-39"})}
            ),
            ("Categories to merge: a U+202E ge", "18-39"),
        ),
    ],
)
def test_what_there_is_instead_of_a_safe_table_is_said(
    tmp_path: Path, said: ProtectAnswer | Stopped, sentences: tuple[str, ...]
) -> None:
    site, room = site_with(tmp_path, lambda _: said)
    page = made(site, asked(site, waiting(room)).headers["location"])
    for one in sentences:
        assert one in text_of(page.text)
    assert "onggi.protect(" not in page.text


def test_a_fault_ends_the_waiting(tmp_path: Path) -> None:
    def broken(job: ProtectJob) -> ProtectAnswer:
        raise ZeroDivisionError

    site, room = site_with(tmp_path, broken)
    page = made(site, asked(site, waiting(room)).headers["location"])
    assert "The checker ended unexpectedly" in text_of(page.text)


@pytest.mark.parametrize("person", ["reviewer3", "researcher1", "auditor1"])
def test_proposals_are_for_reviewers_from_outside_alone(tmp_path: Path, person: str) -> None:
    site, room = site_with(tmp_path, lambda _: ANSWER)
    request = waiting(room)
    assert asked(site, request, person).status_code == 403
    path = f"/requests/{request.id}/outputs/1/proposals"
    for address in (path, f"{path}/suppress/5"):
        assert site.browser(person).get(address).status_code == 403
    assert 'form="propose-1"' not in site.browser("researcher1").get(f"/mine/{request.id}").text


@pytest.mark.parametrize(
    "fields", [{"way": "hide"}, {"way": ""}, {"base": "x"}, {"base": ""}, {"base": "9999999"}]
)
def test_what_our_page_would_not_send_is_refused(tmp_path: Path, fields: dict[str, str]) -> None:
    site, room = site_with(tmp_path, lambda _: ANSWER)
    assert asked(site, waiting(room), **fields).status_code == 422


def test_a_base_out_of_range_says_which_field(tmp_path: Path) -> None:
    site, room = site_with(tmp_path, lambda _: ANSWER)
    page = made(site, asked(site, waiting(room), base="1").headers["location"])
    assert page.status_code == 422
    assert "base" in text_of(page.text)


def test_without_a_claim_there_is_nothing_to_ask(tmp_path: Path) -> None:
    site, room = site_with(tmp_path, lambda _: ANSWER)
    request = waiting(room)
    page = site.browser("reviewer1").get(f"/requests/{request.id}/outputs/2/proposals")
    assert "This file has no claim" in text_of(page.text)
    assert "<select" not in page.text
    assert site.browser("reviewer1").get(f"/requests/{request.id}/outputs/9/proposals").status_code == 404


def test_few_are_kept_and_a_failed_one_is_tried_again(tmp_path: Path) -> None:
    room, *_ = review.room_of(tmp_path)
    request = waiting(room)
    tries: list[int] = []

    def propose(reviewer: str, request: Request, number: int, way: str, base: int) -> dict[str, Any]:
        tries.append(base)
        if tries.count(base) == 1 and base == 0:
            raise Conflict(Reason.PROTECT_RUNNING)
        return {}

    kept = Proposals(propose)

    def begin(base: int) -> Asked:
        one = Asked("reviewer1", request.id, 1, 1, "round", base)
        kept.begin(one, request)
        until = time.monotonic() + 10
        while (known := kept.get(one)) is None or known.running:
            if time.monotonic() > until:
                raise TimeoutError
            time.sleep(0.001)
        return one

    first = begin(0)
    assert begin(0) == first
    assert tries == [0, 0]
    for base in range(1, MOST_KEPT + 1):
        begin(base)
    assert kept.get(first) is None


@pytest.fixture
def boxed(tmp_path: Path) -> tuple[Site, Request]:
    source = small_source(tmp_path / "small", {"person": ("person_id BIGINT, kind VARCHAR", PERSONS)})
    site, room = site_with(tmp_path, run_protect)
    desk: Any = site.room.people._desk
    desk.datasets["small", "1"] = {"path": str(source.folder), "manifest": {}}
    for project in desk.projects.values():
        project["grants"] = [{"dataset": "small", "version": "1", "until": None, "active": True}]
    return site, waiting(room, source.table(SQL).claim)


@pytest.mark.sandbox
@pytest.mark.usefixtures("ordinary_user")
def test_a_proposal_comes_out_of_the_box(boxed: tuple[Site, Request]) -> None:
    site, request = boxed
    page = made(site, asked(site, request).headers["location"])
    assert "Safe: the attack finds out nothing" in text_of(page.text)
    assert FindingCode.CHECKER_CRASHED.value not in page.text
