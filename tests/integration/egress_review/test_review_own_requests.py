"""A researcher's own request outside any session: withdrawing it, and what to do when it came back."""

from __future__ import annotations

from pathlib import Path

import pytest

from egress_review.actions import releasing
from egress_review.checks.findings import FindingCode
from egress_review.domain import Ballot, State
from onggi.words import catalogue
from tests.support import review
from tests.support.review_site import Everything, Site, post, text_of


@pytest.fixture
def parts(tmp_path: Path) -> Everything:
    room, desk, clock = review.room_of(tmp_path)
    return Site(tmp_path / "state", room), room, desk, clock


def test_a_member_withdraws_an_own_request_and_nobody_else_does(parts: Everything) -> None:
    site, room, desk, _ = parts
    request = review.in_review(room)
    path = f"/mine/{request.id}/withdraw"
    own = site.browser("researcher1")
    assert path in own.get(f"/mine/{request.id}").text
    assert path not in site.browser("reviewer1").get(f"/requests/{request.id}").text
    assert post(own, path, {"csrf": "guessed"}).status_code == 403
    for stranger in ("researcher2", "reviewer1", "admin", "nobody"):
        assert post(site.browser(stranger), path, {}).status_code in {403, 404}
    desk.people["researcher1"]["memberships"][0]["active"] = False
    assert post(own, path, {}).status_code == 404
    desk.people["researcher1"]["memberships"][0]["active"] = True
    assert room.store.request(request.id).state is State.IN_REVIEW
    assert post(own, path, {}).headers["location"] == f"/mine/{request.id}"
    assert room.store.request(request.id).state is State.WITHDRAWN
    (event,) = [one for one in room.store.last_events("review", 9) if one.action == "request.withdraw"]
    assert (event.actor, event.subject) == ("researcher1", request.id)
    assert "session" not in event.details
    assert path not in own.get(f"/mine/{request.id}").text
    assert post(own, path, {}).status_code == 409


def test_a_returned_request_says_how_to_revise_it_and_what_to_mend(parts: Everything) -> None:
    site, room, *_ = parts
    request = review.checked(room, review.submitted(room), FindingCode.NO_CLAIM)
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, request, name, Ballot.RETURN, "use onggi.table")
    page = text_of(site.browser("researcher1").get(f"/mine/{request.id}").text)
    assert f'revises="{request.id}"' in page
    assert catalogue("en")["findings.no_claim_todo"] in page
    assert catalogue("en")["findings.no_claim_todo"] not in text_of(
        site.browser("reviewer1").get(f"/requests/{request.id}").text
    )


def test_an_expired_release_says_when_as_people_write_it(parts: Everything) -> None:
    site, room, _, clock = parts
    request = review.in_review(room)
    for name in ("reviewer1", "reviewer2"):
        review.cast(room, request, name)
    made = releasing.release(room, request.id)
    clock.advance(days=15)
    page = text_of(site.browser("researcher1", "ko").get(f"/releases/{made.id}").text)
    assert "기한이 지났습니다" in page
    assert made.expires.strftime("%Y-%m-%dT") not in page


@pytest.mark.parametrize("path", ["/mine/{id}", "/requests/{id}"])
def test_a_former_member_reads_when_that_ended_and_whom_to_ask(parts: Everything, path: str) -> None:
    site, room, desk, _ = parts
    request = review.in_review(room)
    desk.people["researcher1"]["memberships"][0] |= {"active": False, "ends": "2026-03-01T00:00:00.000Z"}
    answer = site.browser("researcher1").get(path.format(id=request.id))
    assert answer.status_code == 403
    said = text_of(answer.text)
    assert "Your membership in project liver-study ended on 1 Mar 2026" in said
    assert "lead or an administrator" in said
    assert "request:review" not in said
    stranger = site.browser("researcher2").get(path.format(id=request.id))
    assert (stranger.status_code, "1 Mar 2026" in stranger.text) == (404 if "mine" in path else 403, False)


def test_whoever_asks_to_review_their_own_request_is_told_where_it_stands(parts: Everything) -> None:
    site, room, *_ = parts
    answer = site.browser("researcher1").get(f"/requests/{review.in_review(room).id}")
    assert (answer.status_code, "It stands under My requests" in answer.text) == (403, True)


def test_a_membership_that_has_not_begun_is_not_said_to_have_ended(parts: Everything) -> None:
    site, room, desk, _ = parts
    request = review.in_review(room)
    desk.people["researcher1"]["memberships"][0] |= {"active": False, "ends": "2099-03-01T00:00:00.000Z"}
    assert site.browser("researcher1").get(f"/mine/{request.id}").status_code == 404
