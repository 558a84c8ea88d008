"""The doors of the display meter below `/internal/display`: sessions by their key, the desk by its token.

Guarantees: whom a session speaks for comes from its key and never from what it sends; policies, lifts and
records are for the desk alone, which has asked its registry whether the person named in `actor` may.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from egress_review.api.callers import session_caller
from egress_review.api.wire import read_json
from egress_review.display.document import PROFILES, policy_from_yaml, profile_text
from egress_review.meter import leasing, policies, recording, unusual, wire
from egress_review.meter.room import MeterRoom
from egress_review.people import Caller, People
from onggi.errors import Invalid, Refused
from onggi.ids import slug
from onggi.reasons import Reason
from web.tokens import calling_service

__all__ = ["meter_routes"]

_DESK, _BROKER = "desk", "broker"
_MAX_RECORD_BYTES = 48 * 1024 * 1024
_PAGE = 100
_BUDGET_DAYS = 7
_UNUSUAL_DAYS = 90
Asked = tuple[Mapping[str, str], Any]
"""Parameters of path and query together, and the JSON body (None for GET)."""


def meter_routes(meter: MeterRoom, people: People, tokens: Mapping[str, str]) -> Sequence[BaseRoute]:
    """All routes.

    Args:
        tokens: service name → token.
    """
    sessions, desk = _Sessions(meter, people), _Services(meter, tokens)
    base = "/internal/display"
    return (
        sessions.route("POST", f"{base}/lease", sessions.lease),
        sessions.route("POST", f"{base}/return", sessions.give_back),
        sessions.route("POST", f"{base}/record", sessions.record),
        sessions.route("POST", f"{base}/records", sessions.records),
        sessions.route("GET", f"{base}/policy", sessions.policy),
        desk.route("POST", f"{base}/leftover", desk.leftover, _BROKER),
        desk.route("POST", f"{base}/unspent", desk.unspent, _BROKER),
        desk.route("GET", f"{base}/profiles", desk.profiles),
        desk.route("POST", f"{base}/check", desk.check),
        desk.route("GET", f"{base}/projects/{{slug}}/policy", desk.policy),
        desk.route("PUT", f"{base}/projects/{{slug}}/policy", desk.set_policy),
        desk.route("GET", f"{base}/projects/{{slug}}/sessions", desk.sessions),
        desk.route("GET", f"{base}/budgets", desk.budgets),
        desk.route("POST", f"{base}/lifts", desk.lift),
        desk.route("GET", f"{base}/sessions/{{session}}", desk.showings),
        desk.route("POST", f"{base}/showings/{{id}}", desk.look),
        desk.route("GET", f"{base}/unusual", desk.unusual),
    )


class _Sessions:
    """What session servers ask; each view gets who called and the body."""

    def __init__(self, meter: MeterRoom, people: People) -> None:
        self._meter = meter
        self._people = people

    def route(self, method: str, path: str, view: Callable[[Caller, Asked], Any]) -> Route:
        """A route for session keys alone."""

        async def endpoint(request: Request) -> Response:
            caller = await run_in_threadpool(session_caller, request, self._people)
            asked = await _asked(request)
            return JSONResponse(await run_in_threadpool(view, caller, asked))

        return Route(path, endpoint, methods=[method])

    def lease(self, caller: Caller, asked: Asked) -> dict[str, Any]:
        """Lend a block of the member's day."""
        body = wire.read(wire.LeaseAsked, asked[1])
        return wire.lent_json(leasing.lend(self._meter, caller, body.id, body.amounts()))

    def give_back(self, caller: Caller, asked: Asked) -> dict[str, Any]:
        """Take the rest of a block back."""
        body = wire.read(wire.LeaseAsked, asked[1])
        leasing.give_back(self._meter, body.id, body.amounts(), caller.session_id)
        return {}

    def record(self, caller: Caller, asked: Asked) -> dict[str, Any]:
        """Keep what was shown."""
        body = wire.read(wire.ShowingSent, asked[1])
        return {"kept": recording.keep(self._meter, body.showing(caller), body.code, body.contents())}

    def records(self, caller: Caller, asked: Asked) -> dict[str, Any]:
        """Keep what was shown in several cells, all or nothing."""
        body = wire.read(wire.ShowingsSent, asked[1])
        return {"kept": recording.keep_all(self._meter, [one.sent(caller) for one in body.showings])}

    def policy(self, caller: Caller, asked: Asked) -> dict[str, Any]:
        """The policy that holds now; without its document for a session that knows it."""
        version = policies.newest(self._meter, caller.project)
        known = asked[0].get("known") == version.label
        document = None if known else policies.policy_of(version).to_json()
        return {"label": version.label, "document": document}


class _Services:
    """What the desk asks on behalf of people that it let in, and the broker for sessions that died."""

    def __init__(self, meter: MeterRoom, tokens: Mapping[str, str]) -> None:
        self._meter = meter
        self._tokens = tokens

    def route(self, method: str, path: str, view: Callable[[Asked], Any], service: str = _DESK) -> Route:
        """A route for one service's token alone."""

        async def endpoint(request: Request) -> Response:
            if calling_service(request, self._tokens) != service:
                raise Refused(Reason.SIGN_IN_REQUIRED)
            asked = await _asked(request)
            return JSONResponse(await run_in_threadpool(view, asked))

        return Route(path, endpoint, methods=[method])

    def leftover(self, asked: Asked) -> dict[str, Any]:
        """Keep what a session that died had shown."""
        body = wire.read(wire.Leftover, asked[1])
        sent = body.sent()
        showing = sent.showing(body.caller())
        return {"kept": recording.keep(self._meter, showing, sent.code, sent.contents(), leftover=_BROKER)}

    def unspent(self, asked: Asked) -> dict[str, Any]:
        """Take back what a session that died had left of a block."""
        body = wire.read(wire.LeaseAsked, asked[1])
        leasing.give_back(self._meter, body.id, body.amounts())
        return {}

    def profiles(self, _: Asked) -> dict[str, Any]:
        """The shipped profiles, the tightest first."""
        return {"profiles": [{"name": name, "text": profile_text(name)} for name in PROFILES]}

    def check(self, asked: Asked) -> dict[str, Any]:
        """Read a document without keeping it."""
        return {"document": policy_from_yaml(_text(asked[1], "text")).to_json()}

    def policy(self, asked: Asked) -> dict[str, Any]:
        """A project's policy and its history, newest first."""
        project = slug(asked[0]["slug"])
        history = self._meter.store.policies(project)
        return {
            "policy": wire.policy_json(policies.newest(self._meter, project), document=True),
            "history": [wire.policy_json(one) for one in history],
        }

    def set_policy(self, asked: Asked) -> dict[str, Any]:
        """Give a project a new version."""
        body = wire.read(wire.PolicyAsked, asked[1])
        made = policies.set_policy(
            self._meter, body.actor, asked[0]["slug"], body.text, body.reason, body.expected
        )
        return {"policy": wire.policy_json(made, document=True)}

    def sessions(self, asked: Asked) -> dict[str, Any]:
        """The sessions of a project that showed something."""
        found = self._meter.store.sessions(slug(asked[0]["slug"]), _PAGE)
        return {"sessions": [wire.session_json(one) for one in found]}

    def budgets(self, asked: Asked) -> dict[str, Any]:
        """What members were lent in the last days, and what was lifted; of one project or of all."""
        project, since = asked[0].get("project"), self._meter.days_ago(_BUDGET_DAYS - 1)
        uses = self._meter.store.days(since, project)
        limits = {name: policies.newest(self._meter, name) for name in {one.project for one in uses}}
        return {
            "today": self._meter.today(),
            "days": [
                wire.use_json(one)
                | {
                    "limit": policies.policy_of(limits[one.project]).day_bytes,
                    "policy": limits[one.project].label,
                }
                for one in uses
            ],
            "lifts": [wire.lift_json(one) for one in self._meter.store.lifts(since, project)],
        }

    def lift(self, asked: Asked) -> dict[str, Any]:
        """Let a member be shown more today."""
        body = wire.read(wire.LiftAsked, asked[1])
        made = leasing.lift(self._meter, body.actor, body.project, body.member, body.extra_bytes, body.reason)
        return {"lift": wire.lift_json(made)}

    def showings(self, asked: Asked) -> dict[str, Any]:
        """What a session showed, newest first, a page at a time."""
        found = self._meter.store.showings(asked[0]["session"], _PAGE + 1, asked[0].get("before"))
        return {
            "showings": [wire.showing_json(one) for one in found[:_PAGE]],
            "more": found[_PAGE - 1].id if len(found) > _PAGE else None,
        }

    def look(self, asked: Asked) -> dict[str, Any]:
        """The contents of a showing; that somebody looked is an event first."""
        showing, contents = recording.look(self._meter, _text(asked[1], "actor"), asked[0]["id"])
        code, pieces = contents if contents is not None else ("", ())
        return {
            "showing": wire.showing_json(showing),
            "code": code,
            "pieces": [{"mime": one.mime, "content": one.content} for one in pieces],
        }

    def unusual(self, _: Asked) -> dict[str, Any]:
        """Member-days of the last week against those of the last months."""
        days = self._meter.store.shown_days(self._meter.days_ago(_UNUSUAL_DAYS))
        remarks = unusual.judge(days, self._meter.days_ago(_BUDGET_DAYS - 1))
        return {"least_days": unusual.MIN_DAYS, "remarks": [wire.remark_json(one) for one in remarks]}


async def _asked(request: Request) -> Asked:
    parameters = {**request.query_params, **request.path_params}
    if request.method == "GET":
        return parameters, None
    if request.url.path.endswith(("/record", "/records", "/leftover")):
        return parameters, await _large_json(request)
    return parameters, await read_json(request)


async def _large_json(request: Request) -> Any:
    """The JSON body of records, at most `_MAX_RECORD_BYTES`.

    Raises:
        Invalid: if it is larger or no JSON.
    """
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > _MAX_RECORD_BYTES:
            raise Invalid(Reason.FIELD_INVALID, field="body", value="size")
    try:
        return await run_in_threadpool(json.loads, bytes(body))
    except (ValueError, RecursionError):
        raise Invalid(Reason.FIELD_INVALID, field="body", value="json") from None


def _text(body: object, name: str) -> str:
    value = body.get(name) if isinstance(body, Mapping) else None
    if not isinstance(value, str) or not value:
        raise Invalid(Reason.FIELD_MISSING, field=name)
    return value
