"""Asking the lifecycle on behalf of an action."""

from __future__ import annotations

from egress_review.domain import Actor, Request
from egress_review.lifecycle import Action, decide
from onggi.decision import Decision, require
from onggi.errors import Conflict, Refused
from onggi.reasons import Reason

_OF_STATE = frozenset(
    {
        Reason.ALREADY_VOTED,
        Reason.OUTPUT_NOT_CHECKED,
        Reason.OUTPUT_NOT_RECEIVED,
        Reason.STATE_CONFLICT,
        Reason.VOTES_COMPLETE,
        Reason.VOTES_INCOMPLETE,
    }
)


def require_move(request: Request, action: Action, actor: Actor) -> None:
    """Go on if the lifecycle allows it.

    Raises:
        Conflict: where it is the state that does not allow it.
        Refused: for any other reason.
    """
    require_now(decide(request, action, actor))


def require_now(decision: Decision) -> None:
    """Go on if allowed; raises as `require_move`."""
    try:
        require(decision)
    except Refused as refusal:
        if refusal.reason in _OF_STATE:
            raise Conflict(refusal.reason, **refusal.params) from None
        raise
