"""Who calls: another service by its token, or a session server by its session key. Nothing else gets in."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.requests import Request

from egress_review.people import Caller, People
from onggi.errors import Refused
from onggi.events import Event
from onggi.reasons import Reason
from web.tokens import bearer, calling_service

_SESSION = "session"
_SPEAKS_FOR = {"broker": {"broker", _SESSION}}
_OWN = "review"


def session_caller(request: Request, people: People) -> Caller:
    """The session that calls.

    Raises:
        Refused: without the key of a session that lives.
        Unavailable: if the desk cannot say so.
    """
    key = bearer(request)
    if key is None:
        raise Refused(Reason.SIGN_IN_REQUIRED)
    return people.caller(key)


def service_caller(request: Request, tokens: Mapping[str, str]) -> str:
    """The name of the service that calls.

    Raises:
        Refused: without a service token.
    """
    return calling_service(request, tokens)


def service_or_session(request: Request, tokens: Mapping[str, str], people: People) -> str | Caller:
    """The service's name, or the session."""
    try:
        return service_caller(request, tokens)
    except Refused:
        return session_caller(request, people)


def check_source(caller: str | Caller, event: Event) -> None:
    """An event says the truth about where it comes from, as far as the edge can know.

    Raises:
        Refused: `EVENT_SOURCE_WRONG` if a caller speaks for another, or a session about another project or
            person. Nobody speaks for egress review: its events are written in its own transactions. The
            broker speaks for sessions that ended before they had sent everything.
    """
    if isinstance(caller, Caller):
        honest = (
            event.source == _SESSION
            and event.project == caller.project
            and event.actor in {caller.member, f"service:{_SESSION}"}
        )
    else:
        honest = event.source in _SPEAKS_FOR.get(caller, {caller}) and event.source != _OWN
    if not honest:
        raise Refused(Reason.EVENT_SOURCE_WRONG, source=event.source)
