"""Whoever decides about an output is from outside its project when the decision falls, not only before."""

from __future__ import annotations

from pathlib import Path

import pytest

from egress_review.actions.ballots import commitment
from egress_review.domain import Ballot, State
from egress_review.room import Room
from onggi.errors import OnggiError, Refused, Unavailable
from onggi.reasons import Reason
from tests.support import review


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Room, review.DeskInMemory]:
    room, desk, _ = review.room_of(tmp_path)
    return room, desk


def join(desk: review.DeskInMemory, name: str, project: str = review.PROJECT) -> None:
    desk.people[name]["memberships"] = [{"project": project, "active": True}]


def test_the_vote_of_somebody_who_joined_the_project_since_is_set_aside(
    parts: tuple[Room, review.DeskInMemory],
) -> None:
    room, desk = parts
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    sealed = commitment(room.store.votes_seen_by("reviewer1", request))
    join(desk, "reviewer1")
    undecided = review.cast(room, request, "reviewer2")
    assert undecided.state is State.IN_REVIEW
    assert undecided.voters == {"reviewer2"}
    (told,) = [one for one in room.store.last_events("review", 10) if one.action == "vote.set_aside"]
    assert told.details["reviewer"] == "reviewer1"
    assert told.details["commitment"] == sealed
    assert review.cast(room, request, "reviewer4").state is State.APPROVED
    votes = room.store.votes_seen_by("reviewer4", room.store.request(request.id))
    assert {vote.reviewer for vote in votes} == {"reviewer2", "reviewer4"}


@pytest.mark.parametrize("change", ["no longer reviewer", "unknown to the desk"])
def test_so_is_the_vote_of_somebody_who_reviews_no_more(
    parts: tuple[Room, review.DeskInMemory], change: str
) -> None:
    room, desk = parts
    request = review.in_review(room)
    review.cast(room, request, "reviewer1", Ballot.REJECT)
    if change == "unknown to the desk":
        del desk.people["reviewer1"]
    else:
        desk.people["reviewer1"]["roles"] = []
    review.cast(room, request, "reviewer2")
    assert review.cast(room, request, "reviewer4").state is State.APPROVED


def test_whose_vote_was_set_aside_cannot_vote_again(parts: tuple[Room, review.DeskInMemory]) -> None:
    room, desk = parts
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    join(desk, "reviewer1")
    review.cast(room, request, "reviewer2")
    with pytest.raises(Refused) as caught:
        review.vote_as(room, request, room.people.person("reviewer1", fresh=True))
    assert caught.value.reason is Reason.OWN_PROJECT


def test_joining_another_project_changes_nothing(parts: tuple[Room, review.DeskInMemory]) -> None:
    room, desk = parts
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    join(desk, "reviewer1", review.OTHER_PROJECT)
    assert review.cast(room, request, "reviewer2").state is State.APPROVED


def test_a_vote_that_is_refused_sets_nobody_aside(parts: tuple[Room, review.DeskInMemory]) -> None:
    room, desk = parts
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    join(desk, "reviewer1")
    with pytest.raises(OnggiError):
        review.vote_as(room, request, room.people.person("reviewer3"))  # was a member once
    assert room.store.request(request.id).voters == {"reviewer1"}


def test_while_the_desk_is_away_nothing_is_decided(parts: tuple[Room, review.DeskInMemory]) -> None:
    room, desk = parts
    request = review.in_review(room)
    review.cast(room, request, "reviewer1")
    desk.away = True
    with pytest.raises(Unavailable):
        review.cast(room, request, "reviewer2")
    assert room.store.request(request.id).voters == {"reviewer1"}
