"""What every answer carries and what every request must satisfy.

Guarantees: no page of ours runs inline or foreign script or is framed; a state-changing request that a
browser made from another origin (another port included: that is where sessions live) is refused before
any view runs. Does not guarantee: anything about requests that carry a bearer token; those are no
browser's, if they carry no cookie.
"""

from __future__ import annotations

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from onggi.errors import Refused
from onggi.reasons import Reason

_PERMISSIONS = "camera=(), clipboard-read=(), display-capture=(), geolocation=(), microphone=()"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


def content_security_policy(form_targets: tuple[str, ...]) -> str:
    """The policy of our own pages.

    Args:
        form_targets: the origins that a form may lead to, redirects included.
    """
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "style-src 'self'",
            "img-src 'self' data:",
            "font-src 'self'",
            "connect-src 'self'",
            " ".join(("form-action 'self'", *form_targets)),
            "base-uri 'none'",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """Adds the security headers to every answer."""

    def __init__(self, app: ASGIApp, form_targets: tuple[str, ...] = ()) -> None:
        self._app = app
        self._headers = {
            "Content-Security-Policy": content_security_policy(form_targets),
            "Cross-Origin-Opener-Policy": "same-origin",
            "Cross-Origin-Resource-Policy": "same-origin",
            "Permissions-Policy": _PERMISSIONS,
            "Referrer-Policy": "same-origin",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in self._headers.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
            await send(message)

        await self._app(scope, receive, send_with_headers)


class SameOriginOnly:
    """Refuses state-changing browser requests from any other origin, and our host under a foreign name."""

    def __init__(self, app: ASGIApp, origin: str) -> None:
        self._app = app
        self._origin = origin
        self._host = origin.partition("://")[2]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Refuse a request, or pass it on (ASGI)."""
        if scope["type"] == "http" and not self._acceptable(scope):
            refusal = JSONResponse(Refused(Reason.CROSS_SITE_REQUEST).to_json(), 403)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _acceptable(self, scope: Scope) -> bool:
        headers = Headers(scope=scope)
        if headers.get("host") != self._host:
            return False
        if scope["method"] in _SAFE_METHODS:
            return True
        if headers.get("authorization") and "cookie" not in headers:
            return True
        if headers.get("sec-fetch-site", "same-origin") != "same-origin":
            return False
        return headers.get("origin") == self._origin
