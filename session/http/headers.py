"""The headers of every answer to a browser.

What they ask of the browser is the second line: the first is that nothing a kernel makes is script.
JupyterLab needs `'unsafe-eval'` (it compiles its settings' schemas); it does not need inline script.
"""

from __future__ import annotations

from collections.abc import Mapping

_SOURCES: Mapping[str, str] = {
    "default-src": "'none'",
    "script-src": "'self' 'unsafe-eval'",
    "style-src": "'self' 'unsafe-inline'",
    "img-src": "'self' data: blob:",
    "font-src": "'self' data:",
    "connect-src": "'self'",
    "worker-src": "'self' blob:",
    "frame-src": "'none'",
    "object-src": "'none'",
    "form-action": "'self'",
    "base-uri": "'self'",
    "frame-ancestors": "'none'",
}
CONTENT_SECURITY_POLICY = "; ".join(f"{name} {sources}" for name, sources in _SOURCES.items())


# `same-origin` and not `no-referrer`: nothing goes to other origins either way, and the address of the page
# is what tells a session's own requests from those of another session's page on the same origin
# (`session.http.origin`).
SECURITY_HEADERS: Mapping[str, str] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), clipboard-write=(), display-capture=(), geolocation=(), microphone=()",
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
}
