"""The lifecycle of a request: one table, one pure function.

Guarantees: what is not in `TABLE` cannot happen; a request is approved only by votes of the number of
distinct reviewers that its policy wants, none of whom is or was a member of its project or submitted it.
Does not guarantee: who the actor is (the edge proves that), or that the request is the newest one (the store
locks it for the transaction).

The picture and the reference page are generated from `TABLE` (`egress_review.lifecycle_page`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from egress_review.domain import Actor, Ballot, Outcome, Request, State, Verdict, Vote
from onggi.decision import Allow, Decision, Deny
from onggi.permissions import Permission, permitted
from onggi.reasons import Reason


class Action(StrEnum):
    """What can be done to a request."""

    APPROVE = "approve"
    CHECK = "check"
    RECEIVE = "receive"
    REJECT = "reject"
    RELEASE = "release"
    RETURN = "return"
    REVISE = "revise"
    SET_ASIDE = "set_aside"
    SUBMIT = "submit"
    VOTE = "vote"
    WITHDRAW = "withdraw"


class Who(StrEnum):
    """Who may make a move."""

    REVIEWER = "reviewer"
    SERVICE = "service"
    SUBMITTER = "submitter"


Guard = Callable[[Request], Decision]


@dataclass(frozen=True, slots=True)
class Move:
    """One arrow of the lifecycle.

    Attributes:
        next: the state after it.
        who: the role that makes it.
        guard: what must hold of the request besides.
        event: the audit event that records it.
    """

    next: State
    who: Who
    guard: Guard
    event: str


def always(request: Request) -> Decision:  # noqa: ARG001 - the shape of a guard
    """No condition."""
    return Allow()


def outputs_received(request: Request) -> Decision:
    """Every declared output is in the vault, and there is at least one."""
    if not request.outputs:
        return Deny(Reason.FIELD_MISSING, {"field": "outputs"})
    for one in request.outputs:
        if one.sha256 is None:
            return Deny(Reason.OUTPUT_NOT_RECEIVED, {"number": str(one.number)})
    return Allow()


def outputs_checked(request: Request) -> Decision:
    """Every output has a verdict."""
    for one in request.outputs:
        if one.verdict is None:
            return Deny(Reason.OUTPUT_NOT_CHECKED, {"number": str(one.number)})
    return Allow()


def votes_wanted(request: Request) -> Decision:
    """Not all reviewers have voted yet."""
    return Deny(Reason.VOTES_COMPLETE) if request.votes_complete else Allow()


def votes_complete(request: Request) -> Decision:
    """All reviewers that the policy wants have voted."""
    return Allow() if request.votes_complete else Deny(Reason.VOTES_INCOMPLETE)


TABLE: Mapping[tuple[State, Action], Move] = {
    (State.DRAFT, Action.RECEIVE): Move(State.DRAFT, Who.SUBMITTER, always, "output.receive"),
    (State.DRAFT, Action.SUBMIT): Move(State.CHECKING, Who.SUBMITTER, outputs_received, "request.submit"),
    (State.DRAFT, Action.WITHDRAW): Move(State.WITHDRAWN, Who.SUBMITTER, always, "request.withdraw"),
    (State.CHECKING, Action.CHECK): Move(State.IN_REVIEW, Who.SERVICE, outputs_checked, "request.check"),
    (State.CHECKING, Action.WITHDRAW): Move(State.WITHDRAWN, Who.SUBMITTER, always, "request.withdraw"),
    (State.IN_REVIEW, Action.VOTE): Move(State.IN_REVIEW, Who.REVIEWER, votes_wanted, "vote.cast"),
    (State.IN_REVIEW, Action.SET_ASIDE): Move(State.IN_REVIEW, Who.SERVICE, votes_wanted, "vote.set_aside"),
    (State.IN_REVIEW, Action.APPROVE): Move(State.APPROVED, Who.SERVICE, votes_complete, "request.approve"),
    (State.IN_REVIEW, Action.REJECT): Move(State.REJECTED, Who.SERVICE, votes_complete, "request.reject"),
    (State.IN_REVIEW, Action.RETURN): Move(State.RETURNED, Who.SERVICE, votes_complete, "request.return"),
    (State.IN_REVIEW, Action.WITHDRAW): Move(State.WITHDRAWN, Who.SUBMITTER, always, "request.withdraw"),
    (State.RETURNED, Action.REVISE): Move(State.DRAFT, Who.SUBMITTER, always, "request.revise"),
    (State.RETURNED, Action.WITHDRAW): Move(State.WITHDRAWN, Who.SUBMITTER, always, "request.withdraw"),
    (State.APPROVED, Action.RETURN): Move(State.RETURNED, Who.SERVICE, votes_complete, "request.return"),
    (State.APPROVED, Action.RELEASE): Move(State.RELEASED, Who.SERVICE, votes_complete, "release.create"),
}

START = State.DRAFT
FINAL = frozenset(state for state in State if not any(begin is state for begin, _ in TABLE))


def decide(request: Request, action: Action, actor: Actor) -> Decision:
    """Whether `actor` may do `action` to `request` now.

    Who is asked first, so that a stranger learns nothing about the state.
    """
    move = TABLE.get((request.state, action))
    who = move.who if move else _who_ever(action)
    decision = _WHO[who](request, actor)
    if isinstance(decision, Deny):
        return decision
    if move is None:
        return Deny(Reason.STATE_CONFLICT, {"state": request.state.value, "action": action.value})
    return move.guard(request)


def move_for(request: Request, action: Action) -> Move:
    """The arrow that `decide` has allowed.

    Raises:
        KeyError: if there is none; ask `decide` first.
    """
    return TABLE[request.state, action]


def check_ballots(request: Request, ballots: Mapping[int, tuple[Ballot, str]]) -> Decision:
    """Whether a ballot paper is complete and allowed: one ballot for each output, with reasons.

    Args:
        ballots: output number → (ballot, reason).
    """
    numbers = {one.number for one in request.outputs}
    if set(ballots) - numbers:
        return Deny(Reason.NOT_FOUND, {"what": "output"})
    for one in request.outputs:
        number = {"number": str(one.number)}
        if one.number not in ballots:
            return Deny(Reason.VOTE_MISSING, number)
        ballot, reason = ballots[one.number]
        if ballot is Ballot.APPROVE and one.verdict is Verdict.BLOCK:
            return Deny(Reason.OUTPUT_BLOCKED, number)
        if reason_required(ballot, one.verdict) and not reason.strip():
            return Deny(Reason.VOTE_REASON_MISSING, number)
    return Allow()


def reason_required(ballot: Ballot, verdict: Verdict | None) -> bool:
    """Anything but approval needs a reason, and so does approving what is not proven."""
    return ballot is not Ballot.APPROVE or verdict in {None, Verdict.NOT_PROVEN}


def outcome(ballots: Sequence[Ballot], reviewers: int) -> Outcome:
    """What the ballots on one output come to; disagreement rejects (decision 5).

    Args:
        ballots: one of each reviewer.
        reviewers: how many approvals the policy wants.
    """
    if Ballot.RETURN in ballots:
        return Outcome.RETURNED
    if len(ballots) >= reviewers and all(one is Ballot.APPROVE for one in ballots):
        return Outcome.APPROVED
    return Outcome.REJECTED


def outcomes(request: Request, votes: Sequence[Vote]) -> Mapping[int, Outcome]:
    """What the votes come to for each output, by number."""
    return {
        one.number: outcome([vote.ballot for vote in votes if vote.output == one.number], request.reviewers)
        for one in request.outputs
    }


def verdict_of(request: Request, votes: Sequence[Vote]) -> Action:
    """What the complete votes do to the request: return, approve or reject it."""
    found = set(outcomes(request, votes).values())
    if Outcome.RETURNED in found:
        return Action.RETURN
    return Action.APPROVE if Outcome.APPROVED in found else Action.REJECT


def may_review(request: Request, actor: Actor) -> Decision:
    """Whether a person may see and vote on the request as a reviewer."""
    allowed = permitted(actor.roles, Permission.REQUEST_REVIEW)
    if isinstance(allowed, Deny):
        return allowed
    if actor.name == request.member or request.project in actor.projects:
        return Deny(Reason.OWN_PROJECT, {"project": request.project})
    return Allow()


def _may_vote(request: Request, actor: Actor) -> Decision:
    allowed = may_review(request, actor)
    if isinstance(allowed, Deny):
        return allowed
    return Deny(Reason.ALREADY_VOTED) if actor.name in request.voters else Allow()


def _may_submit(request: Request, actor: Actor) -> Decision:
    if not actor.service and actor.name == request.member and request.project in actor.projects:
        return Allow()
    return Deny(Reason.NOT_OWN_REQUEST)


def _is_service(request: Request, actor: Actor) -> Decision:  # noqa: ARG001 - the shape of a role test
    return Allow() if actor.service else Deny(Reason.NOT_PERMITTED, {"permission": Who.SERVICE.value})


_WHO: Mapping[Who, Callable[[Request, Actor], Decision]] = {
    Who.REVIEWER: _may_vote,
    Who.SERVICE: _is_service,
    Who.SUBMITTER: _may_submit,
}


def _who_ever(action: Action) -> Who:
    return next(move.who for (_, known), move in TABLE.items() if known is action)
