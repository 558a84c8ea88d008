"""The doors of the desk: every route names who may come in, and is held to it before its view runs.

Guarantees: no view runs for a caller that its route does not name; a route without an access cannot be made.
Does not guarantee: finer rules (whose session, which dates); the actions check those in their own
transaction.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hub.actions.context import Context, may
from hub.actions.sessions import standing_in
from hub.desk.fields import Fields, read_json
from hub.desk.limits import LimitReport
from hub.hub_api import HubClient
from hub.settings import HubSettings
from onggi.decision import Decision, require
from onggi.errors import Refused
from onggi.permissions import Permission
from onggi.reasons import Reason
from web.clients import ReviewClient
from web.forms import checked_form
from web.signin import require_person
from web.tokens import bearer, calling_service


class Door(StrEnum):
    """Ways in that need no `Permission`."""

    SERVICE = "service"  # another service of Onggi, by its token
    SESSION_KEY = "session-key"  # a session server, by its key
    SIGNED_IN = "signed-in"  # anyone signed in; the view shows nothing but their own


Access = Door | Permission
_OF_A_PROJECT = frozenset({Permission.PROJECT_READ_OWN, Permission.REQUEST_READ_OWN, Permission.SESSION_OPEN})


@dataclass(frozen=True, slots=True)
class Parts:
    """What the desk works with."""

    settings: HubSettings
    context: Context
    hub: HubClient
    review: ReviewClient
    service_tokens: dict[str, str]
    limits: LimitReport


@dataclass(frozen=True, slots=True)
class Call:
    """One request that came through its door.

    Attributes:
        actor: the person, the calling service's name, or the session key, as the door has it.
        fields: the form or JSON object that came with it.
    """

    request: Request
    parts: Parts
    actor: str
    fields: Fields

    def path(self, name: str) -> str:
        """A parameter of the path."""
        return str(self.request.path_params[name])


View = Callable[[Call], Response]


def desk_route(path: str, method: str, access: Access, view: View) -> Route:
    """A route whose view runs, in a worker thread, only for callers that `access` names."""

    async def endpoint(request: Request) -> Response:
        parts: Parts = request.app.state.parts
        actor = await run_in_threadpool(_come_in, parts, request, access)
        fields = await _fields(request, path)
        return await run_in_threadpool(view, Call(request, parts, actor, fields))

    endpoint.access = access  # type: ignore[attr-defined] # a function may carry more than mypy knows
    endpoint.view = view  # type: ignore[attr-defined] # as above; the reference reads it
    return Route(path, endpoint, methods=[method], name=f"{method} {path}")


def _come_in(parts: Parts, request: Request, access: Access) -> str:
    if access is Door.SERVICE:
        return calling_service(request, parts.service_tokens)
    if access is Door.SESSION_KEY:
        return _session_key(request)
    person = _person(parts, request)
    if isinstance(access, Permission):
        require(_decide(parts.context, person, access, request.path_params.get("slug")))
    return person


def _person(parts: Parts, request: Request) -> str:
    token = bearer(request)
    if token is not None and request.url.path.startswith("/api/"):
        return parts.hub.owner_of(token)
    return require_person(request)


def _session_key(request: Request) -> str:
    key = bearer(request)
    if key is None:
        raise Refused(Reason.SIGN_IN_REQUIRED)
    return key


def _decide(context: Context, person: str, permission: Permission, slug: str | None) -> Decision:
    now = context.clock.now()
    with context.registry.reading() as store:
        if slug is not None and permission is Permission.SESSION_OPEN:
            return standing_in(store, person, slug, now)
        return may(store, person, permission, now, slug if permission in _OF_A_PROJECT else None)


async def _fields(request: Request, path: str) -> Fields:
    if request.method in {"GET", "HEAD"}:
        return Fields({})
    if path.startswith(("/api/", "/internal/")):
        return Fields(await read_json(request))
    return Fields(dict(await checked_form(request)))
