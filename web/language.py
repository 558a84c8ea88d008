"""The reader's language: a cookie that all of Onggi's sites share, else what the browser asks for."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from onggi import words

COOKIE = "onggi_language"
_YEAR_S = 365 * 24 * 3600


def language_of(request: Request) -> str:
    """`ko` or `en`."""
    chosen = request.cookies.get(COOKIE)
    if chosen in words.LANGUAGES:
        return chosen
    return words.choose(request.headers.get("accept-language"))


async def switch_language(request: Request) -> Response:
    """Remember a language and go back to the page it was chosen on."""
    response = RedirectResponse(local_path(request.query_params.get("next")), 303)
    chosen = request.path_params["language"]
    if chosen in words.LANGUAGES:
        response.set_cookie(COOKIE, chosen, max_age=_YEAR_S, samesite="strict", path="/")
    return response


def local_path(target: str | None) -> str:
    """`target` if it is a path on this very origin, else `/`."""
    if not target or not target.startswith("/") or target.startswith(("//", "/\\")) or "\\" in target:
        return "/"
    return target if target.isprintable() else "/"
