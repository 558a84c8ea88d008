"""The desk as one Starlette app: a value, so that tests start as many as they like."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette

from hub.desk import admin, api, display, display_api, internal, pages
from hub.desk.access import Parts
from hub.desk.limits import report_of
from hub.hub_api import HubClient
from hub.reconciler import Reconciler
from hub.settings import HubSettings
from hub.wiring import context_of
from web.clients import ReviewClient
from web.kit import Site, create_site
from web.signin import sign_in_of
from web.tokens import SERVICES, token_of

_TEMPLATES = Path(__file__).parent / "templates"


def parts_of(settings: HubSettings) -> Parts:
    """The desk's working parts from its settings.

    Raises:
        Unavailable: if the registry cannot be opened.
    """
    token = token_of(settings.secrets, "desk")
    return Parts(
        settings,
        context_of(settings, "desk"),
        HubClient(settings.hub_api, token),
        ReviewClient(settings.origin("review"), token),
        {name: token_of(settings.secrets, name) for name in SERVICES},
        report_of(settings.broker_socket, token),
    )


def create_desk(parts: Parts, *, reconcile: bool = True) -> Starlette:
    """The app.

    Args:
        reconcile: compare running sessions with the registry while the app runs.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if not reconcile:
            yield
            return
        async with Reconciler(parts.context, parts.hub, parts.settings.reconcile_seconds).running():
            yield

    routes = [
        *internal.routes(),
        *api.routes(),
        *display_api.routes(),
        *pages.routes(),
        *admin.routes(),
        *display.routes(),
    ]
    app = create_site(_site(parts), routes, lifespan=lifespan)
    app.state.parts = parts
    return app


def _site(parts: Parts) -> Site:
    settings = parts.settings
    return Site(
        name="desk",
        origin=settings.origin("desk"),
        sign_in=sign_in_of(settings, "desk"),
        templates=_TEMPLATES,
        cookie_secret=token_of(settings.secrets, "desk-cookie"),
        links={"hub": settings.origin("hub_public"), "review": settings.origin("review")},
        navigation=pages.navigation,
        warning="web.unsafe_no_sandbox" if settings.unsafe_no_sandbox else None,
    )
