"""The reference page of the allow-list, made from the allow-list; `make docs` writes it."""

from __future__ import annotations

from session.http.headers import SECURITY_HEADERS
from session.http.origin import Kind
from session.http.routes import AllowList

_KINDS = {
    Kind(page=True): "page",
    Kind(static=True): "static file",
    Kind(websocket=True): "websocket",
    Kind(): "API",
}

_INTRODUCTION = (
    "Made from `session/http/routes.py` by `make docs`; do not edit. Every request to a session that is",
    "not named here is refused with the reason `route_closed`. Paths are regular expressions for what",
    "follows `/user/<name>/<project>/`; the handler is the one that must answer, or the request is refused.",
)


def render() -> str:
    """The page in Markdown."""
    rows = [
        f"| {' '.join(sorted(rule.methods))} | `{_cell(rule.path) or '(empty)'}` | {_KINDS[rule.kind]} "
        f"| {rule.purpose} | `{rule.handler}` |"
        for rule in AllowList().rules
    ]
    headers = [f"| `{name}` | `{value}` |" for name, value in SECURITY_HEADERS.items()]
    return "\n".join(
        (
            "# Routes of a session",
            "",
            *_INTRODUCTION,
            "",
            "| methods | path | kind | purpose | handler |",
            "|---|---|---|---|---|",
            *rows,
            "",
            "Headers of every answer:",
            "",
            "| header | value |",
            "|---|---|",
            *headers,
            "",
        )
    )


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
