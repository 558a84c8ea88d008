"""The reviewer's side: cast a ballot paper. The last one decides, in the same transaction.

Guarantees: at the moment of the decision every reviewer whose vote counts is one from outside the project; a
vote of somebody who has become a member since, or is no reviewer any more, is set aside and another reviewer
has to vote. It stays sealed: only its commitment is in the log.
"""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial

from egress_review.actions.asking import require_move
from egress_review.actions.ballots import by_reviewer, commitment
from egress_review.domain import Ballot, Request, Vote
from egress_review.lifecycle import Action, check_ballots, may_review, move_for, outcomes, verdict_of
from egress_review.people import Person
from egress_review.room import SERVICE, Room
from egress_review.store.protocol import Unit
from onggi.decision import Allow, Deny
from onggi.errors import Conflict, Invalid, NotFound, Refused
from onggi.events import Event
from onggi.reasons import Reason

MAX_REASON = 4000

Ballots = Mapping[int, tuple[Ballot, str]]


def vote(room: Room, reviewer: Person, request_id: str, version: int, ballots: Ballots) -> Request:
    """Record one reviewer's votes on all outputs; if they are the last, decide.

    Args:
        version: the version that the reviewer has seen; votes on an older one are refused.
        ballots: output number → (ballot, reason).

    Raises:
        NotFound: if there is no such request.
        Refused: for a reviewer from the project, or a blocked output's approval.
        Invalid: for a missing vote or reason.
        Conflict: if the state does not allow votes, or this reviewer has voted.
    """
    # Asked before the transaction, which must not wait for the desk; who votes in between was just asked.
    unfit = _unfit(room, room.store.request(request_id))
    with room.store.unit() as unit:
        _set_aside(room, unit, unit.request(request_id), unfit)
        request = unit.request(request_id)
        require_move(request, Action.VOTE, reviewer.actor())
        if request.version != version:
            raise Conflict(Reason.STATE_CONFLICT, state=request.state.value, action=Action.VOTE.value)
        _require_ballots(request, ballots)
        _record(room, unit, request, reviewer.name, ballots)
        voted = unit.request(request_id)
        return _decide(room, unit, voted) if voted.votes_complete else voted


def _unfit(room: Room, request: Request) -> frozenset[str]:
    """Who has voted and could not vote now."""
    return frozenset(name for name in request.voters if not _may_judge(room, request, name))


def _may_judge(room: Room, request: Request, name: str) -> bool:
    try:
        person = room.people.person(name, fresh=True)
    except Refused:
        return False
    return isinstance(may_review(request, person.actor()), Allow)


def _set_aside(room: Room, unit: Unit, request: Request, unfit: frozenset[str]) -> None:
    for name in sorted(unfit & request.voters):
        require_move(request, Action.SET_ASIDE, SERVICE)
        unit.set_aside(request, name, partial(_void, room, request))


def _void(room: Room, request: Request, votes: Sequence[Vote]) -> Event:
    return room.event(
        SERVICE.name,
        move_for(request, Action.SET_ASIDE).event,
        request.id,
        request.project,
        version=request.version,
        reviewer=votes[0].reviewer,
        commitment=commitment(votes),
    )


def _record(room: Room, unit: Unit, request: Request, reviewer: str, ballots: Ballots) -> None:
    salt = secrets.token_hex(32)
    now = room.clock.now()
    votes = [
        Vote(request.id, request.version, reviewer, number, ballot, reason.strip(), now, salt)
        for number, (ballot, reason) in sorted(ballots.items())
    ]
    event = room.event(
        reviewer,
        move_for(request, Action.VOTE).event,
        request.id,
        request.project,
        version=request.version,
        commitment=commitment(votes),
    )
    unit.add_votes(votes, event)


def _decide(room: Room, unit: Unit, request: Request) -> Request:
    """Apply the complete votes: returned, approved or rejected."""
    votes = unit.votes(request)
    action = verdict_of(request, votes)
    require_move(request, action, SERVICE)
    move = move_for(request, action)
    decided = replace(request, state=move.next, decided=room.clock.now())
    found = outcomes(request, votes)
    event = room.event(
        SERVICE.name,
        move.event,
        request.id,
        request.project,
        version=request.version,
        policy=request.policy,
        outcomes=[[number, found[number].value] for number in sorted(found)],
        votes=by_reviewer(votes),
    )
    unit.save(decided, event)
    return decided


def _require_ballots(request: Request, ballots: Ballots) -> None:
    for number, (_, reason) in ballots.items():
        if len(reason) > MAX_REASON or "\0" in reason or not _is_utf8(reason):
            raise Invalid(Reason.FIELD_INVALID, field=f"reason-{number}", value="")
    decision = check_ballots(request, ballots)
    if isinstance(decision, Deny):
        kind = _KINDS.get(decision.reason, Refused)
        raise kind(decision.reason, **decision.params)


def _is_utf8(text: str) -> bool:
    try:
        text.encode("utf-8")
    except UnicodeEncodeError:
        return False
    return True


_KINDS = {
    Reason.NOT_FOUND: NotFound,
    Reason.VOTE_MISSING: Invalid,
    Reason.VOTE_REASON_MISSING: Invalid,
}
