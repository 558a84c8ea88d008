"""Pages of a trusted service: one site value, one `render`, one way to answer an error.

A site is one service with pages of its own on an origin of its own. `create_site` composes the
Starlette app with all guards, so that no service can forget one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.sessions import SessionMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from onggi import words
from onggi.errors import NotFound, OnggiError
from onggi.reasons import Reason
from web import formats
from web.forms import csrf_input
from web.guards import SameOriginOnly, SecurityHeaders
from web.language import language_of, switch_language
from web.signin import HubSignIn, SignInNeeded, current_person, sign_in_routes, to_sign_in

_HERE = Path(__file__).parent
SESSION_HOURS = 8
_TOLD = "told"


@dataclass(frozen=True, slots=True)
class NavigationItem:
    """An entry of the top bar: a catalogue key and where it leads."""

    key: str
    href: str


@dataclass(frozen=True, slots=True)
class Site:
    """One service's pages.

    Attributes:
        name: `desk` or `review`; also names its cookie.
        origin: its public origin, e.g. `http://127.0.0.1:8001`.
        sign_in: how people sign in through the hub.
        templates: folder of its own templates; they extend `base.html` of the kit.
        cookie_secret: signs its cookie.
        links: origins of the sibling sites by name (`hub`, `desk`, `review`).
        navigation: given the request, the entries of the top bar.
        warning: a catalogue key shown on every page (`web.unsafe_no_sandbox`), or None.
    """

    name: str
    origin: str
    sign_in: HubSignIn
    templates: Path
    cookie_secret: str
    links: dict[str, str]
    navigation: Callable[[Request], Sequence[NavigationItem]] = field(default=lambda _request: ())
    warning: str | None = None


def create_site(site: Site, routes: Sequence[BaseRoute], **app_options: Any) -> Starlette:
    """The Starlette app of a site: its routes, sign-in, static files, and every guard."""
    own = [
        Route("/healthz", _healthz),
        Route("/language/{language}", switch_language),
        Mount("/static", StaticFiles(directory=_HERE / "static"), name="static"),
        *sign_in_routes(site.sign_in),
    ]
    secure = site.origin.startswith("https://")
    app = Starlette(
        routes=[*own, *routes],
        middleware=[
            Middleware(SecurityHeaders, form_targets=tuple(site.links.values())),
            Middleware(SameOriginOnly, origin=site.origin),
            Middleware(
                SessionMiddleware,
                secret_key=site.cookie_secret,
                session_cookie=f"onggi-{site.name}",
                max_age=SESSION_HOURS * 3600,
                same_site="strict",
                https_only=secure,
            ),
        ],
        exception_handlers={OnggiError: _show_error, 404: _show_not_found},
        **app_options,
    )
    app.state.site = site
    app.state.pages = _environment(site.templates)
    return app


def render(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """A page in the reader's language. Templates get `t`, `reason`, `date`, `moment`, `number`,
    `size`, `csrf_input`.
    """
    site: Site = request.app.state.site
    language = language_of(request)
    page = request.app.state.pages.get_template(template).render(
        lang=language,
        languages=words.LANGUAGES,
        person=current_person(request),
        site=site,
        path=request.url.path,
        navigation=site.navigation(request),
        just_done=_just_done(request, language),
        csrf_input=lambda: csrf_input(request),
        **_helpers(language),
        **context,
    )
    return HTMLResponse(page, status, headers={"Content-Language": language})


def tell_next(request: Request, key: str, params: Mapping[str, str]) -> None:
    """Have the page that this browser opens next say that something was done; kept in the signed cookie."""
    request.session[_TOLD] = [key, dict(params)]


def _just_done(request: Request, language: str) -> str:
    """What was to be said, once."""
    key, params = request.session.pop(_TOLD, ("", {}))
    return words.say(language, key, **params) if key else ""


def say_reason(language: str, reason: str, params: Mapping[str, str] | None = None) -> str:
    """The sentence of a reason code, with its moment as pages write it."""
    said = dict(params or {})
    if "when" in said:
        said["when"] = formats.local_moment(language, said["when"])
    return words.explain(language, reason, said)


def _helpers(language: str) -> dict[str, Any]:
    return {
        "t": lambda key, **params: words.say(language, key, **params),
        "reason": lambda code, params=None: say_reason(language, code, params),
        "date": lambda moment: formats.local_date(language, moment),
        "moment": lambda moment: formats.local_moment(language, moment),
        "zone": formats.zone_name,
        "number": lambda value: formats.local_number(language, value),
        "size": lambda value: formats.local_size(language, value),
    }


def _environment(templates: Path) -> Environment:
    return Environment(
        loader=FileSystemLoader([templates, _HERE / "templates"]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


async def _healthz(_request: Request) -> Response:
    return JSONResponse({"ok": True})


async def _show_error(request: Request, error: Exception) -> Response:
    if not isinstance(error, OnggiError):
        raise error
    if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(
        ("/api", "/internal")
    ):
        if isinstance(error, SignInNeeded):
            return to_sign_in(request)
        return render(request, "error.html", error.status, error=error)
    return JSONResponse(error.to_json(), error.status)


async def _show_not_found(request: Request, _error: Exception) -> Response:
    return await _show_error(request, NotFound(Reason.NOT_FOUND))
