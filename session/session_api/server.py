"""The session API's server: HTTP over a UNIX socket, small bodies, few connections, a rate limit.

Guarantees: whoever speaks here is the compute of this session and nothing it says about identity is read;
bodies are JSON objects of at most `MAX_BODY_BYTES` with exactly the expected keys; too many requests wait.
"""

from __future__ import annotations

import asyncio
import json
import logging
import time
from typing import Any

from tornado.httpserver import HTTPServer
from tornado.netutil import bind_unix_socket
from tornado.web import Application, HTTPError, RequestHandler

from onggi.errors import Invalid, NotFound, OnggiError, Unavailable
from onggi.reasons import Reason
from session.context import SessionContext
from session.session_api.actions import REQUEST_ID, SessionActions

MAX_BODY_BYTES = 256 * 1024
_log = logging.getLogger("onggi.session.api")


class RateLimit:
    """A bucket of `burst` requests that fills by `per_second`; whoever finds it empty waits in a queue.

    Args:
        burst: requests that pass at once.
        per_second: requests that pass each second for ever.
        queue: requests that may wait; those beyond are refused.
    """

    def __init__(self, burst: int, per_second: float, queue: int) -> None:
        self._burst = burst
        self._per_second = per_second
        self._queue = queue
        self._left = float(burst)
        self._last = time.monotonic()

    def take(self) -> float | None:
        """Seconds until this request may pass; None if too many wait already."""
        now = time.monotonic()
        self._left = min(self._burst, self._left + (now - self._last) * self._per_second)
        self._last = now
        if self._left < 1 - self._queue:
            return None
        self._left -= 1
        return max(0.0, -self._left / self._per_second)


class ApiHandler(RequestHandler):
    """What all endpoints share: limits, strict JSON, errors in the one wire form."""

    def initialize(self, actions: SessionActions, limit: RateLimit) -> None:
        """Take what the endpoint works with."""
        self.actions = actions
        self._limit = limit

    async def prepare(self) -> None:
        """Let what comes fast wait; refuse what comes too fast for that."""
        wait_s = self._limit.take()
        if wait_s is None:
            raise _Told(429, Unavailable(Reason.RATE_LIMITED))
        if wait_s:
            await asyncio.sleep(wait_s)

    def body(self, keys: frozenset[str], optional: frozenset[str] = frozenset()) -> dict[str, Any]:
        """The body as a JSON object with all of `keys`, any of `optional`, and nothing else.

        Raises:
            Invalid: naming what is wrong.
        """
        try:
            body = json.loads(self.request.body)
        except (ValueError, RecursionError):
            raise Invalid(Reason.FIELD_INVALID, field="body", value="") from None
        if not isinstance(body, dict) or set(body) - optional != keys:
            raise Invalid(Reason.FIELD_INVALID, field="body", value="keys")
        return body

    def answer(self, body: dict[str, Any], status: int = 200) -> None:
        """Answer with a JSON object."""
        self.set_status(status)
        self.set_header("Content-Type", "application/json")
        self._sent = self.finish(json.dumps(body, ensure_ascii=False))

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """Errors of ours with their reason; all else with none."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, _Told):
            told, status_code = error.told, error.status_code
        elif isinstance(error, OnggiError):
            told, status_code = error, error.status
        elif isinstance(error, HTTPError):
            told = NotFound(Reason.NOT_FOUND)
        else:
            told = Unavailable(Reason.SERVICE_UNREACHABLE, service="session")
        self.set_status(status_code)
        self.answer(told.to_json(), status_code)

    def log_exception(self, *error: Any) -> None:
        """A refusal is an answer, not an accident."""
        if not isinstance(error[1], OnggiError | HTTPError):
            super().log_exception(*error)


class _Told(HTTPError):
    def __init__(self, status: int, told: OnggiError) -> None:
        super().__init__(status)
        self.told = told


class SessionHandler(ApiHandler):
    """GET /v1/session."""

    def get(self) -> None:
        """Which session this is."""
        self.answer(self.actions.session())


class DatasetsHandler(ApiHandler):
    """GET /v1/datasets."""

    def get(self) -> None:
        """The data sets of the project, and where they lie in the compute."""
        self.answer(self.actions.datasets())


class BudgetHandler(ApiHandler):
    """GET /v1/budget."""

    def get(self) -> None:
        """What may still be shown."""
        self.answer(self.actions.budget())


class RequestsHandler(ApiHandler):
    """GET and POST /v1/requests."""

    async def get(self) -> None:
        """The member's requests in this project."""
        self.answer(await self.actions.requests())

    async def post(self) -> None:
        """Submit files of the project folder, anew or as the next version of a returned request."""
        body = self.body(frozenset({"paths", "purpose", "context"}), frozenset({"revises"}))
        self.answer(await self.actions.submit(**body), 201)


class ProtectHandler(ApiHandler):
    """POST /v1/protect."""

    async def post(self) -> None:
        """Protect the table of a claim."""
        body = self.body(frozenset({"claim", "way"}), frozenset({"base", "profile"}))
        self.answer(await self.actions.protect(**body))


class WithdrawHandler(ApiHandler):
    """POST /v1/requests/{id}/withdraw."""

    async def post(self, request_id: str) -> None:
        """Take a request back."""
        self.answer(await self.actions.withdraw(request_id))


def start_session_api(context: SessionContext) -> HTTPServer:
    """Listen on the session API's socket."""
    arguments = {"actions": SessionActions(context), "limit": RateLimit(burst=40, per_second=20, queue=40)}
    application = Application(
        [
            (r"/v1/session", SessionHandler, arguments),
            (r"/v1/datasets", DatasetsHandler, arguments),
            (r"/v1/budget", BudgetHandler, arguments),
            (r"/v1/requests", RequestsHandler, arguments),
            (r"/v1/protect", ProtectHandler, arguments),
            (rf"/v1/requests/({REQUEST_ID})/withdraw", WithdrawHandler, arguments),
            (r".*", ApiHandler, arguments),
        ],
        log_function=lambda _: None,
    )
    server = HTTPServer(
        application,
        max_body_size=MAX_BODY_BYTES,
        max_header_size=16 * 1024,
        idle_connection_timeout=60,
        body_timeout=30,
    )
    path = context.settings.api_socket
    path.unlink(missing_ok=True)
    server.add_socket(bind_unix_socket(str(path), mode=0o600, backlog=128))
    return server
