"""The pages as people see them: queue, ballot paper, blindness, downloads; and what strangers are told."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest
from starlette.routing import Route

from egress_review.actions import releasing, submitting
from egress_review.checks.report import FindingCode
from egress_review.domain import Ballot, Release, State
from egress_review.room import Room
from onggi.words import LANGUAGES, catalogue
from tests.support import review
from tests.support.review_site import Everything, Site, post, text_of

Change = Callable[[Room, review.DeskInMemory, review.StillClock], None]


@pytest.fixture
def parts(tmp_path: Path) -> Everything:
    room, desk, clock = review.room_of(tmp_path)
    return Site(tmp_path / "state", room), room, desk, clock


def released(room: Room) -> Release:
    request = review.in_review(room)
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, request, name)
    return releasing.release(room, request.id)


def test_nobody_sees_anything_without_signing_in(parts: Everything) -> None:
    site, *_ = parts
    paths = [
        route.path
        for route in site.app.routes
        if isinstance(route, Route) and route.path.startswith(("/requests", "/mine", "/releases", "/audit"))
    ]
    assert len(paths) >= 8
    for path in ("/", *paths):
        browser = site.browser()
        concrete = path.replace("{number:int}", "1").replace("{id}", "x")
        answer = (
            browser.post(concrete, headers={"Origin": site.origin})
            if path.endswith(("votes", "withdraw"))
            else browser.get(concrete)
        )
        assert answer.status_code == 303, path
        assert answer.headers["location"] == "/sign-in"


def test_the_queue_says_what_waits_for_whom(parts: Everything) -> None:
    site, room, *_ = parts
    browser = site.browser("reviewer1")
    empty = text_of(browser.get("/requests").text)
    assert "Nothing waits for your vote." in empty
    waiting, voted = review.in_review(room), review.in_review(room)
    review.cast(room, voted, "reviewer1")
    page = browser.get("/requests").text
    for_me, for_others = page.split('id="for-others"')
    assert waiting.id in for_me
    assert voted.id not in for_me
    assert voted.id in for_others
    outside = text_of(site.browser("reviewer3").get("/requests").text)
    assert waiting.id not in outside
    assert "2 open requests" in outside


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_request_page_shows_what_a_reviewer_needs(parts: Everything, language: str) -> None:
    site, room, *_ = parts
    request = review.checked(
        room, review.submitted(room, review.CSV, b"x,y\n1,2\n"), FindingCode.RECOMPUTED, FindingCode.NO_CLAIM
    )
    answer = site.browser("reviewer1", language).get(f"/requests/{request.id}")
    assert answer.status_code == 200
    page = text_of(answer.text)
    words = catalogue(language)
    for expected in (
        request.purpose,
        request.context,
        "researcher1",
        "nafld",
        request.outputs[0].sha256 or "",
        "120",
    ):
        assert expected in page
    for key in (
        "findings.verdict_pass",
        "findings.verdict_not_proven",
        "review.vote_send",
        "review.reason_always",
    ):
        assert words[key] in page
    assert "review." not in page
    assert "findings." not in page


def test_hostile_names_and_cells_are_shown_not_obeyed(parts: Everything) -> None:
    site, room, *_ = parts
    name = "a\u202evsc.exe\n<script>alert(1)</script>.csv"
    content = b"<b>k</b>,v\n<img src=x onerror=y>,\xe2\x80\xae9\n=cmd(),'\n"
    announced = [submitting.Announced(name, len(content))]
    made = submitting.open_request(room, review.RESEARCHER, "<i>p</i>", "", announced)
    review.hand_in(room, made, {1: content})
    request = review.checked(room, submitting.submit(room, review.RESEARCHER, made.id))
    html = site.browser("reviewer1").get(f"/requests/{request.id}").text
    assert "U+202E" in html
    assert "U+000A" in html
    for harmful in ("\u202e", "<script>alert", "<img src=x", "<b>k</b>", "<i>p</i>"):
        assert harmful not in html


def test_two_votes_release_and_each_is_blind_before(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    path = f"/requests/{request.id}"
    secret = "the-words-of-reviewer1"
    first = post(
        site.browser("reviewer1"),
        f"{path}/votes",
        {"version": "1", "ballot-1": "approve", "reason-1": secret},
    )
    assert first.status_code == 303
    own = text_of(site.browser("reviewer1").get(path).text)
    assert "Your vote is recorded. You will see the other votes after all reviewers have voted." in own
    assert secret in own
    for name, where in (
        ("reviewer2", path),
        ("reviewer2", "/requests"),
        ("researcher1", f"/mine/{request.id}"),
        ("researcher1", "/mine"),
    ):
        page = site.browser(name).get(where)
        assert page.status_code == 200, (name, where)
        assert secret not in page.text
    api = site.caller("key-of-researcher1").get("/internal/requests").text
    events = (
        site.caller(site.tokens["desk"])
        .get("/internal/events/last", params={"source": "review", "limit": "100"})
        .text
    )
    assert secret not in api + events
    assert "approve" not in events
    second = post(
        site.browser("reviewer2"), f"{path}/votes", {"version": "1", "ballot-1": "approve", "reason-1": ""}
    )
    assert second.status_code == 303
    assert room.store.request(request.id).state is State.RELEASED
    assert secret in site.browser("reviewer2").get(path).text
    assert "/releases/rel-" in site.browser("researcher1").get("/releases").text


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"ballot-1": "reject", "reason-1": "  "}, "Give a reason for your vote on file 1."),
        ({}, "There is no vote on file 1."),
    ],
)
def test_a_missing_reason_or_vote_is_explained_and_nothing_typed_is_lost(
    parts: Everything, fields: dict[str, str], sentence: str
) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    answer = post(site.browser("reviewer1"), f"/requests/{request.id}/votes", {"version": "1", **fields})
    assert answer.status_code == 422
    assert sentence in text_of(answer.text)
    assert 'role="alert"' in answer.text
    assert 'aria-invalid="true"' in answer.text
    if fields:
        assert 'value="reject" required checked' in answer.text
    assert room.store.request(request.id).voters == frozenset()


def test_a_blocked_output_cannot_be_approved(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.checked(room, review.submitted(room), FindingCode.VALUE_DIFFERS)
    page = site.browser("reviewer1").get(f"/requests/{request.id}").text
    assert 'value="approve" required disabled' in page
    answer = post(
        site.browser("reviewer1"),
        f"/requests/{request.id}/votes",
        {"version": "1", "ballot-1": "approve", "reason-1": "x"},
    )
    assert answer.status_code == 403
    assert "cannot be approved" in text_of(answer.text)


def test_forged_forms_are_refused(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    path = f"/requests/{request.id}/votes"
    ballot = {"version": "1", "ballot-1": "approve", "reason-1": ""}
    no_token = post(site.browser("reviewer1"), path, {**ballot, "csrf": "guessed"})
    session_origin = site.browser("reviewer1").post(
        path,
        data={**ballot, "csrf": "token-of-the-test"},
        headers={"Origin": "http://127.0.0.1:8000", "Sec-Fetch-Site": "same-site"},
    )
    old_version = post(site.browser("reviewer1"), path, {**ballot, "version": "7"})
    nonsense = post(site.browser("reviewer1"), path, {**ballot, "ballot-1": "maybe"})
    assert [one.status_code for one in (no_token, session_origin, old_version, nonsense)] == [
        403,
        403,
        409,
        422,
    ]
    assert room.store.request(request.id).voters == frozenset()


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("researcher1", 403),
        ("researcher2", 403),
        ("reviewer3", 403),
        ("admin", 403),
        ("auditor1", 403),
        ("nobody", 403),
    ],
)
def test_who_may_not_see_a_request_for_review(parts: Everything, name: str, status: int) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    answer = site.browser(name).get(f"/requests/{request.id}")
    vote = post(
        site.browser(name),
        f"/requests/{request.id}/votes",
        {"version": "1", "ballot-1": "approve", "reason-1": "x"},
    )
    assert (answer.status_code, vote.status_code) == (status, status)
    assert request.purpose not in answer.text.replace("purpose=", "")


def test_a_draft_is_not_shown_to_reviewers(parts: Everything) -> None:
    site, room, *_ = parts
    made = submitting.open_request(room, review.RESEARCHER, "p", "", [submitting.Announced("a.csv", 1)])
    assert site.browser("reviewer1").get(f"/requests/{made.id}").status_code == 404


def test_the_researcher_sees_why_it_came_back_but_no_persons_or_names(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    review.cast(room, request, "reviewer1", Ballot.RETURN, "round to five")
    review.cast(room, request, "reviewer2")
    page = text_of(site.browser("researcher1").get(f"/mine/{request.id}").text)
    assert "round to five" in page
    assert "reviewer1" not in page
    for stranger in ("researcher2", "reviewer1"):
        assert site.browser(stranger).get(f"/mine/{request.id}").status_code == 404


def test_a_member_downloads_and_every_download_is_recorded_first(parts: Everything) -> None:
    site, room, *_ = parts
    made = released(room)
    browser = site.browser("researcher1")
    assert made.files[0].sha256 in browser.get(f"/releases/{made.id}").text
    answer = browser.get(f"/releases/{made.id}/files/1")
    assert answer.content == review.CSV
    assert hashlib.sha256(answer.content).hexdigest() == made.files[0].sha256
    assert answer.headers["content-disposition"].startswith("attachment;")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    certificate = browser.get(f"/releases/{made.id}/certificate")
    assert certificate.text == made.certificate
    assert certificate.headers["content-disposition"].startswith("attachment;")
    events = [event for event in room.store.last_events("review", 9) if event.action == "release.download"]
    assert [event.details["number"] for event in events] == [0, 1]
    assert room.store.release(made.id).downloads == 2


def _end_membership(room: Room, desk: review.DeskInMemory, clock: review.StillClock) -> None:
    desk.people["researcher1"]["memberships"][0]["active"] = False


def _end_project(room: Room, desk: review.DeskInMemory, clock: review.StillClock) -> None:
    desk.projects[review.PROJECT]["active"] = False


def _expire(room: Room, desk: review.DeskInMemory, clock: review.StillClock) -> None:
    clock.advance(days=15)


def _lose_desk(room: Room, desk: review.DeskInMemory, clock: review.StillClock) -> None:
    desk.away = True


@pytest.mark.parametrize(
    ("change", "status", "reason"),
    [
        (_end_membership, 403, "membership_ended"),
        (_end_project, 403, "project_ended"),
        (_expire, 403, "release_expired"),
        (_lose_desk, 503, "service_unreachable"),
    ],
)
def test_downloads_end_with_the_right_to_them(
    parts: Everything, change: Change, status: int, reason: str
) -> None:
    site, room, desk, clock = parts
    made = released(room)
    change(room, desk, clock)
    for path in ("", "/files/1", "/certificate"):
        answer = site.browser("researcher1").get(f"/releases/{made.id}{path}")
        assert answer.status_code == status
        assert reason in answer.text
        assert review.CSV not in answer.content
    assert room.store.release(made.id).downloads == 0


@pytest.mark.parametrize("name", ["researcher2", "reviewer1", "admin", "auditor1"])
def test_strangers_learn_nothing_of_a_release(parts: Everything, name: str) -> None:
    site, room, *_ = parts
    made = released(room)
    browser = site.browser(name)
    assert made.id not in browser.get("/releases").text
    for path in (f"/releases/{made.id}", f"/releases/{made.id}/files/1", f"/releases/{made.id}/certificate"):
        assert browser.get(path).status_code == 404


def test_changed_bytes_are_never_sent(parts: Everything) -> None:
    site, room, *_ = parts
    made = released(room)
    path = room.vault.path(made.files[0].sha256)
    path.chmod(0o600)
    path.write_bytes(b"person_id,secret\n1,2\n")
    answer = site.browser("researcher1").get(f"/releases/{made.id}/files/1")
    assert answer.status_code == 500
    assert b"secret" not in answer.content
    assert "vault_hash_mismatch" in answer.text
    assert room.store.release(made.id).downloads == 0
    assert room.store.last_events("review", 1)[0].action == "release.tampered"


def test_only_what_was_approved_is_in_the_release(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room, review.CSV, b"rejected,1\n")
    for name in ("reviewer1", "reviewer2"):
        post(
            site.browser(name),
            f"/requests/{request.id}/votes",
            {
                "version": "1",
                "ballot-1": "approve",
                "reason-1": "",
                "ballot-2": "reject",
                "reason-2": "too fine",
            },
        )
    made = room.store.release_of(room.store.request(request.id))
    assert made is not None
    browser = site.browser("researcher1")
    assert browser.get(f"/releases/{made.id}/files/1").status_code == 200
    assert browser.get(f"/releases/{made.id}/files/2").status_code == 404
    assert "too fine" in browser.get(f"/mine/{request.id}").text


def test_a_ballot_paper_of_a_hundred_files_is_taken(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room, *(f"a,b\n{n},1\n".encode() for n in range(room.policy.max_files)))
    assert site.browser("reviewer1").get(f"/requests/{request.id}").status_code == 200
    fields = {"version": "1"}
    for one in request.outputs:
        fields |= {f"ballot-{one.number}": "approve", f"reason-{one.number}": "because " * 400}
    answer = post(site.browser("reviewer1"), f"/requests/{request.id}/votes", fields)
    assert answer.status_code == 303
    assert room.store.request(request.id).voters == {"reviewer1"}


def test_whoever_became_a_member_a_moment_ago_does_not_vote(parts: Everything) -> None:
    site, room, desk, _ = parts
    request = review.in_review(room)
    browser = site.browser("reviewer1")
    assert browser.get(f"/requests/{request.id}").status_code == 200
    joined = {**desk.people["reviewer3"]["memberships"][0], "active": True}
    desk.people["reviewer1"] = {**desk.people["reviewer1"], "memberships": [joined]}
    fields = {"version": "1", "ballot-1": "approve", "reason-1": "fine"}
    assert post(browser, f"/requests/{request.id}/votes", fields).status_code == 403
    assert room.store.request(request.id).voters == frozenset()


def test_a_bearer_token_beside_a_cookie_opens_no_other_origin(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.in_review(room)
    browser = site.browser("reviewer1")
    fields = {"csrf": "token-of-the-test", "version": "1", "ballot-1": "approve", "reason-1": ""}
    headers = {"Authorization": "Bearer x", "Origin": "http://127.0.0.1:8000"}
    answer = browser.post(f"/requests/{request.id}/votes", data=fields, headers=headers)
    assert answer.status_code == 403
    assert room.store.request(request.id).voters == frozenset()
