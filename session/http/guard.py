"""The guard before every handler of the session server.

Guarantees: a request reaches a handler only if the allow-list names its method, its path and that very
handler, and it comes from where it may (`session.http.origin`). Everything else gets a short fixed answer, is
counted, and reaches the audit log. The guard stands in front of the application's router, so no handler can
be added behind it.
"""

from __future__ import annotations

from html import escape
from typing import Any

from tornado import httputil
from tornado.routing import Router
from tornado.web import Application, RequestHandler

from onggi.reasons import Reason
from session.context import SessionContext
from session.http.headers import SECURITY_HEADERS
from session.http.origin import Place, Verdict, judge
from session.http.page_key import page_key
from session.http.refusals import as_json, as_page, wants_page
from session.http.routes import AllowList, Rule, asked_by_the_page, closed_reason
from web.reason_headers import REASON_HEADER


class PlainHandler(RequestHandler):
    """An answer that depends on nothing but a reason code, or on the request's own address."""

    def initialize(self, status: int, body: str, *, page: bool, reason: str = "") -> None:
        """Take what to answer: HTML or JSON, and the reason code for the header."""
        self._answer = (status, body, page, reason)

    def set_default_headers(self) -> None:
        """The same headers as everywhere."""
        for name, value in SECURITY_HEADERS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def prepare(self) -> None:
        """Answer, whatever the method."""
        status, body, page, reason = self._answer
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.set_header("Content-Type", "text/html; charset=UTF-8" if page else "application/json")
        if reason:
            self.set_header(REASON_HEADER, reason)
        self._sent = self.finish(body)


class Guard(Router):
    """Routes a request to the application, or to a refusal."""

    def __init__(
        self, application: Application, context: SessionContext, allow_list: AllowList | None = None
    ) -> None:
        self._application = application
        self._context = context
        self._allow_list = allow_list or AllowList()
        settings = context.settings
        self._place = Place(settings.hub_origins, settings.prefix, page_key(settings.plan))

    def find_handler(self, request: httputil.HTTPServerRequest, **kwargs: Any) -> Any:
        """The handler that the allow-list names, or a refusal."""
        method = request.method or ""
        delegate = self._application.find_handler(request, **kwargs)
        name = _handler_name(delegate)
        rule = self._rule(method, request.path, name)
        if rule is None:
            return self._refuse(request, closed_reason(self._place.prefix, request.path))
        # a header given twice is joined, and then matches nothing
        verdict, reason = judge(self._place, rule.kind, method, request.headers)
        if verdict is Verdict.BOUNCE:
            return self._bounce(request)
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
        settings = self._context.settings
        page = wants_page(request.headers)
        body = (
            as_page(settings.plan.language, reason, settings.prefix + "lab", f"{settings.review_url}/mine")
            if page
            else as_json(settings.plan.language, reason)
        )
        return self._plain(request, status, body, page=page, reason=reason.value)

    def _bounce(self, request: httputil.HTTPServerRequest) -> Any:
        """Strict cookies do not follow a link from another site; this page asks again."""
        address = escape(request.uri or "/")
        body = f'<!doctype html><meta http-equiv="refresh" content="0;url={address}">'
        return self._plain(request, 200, body, page=True)

    def _plain(
        self, request: httputil.HTTPServerRequest, status: int, body: str, *, page: bool, reason: str = ""
    ) -> Any:
        arguments = {"status": status, "body": body, "page": page, "reason": reason}
        return self._application.get_handler_delegate(request, PlainHandler, arguments)


def _handler_name(delegate: Any) -> str:
    handler = getattr(delegate, "handler_class", None)
    return f"{handler.__module__}:{handler.__qualname__}" if handler is not None else ""
