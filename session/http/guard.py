"""The guard before every handler of the session server.

Guarantees: a request reaches a handler only if the allow-list names its method, its path and that very
handler, and it comes from where it may (`session.http.origin`). Everything else gets a short fixed answer, is
counted, and reaches the audit log. The guard stands in front of the application's router, so no handler can
be added behind it.
"""

from __future__ import annotations

import json
from html import escape
from typing import Any

from tornado import httputil
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from onggi.reasons import Reason
from session.context import SessionContext
from session.http.headers import SECURITY_HEADERS
from session.http.origin import Place, Verdict, judge
from session.http.routes import AllowList, Rule, asked_by_the_page
from web.reason_headers import REASON_HEADER


class PlainHandler(RequestHandler):
    """An answer that depends on nothing but a reason code or the request's own address."""

    def initialize(self, status: int, reason: str, *, bounce: bool = False) -> None:
        """Take what to answer."""
        self._answer = (status, reason, bounce)

    def set_default_headers(self) -> None:
        """The same headers as everywhere."""
        for name, value in SECURITY_HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def prepare(self) -> None:
        """Answer, whatever the method."""
        status, reason, bounce = self._answer
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        if bounce:
            # Strict cookies do not come along when one follows a link from another site; this page asks
            # again.
            self.set_header("Content-Type", "text/html; charset=UTF-8")
            address = escape(self.request.uri or "/")
            self._sent = self.finish(f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">')
            return
        self.set_header(REASON_HEADER, reason)
        self.set_header("Content-Type", "application/json")
        self._sent = self.finish(json.dumps({"error": {"reason": reason, "params": {}}, "message": reason}))


class Guard(Router):
    """Routes a request to the application, or to a refusal."""

    def __init__(
        self, application: Application, context: SessionContext, allow_list: AllowList | None = None
    ) -> None:
        self._application = application
        self._context = context
        self._allow_list = allow_list or AllowList()
        self._place = Place(context.settings.hub_origins, context.settings.prefix)

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> Any:
        """The handler that the allow-list names, or a refusal."""
        method = request.method or ""
        delegate = self._application.find_handler(request, **kwargs)
        name = _handler_name(delegate)
        rule = self._rule(method, request.path, name)
        if rule is None:
            return self._refuse(request, Reason.ROUTE_CLOSED)
        headers = dict(request.headers.items())  # a header given twice is joined, and then matches nothing
        verdict, reason = judge(self._place, rule.kind, method, headers)
        if verdict is Verdict.BOUNCE:
            return self._plain(request, 200, "", bounce=True)
        if reason is not None:
            return self._refuse(request, reason)
        if rule.kind.websocket and self._context.closed is not None:
            return self._refuse(request, self._context.closed.reason, 503)
        return delegate

    def _rule(self, method: str, path: str, handler: str) -> Rule | None:
        for rule in self._allow_list.matching(self._place.prefix, method, path):
            if rule.handler == handler:
                return rule
        return None

    def _refuse(self, request: httputil.HTTPServerRequest, reason: Reason, status: int = 403) -> Any:
        if not asked_by_the_page(self._place.prefix, request.path):
            self._context.audit.refused("route", reason)
        return self._plain(request, status, reason.value)

    def _plain(
        self, request: httputil.HTTPServerRequest, status: int, reason: str, *, bounce: bool = False
    ) -> Any:
        arguments = {"status": status, "reason": reason, "bounce": bounce}
        return self._application.get_handler_delegate(request, PlainHandler, arguments)


def _handler_name(delegate: Any) -> str:
    handler = getattr(delegate, "handler_class", None)
    return f"{handler.__module__}:{handler.__qualname__}" if handler is not None else ""
