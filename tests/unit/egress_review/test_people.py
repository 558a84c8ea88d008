"""What the desk says is believed for seconds, not longer, and its silence is a refusal."""

from __future__ import annotations

import pytest

from egress_review.people import MAX_AGE_S, People
from onggi.errors import Refused, Unavailable
from onggi.permissions import Role
from onggi.reasons import Reason
from tests.support import review


def test_an_answer_is_kept_for_seconds_only_and_fresh_ones_never() -> None:
    desk, moment = review.demo_desk(), [100.0]
    people = People(desk, max_age_s=3600, now=lambda: moment[0])
    assert people.person("reviewer1").roles == {Role.REVIEWER}
    desk.people["reviewer1"] = {**desk.people["reviewer1"], "roles": []}
    assert people.person("reviewer1").roles == {Role.REVIEWER}
    assert people.person("reviewer1", fresh=True).roles == frozenset()
    desk.people["reviewer1"] = {**desk.people["reviewer1"], "roles": ["reviewer"]}
    assert people.person("reviewer1").roles == frozenset()
    moment[0] += MAX_AGE_S
    assert people.person("reviewer1").roles == {Role.REVIEWER}
    desk.away = True
    with pytest.raises(Unavailable):
        people.person("reviewer1", fresh=True)
    moment[0] += MAX_AGE_S
    with pytest.raises(Unavailable):
        people.person("reviewer1")


def test_past_membership_is_remembered_and_does_not_count_as_active() -> None:
    person = People(review.demo_desk()).person("reviewer3")
    assert person.projects == {review.PROJECT}
    assert not person.active


def test_strangers_are_refused() -> None:
    people = People(review.demo_desk())
    with pytest.raises(Refused) as unknown:
        people.person("nobody")
    with pytest.raises(Refused) as keyless:
        people.caller("guessed")
    assert (unknown.value.reason, keyless.value.reason) == (Reason.UNKNOWN_PERSON, Reason.SIGN_IN_REQUIRED)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"name": "x"},
        {"name": "x", "roles": 5, "memberships": []},
        {"name": "x", "roles": [], "memberships": [{}]},
    ],
)
def test_an_answer_that_cannot_be_read_is_a_refusal(body: dict[str, object]) -> None:
    desk = review.demo_desk()
    desk.people["reviewer1"] = body
    with pytest.raises(Unavailable):
        People(desk).person("reviewer1")


def test_an_unknown_role_gives_nothing() -> None:
    desk = review.demo_desk()
    desk.people["reviewer1"]["roles"] = ["owner", "reviewer"]
    assert People(desk).person("reviewer1").roles == {Role.REVIEWER}
