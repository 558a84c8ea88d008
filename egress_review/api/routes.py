"""The routes of `/internal`. Each names who may call it by how it finds out who does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from egress_review.actions import submitting
from egress_review.api import callers, uploads, wire
from egress_review.people import Caller
from egress_review.room import Room
from onggi.errors import Invalid
from onggi.events import event_from_json
from onggi.reasons import Reason

_MOST_EVENTS = 500
_MOST_DIGITS = 9


def api_routes(room: Room, tokens: Mapping[str, str], wake: Callable[[], None]) -> Sequence[BaseRoute]:
    """The service API.

    Args:
        tokens: service name → token.
        wake: called when a request waits for its checks.
    """
    api = _Api(room, tokens, wake)
    return (
        Route("/internal/events", api.append_event, methods=["POST"]),
        Route("/internal/events/batch", api.append_events, methods=["POST"]),
        Route("/internal/events/last", api.last_events, methods=["GET"]),
        Route("/internal/requests", api.open_request, methods=["POST"]),
        Route("/internal/requests", api.list_requests, methods=["GET"]),
        Route("/internal/requests/{id}", api.show_request, methods=["GET"]),
        Route("/internal/requests/{id}/outputs/{number:int}", api.receive_output, methods=["PUT"]),
        Route("/internal/requests/{id}/submit", api.submit, methods=["POST"]),
        Route("/internal/requests/{id}/withdraw", api.withdraw, methods=["POST"]),
    )


class _Api:
    def __init__(self, room: Room, tokens: Mapping[str, str], wake: Callable[[], None]) -> None:
        self._room = room
        self._tokens = tokens
        self._wake = wake

    async def _session(self, request: Request) -> Caller:
        return await run_in_threadpool(callers.session_caller, request, self._room.people)

    async def append_event(self, request: Request) -> Response:
        """Write another process's event down; answered when it is durable."""
        caller = await run_in_threadpool(callers.service_or_session, request, self._tokens, self._room.people)
        event = event_from_json(await wire.read_json(request))
        callers.check_source(caller, event)

        def append() -> int:
            with self._room.store.unit() as unit:
                return unit.append(event)

        return JSONResponse({"index": await run_in_threadpool(append)}, 201)

    async def append_events(self, request: Request) -> Response:
        """Write several events down, all or none; answered when they are durable."""
        caller = await run_in_threadpool(callers.service_or_session, request, self._tokens, self._room.people)
        events = [event_from_json(one) for one in wire.event_list(await wire.read_json(request))]
        for event in events:
            callers.check_source(caller, event)

        def append() -> None:
            with self._room.store.unit() as unit:
                for event in events:
                    unit.append(event)

        await run_in_threadpool(append)
        return JSONResponse({"count": len(events)}, 201)

    async def last_events(self, request: Request) -> Response:
        """The newest events of one source."""
        callers.service_caller(request, self._tokens)
        limit = min(_number(request.query_params.get("limit", "1")), _MOST_EVENTS)
        source = request.query_params.get("source", "")
        events = [
            one.to_json() for one in await run_in_threadpool(self._room.store.last_events, source, limit)
        ]
        return JSONResponse({"event": events[0] if events else None, "events": events})

    async def open_request(self, request: Request) -> Response:
        """Make a draft, or the next version of a returned request."""
        caller = await self._session(request)
        body = wire.new_request(await wire.read_json(request))
        announced = [one.value() for one in body.outputs]
        if body.revises is None:
            made = await run_in_threadpool(
                submitting.open_request, self._room, caller, body.purpose, body.context, announced
            )
        else:
            made = await run_in_threadpool(
                submitting.revise, self._room, caller, body.revises, body.purpose, body.context, announced
            )
        return JSONResponse(wire.request_json(made), 201)

    async def list_requests(self, request: Request) -> Response:
        """A member's requests: of a session's own project, or all for the desk."""
        caller = await run_in_threadpool(callers.service_or_session, request, self._tokens, self._room.people)
        if isinstance(caller, Caller):
            found = await run_in_threadpool(self._room.store.requests_of, caller.member, caller.project)
        else:
            member = request.query_params.get("member", "")
            found = await run_in_threadpool(self._room.store.requests_of, member)
        return JSONResponse({"requests": [wire.request_json(one) for one in found]})

    async def show_request(self, request: Request) -> Response:
        """One of the session's own requests."""
        caller = await self._session(request)
        found = await run_in_threadpool(submitting.own_request, self._room, caller, request.path_params["id"])
        return JSONResponse(wire.request_json(found))

    async def receive_output(self, request: Request) -> Response:
        """Take an output's bytes."""
        caller = await self._session(request)
        values = request.path_params
        output = await uploads.take(request, self._room, caller, values["id"], values["number"])
        return JSONResponse({"sha256": output.sha256, "size": output.size})

    async def submit(self, request: Request) -> Response:
        """Hand a draft over to the checks."""
        caller = await self._session(request)
        done = await run_in_threadpool(submitting.submit, self._room, caller, request.path_params["id"])
        self._wake()
        return JSONResponse(wire.request_json(done))

    async def withdraw(self, request: Request) -> Response:
        """Take a request back."""
        caller = await self._session(request)
        done = await run_in_threadpool(submitting.withdraw, self._room, caller, request.path_params["id"])
        return JSONResponse(wire.request_json(done))


def _number(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise Invalid(Reason.FIELD_INVALID, field="limit", value=text[:40])
    return int(text)
