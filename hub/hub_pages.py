"""The hub's own pages in Onggi's look and both languages; those that nobody needs are closed.

Closed: the home page and server list (the desk is the home), tokens, shares, the hub's admin page, spawn
forms.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import pass_context
from jinja2.runtime import Context as TemplateContext
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.handlers.login import LogoutHandler
from jupyterhub.handlers.pages import SpawnPendingHandler
from tornado import web

import web as web_kit
from onggi import words
from onggi.errors import OnggiError
from web.language import COOKIE, local_path

TEMPLATES = Path(__file__).parent / "hub_templates"
_STATIC = Path(__file__).parent / "hub_static"
_KIT_STATIC = Path(web_kit.__file__).parent / "static"
_YEAR_DAYS = 365


def language_of(handler: web.RequestHandler) -> str:
    """The reader's language: the cookie that all of Onggi's sites share, else what the browser asks for."""
    chosen = handler.get_cookie(COOKIE)
    if chosen in words.LANGUAGES:
        return str(chosen)
    return words.choose(handler.request.headers.get("Accept-Language"))


class PageHelp:
    """What the templates call as `onggi.…`. It finds the request through the template's own context."""

    def __init__(self, desk: str, warning: str | None) -> None:
        self.desk = desk
        self.warning = warning
        self.languages = words.LANGUAGES

    @pass_context
    def lang(self, context: TemplateContext) -> str:
        """The reader's language."""
        handler = getattr(context.get("static_url"), "__self__", None)
        return language_of(handler) if isinstance(handler, web.RequestHandler) else words.DEFAULT_LANGUAGE

    @pass_context
    def t(self, context: TemplateContext, key: str, **params: object) -> str:
        """A sentence of the catalogue."""
        return words.say(self.lang(context), key, **params)

    @pass_context
    def path(self, context: TemplateContext) -> str:
        """The page's own address, for coming back to it in another language."""
        handler = getattr(context.get("static_url"), "__self__", None)
        return str(handler.request.uri) if isinstance(handler, web.RequestHandler) else "/"

    @pass_context
    def why(self, context: TemplateContext, exception: object, status: int) -> str:
        """What went wrong: our reason if there is one, else a sentence for the status."""
        error = getattr(exception, "onggi_error", None)
        if isinstance(error, OnggiError):
            return words.explain(self.lang(context), error.reason, error.params)
        known: Mapping[int, str] = {403: "error_403", 404: "error_404", 424: "not_running", 503: "error_503"}
        return self.t(context, f"hub.{known.get(status, 'error_other')}")


class ToDesk(BaseHandler):
    """Pages of the hub whose place is the desk."""

    def initialize(self, desk: str) -> None:
        """Take the desk's origin."""
        self._desk = desk

    def get(self, *_path: str) -> None:
        """Go there."""
        self.redirect(self._desk)


class Closed(BaseHandler):
    """Pages of the hub that do not exist here."""

    def get(self, *_path: str) -> None:
        """There is nothing here."""
        raise web.HTTPError(404)

    post = get


class Language(BaseHandler):
    """Remembers a language and goes back."""

    def get(self, language: str) -> None:
        """Set the cookie that all sites share."""
        if language in words.LANGUAGES:
            self.set_cookie(COOKIE, language, expires_days=_YEAR_DAYS, path="/", samesite="Strict")
        self.redirect(local_path(self.get_argument("next", "/")))


class SignOut(LogoutHandler):
    """Signs out of the hub, then leads to the desk, which forgets the browser too."""

    def initialize(self, signed_out: str) -> None:
        """Take the address of the desk's part."""
        self._signed_out = signed_out

    async def render_logout_page(self) -> None:
        """Go there."""
        self.redirect(self._signed_out)


class SignedOut(BaseHandler):
    """The last stop of signing out: says so, to nobody who is still signed in."""

    def initialize(self, desk: str) -> None:
        """Take the desk's origin, where those go."""
        self._desk = desk

    async def get(self) -> None:
        """The page."""
        if self.current_user is None:
            self.finish(await self.render_template("logout.html"))
        else:
            self.redirect(self._desk)


class Waiting(SpawnPendingHandler):
    """The page that shows a starting session; for its owner alone, and it starts nothing.

    JupyterHub's own wants the right to start servers, which nobody but the desk has here.
    """

    @web.authenticated
    async def get(self, user_name: str, server_name: str = "") -> None:
        """Show progress, the reason why it failed, or lead into the session."""
        if self.current_user is None or user_name != self.current_user.name:
            raise web.HTTPError(404)
        await SpawnPendingHandler.get.__wrapped__.__wrapped__(self, user_name, server_name)


def handlers(desk: str, signed_out: str) -> list[tuple[Any, ...]]:
    """Our handlers; the hub puts them before its own.

    Args:
        desk: the desk's origin.
        signed_out: the desk's address for browsers that the hub has signed out.
    """
    home = {"desk": desk}
    return [
        (r"/language/([a-z]{2})", Language),
        (r"/onggi/(onggi\.(?:css|svg))", web.StaticFileHandler, {"path": str(_KIT_STATIC)}),
        (r"/onggi/(waiting\.js)", web.StaticFileHandler, {"path": str(_STATIC)}),
        (r"/logout", SignOut, {"signed_out": signed_out}),
        (r"/signed-out", SignedOut, home),
        (r"/home", ToDesk, home),
        (r"/spawn(?:/.*)?", ToDesk, home),
        (r"/spawn-pending/([^/]+)/([^/]+)", Waiting),
        (r"/spawn-pending/([^/]+)", Closed),
        (r"/token", Closed),
        (r"/accept-share", Closed),
        (r"/admin", Closed),
    ]
