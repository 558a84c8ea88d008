"""The broker's API, on a UNIX socket, for the hub alone; the desk may ask how the sandbox is.

| call | answer |
|---|---|
| `PUT /sessions/{id}` `{"plan": …, "server": {"env": {…}, "port": N}}` | 201 the session |
| `GET /sessions/{id}` | 200 the session, running or ended |
| `DELETE /sessions/{id}` | 204 when nothing of it is left |
| `GET /sessions` | 200 `{"sessions": […]}` |
| `GET /sandbox` | 200 `{"working", "findings"}` |
| `GET /healthz` | 200, without a token |
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from onggi.errors import Invalid, OnggiError
from onggi.plan import plan_from_json
from onggi.reasons import Reason
from spawner.fleet import Fleet
from spawner.undelivered import Undelivered
from web.tokens import calling_service

MOST_BODY_BYTES = 256 * 1024
_PORTS = range(1024, 65536)


def create_app(fleet: Fleet, undelivered: Undelivered, token: str, desk_token: str) -> Starlette:
    """The app.

    Args:
        fleet: the sessions.
        undelivered: the audit events of ended ones.
        token: the hub's service token.
        desk_token: the desk's, good for `GET /sandbox` only.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        fleet.clean()
        watch = asyncio.create_task(fleet.watch())
        delivery = asyncio.create_task(undelivered.deliver_forever())
        try:
            yield
        finally:
            watch.cancel()
            delivery.cancel()
            await fleet.stop_all()

    app = Starlette(
        routes=[
            Route("/healthz", _healthz),
            Route("/sandbox", _sandbox),
            Route("/sessions", _list),
            Route("/sessions/{session_id}", _get, methods=["GET"]),
            Route("/sessions/{session_id}", _start, methods=["PUT"]),
            Route("/sessions/{session_id}", _stop, methods=["DELETE"]),
        ],
        exception_handlers={OnggiError: _refuse},
        lifespan=lifespan,
    )
    app.state.fleet = fleet
    app.state.tokens = {"hub": token}
    app.state.readers = {"hub": token, "desk": desk_token}
    return app


async def _healthz(_: Request) -> Response:
    return JSONResponse({"ok": True})


async def _sandbox(request: Request) -> Response:
    calling_service(request, request.app.state.readers)
    fleet: Fleet = request.app.state.fleet
    working, findings = fleet.sandbox_findings()
    return JSONResponse({"working": working, "findings": findings})


async def _list(request: Request) -> Response:
    return JSONResponse({"sessions": [one.to_json() for one in _fleet(request).all()]})


async def _get(request: Request) -> Response:
    return JSONResponse(_fleet(request).get(request.path_params["session_id"]).to_json())


async def _start(request: Request) -> Response:
    fleet = _fleet(request)
    body = await _body(request)
    plan = plan_from_json(body.get("plan"))
    if plan.session_id != request.path_params["session_id"]:
        raise Invalid(Reason.FIELD_INVALID, field="session_id", value=plan.session_id)
    environ, port = _server(body.get("server"))
    running = await fleet.start(plan, environ)
    return JSONResponse(running.to_json() | {"port": port}, 201)


async def _stop(request: Request) -> Response:
    await _fleet(request).stop(request.path_params["session_id"])
    return Response(status_code=204)


async def _refuse(_: Request, error: Exception) -> Response:
    if not isinstance(error, OnggiError):
        raise error
    return JSONResponse(error.to_json(), error.status)


def _fleet(request: Request) -> Fleet:
    """The sessions, for a caller with the hub's token only."""
    calling_service(request, request.app.state.tokens)
    fleet: Fleet = request.app.state.fleet
    return fleet


async def _body(request: Request) -> Mapping[str, Any]:
    content = b""
    async for part in request.stream():
        content += part
        if len(content) > MOST_BODY_BYTES:
            raise Invalid(Reason.FIELD_INVALID, field="body", value="length")
    try:
        body = json.loads(content)
    except ValueError:
        raise Invalid(Reason.FIELD_INVALID, field="body", value="JSON") from None
    if not isinstance(body, Mapping) or not body.keys() <= {"plan", "server"}:
        raise Invalid(Reason.FIELD_INVALID, field="body", value="keys")
    return body


def _server(server: object) -> tuple[dict[str, str], int]:
    """Variables and port of a session server; its command is not the caller's to choose."""
    if not isinstance(server, Mapping) or not server.keys() <= {"env", "port"}:
        raise Invalid(Reason.FIELD_INVALID, field="server", value="keys")
    environ, port = server.get("env"), server.get("port")
    if not isinstance(environ, Mapping) or not all(isinstance(one, str) for one in environ.values()):
        raise Invalid(Reason.FIELD_INVALID, field="env", value="")
    if not isinstance(port, int) or port not in _PORTS:
        raise Invalid(Reason.FIELD_INVALID, field="port", value=str(port)[:20])
    return {str(name): value for name, value in environ.items()}, port
