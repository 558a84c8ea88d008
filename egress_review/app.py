"""Egress review as one Starlette app: a value, so that tests start as many as they like."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from starlette.applications import Starlette

from egress_review.actions.proposing import Proposals
from egress_review.actions.protecting import Protector
from egress_review.api.protecting import protect_routes
from egress_review.api.routes import api_routes
from egress_review.background import Background
from egress_review.meter.api import meter_routes
from egress_review.meter.room import MeterRoom
from egress_review.pages.access import navigation
from egress_review.pages.auditing import AuditDesk
from egress_review.pages.pictures import Pictures
from egress_review.pages.routes import page_routes
from egress_review.pages.visible import (
    evidence_text,
    finding_text,
    remedy_text,
    visible,
    visible_line,
    visible_text,
)
from egress_review.room import Room
from egress_review.settings import ReviewSettings
from web.kit import Site, create_site
from web.signin import sign_in_of
from web.tokens import token_of

_TEMPLATES = Path(__file__).parent / "pages" / "templates"


@dataclass(frozen=True, slots=True)
class Parts:
    """The working parts of egress review; `egress_review.wiring` makes them from settings.

    Attributes:
        tokens: service name → token of those who may call.
        audit: the log as auditors read it, and the hand that signs its checkpoints.
        meter: what sessions may show, and have shown.
        protector: protects tables for sessions.
        pictures: draws figures anew for reviewers.
    """

    settings: ReviewSettings
    room: Room
    background: Background
    tokens: Mapping[str, str]
    audit: AuditDesk
    meter: MeterRoom
    protector: Protector
    pictures: Pictures


def create_app(parts: Parts, *, background: bool = True) -> Starlette:
    """The app.

    Args:
        background: run checks, interrupted releases and checkpoints while the app runs.
    """

    @contextlib.asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        if background:
            parts.background.start()
        yield
        if background:
            parts.background.stop()

    routes = [
        *api_routes(parts.room, parts.tokens, parts.background.wake),
        *protect_routes(parts.protector, parts.room.people),
        *meter_routes(parts.meter, parts.room.people, parts.tokens),
        *page_routes(parts.room, parts.audit, parts.pictures, Proposals(parts.protector.propose)),
    ]
    app = create_site(site_of(parts.settings), routes, lifespan=lifespan)
    app.state.pages.globals.update(
        visible=visible,
        visible_line=visible_line,
        visible_text=visible_text,
        finding_text=finding_text,
        remedy_text=remedy_text,
        evidence_text=evidence_text,
    )
    return app


def site_of(settings: ReviewSettings) -> Site:
    """The pages' site: its own origin, its own cookie."""
    return Site(
        name="review",
        origin=settings.origin("review"),
        sign_in=sign_in_of(settings, "review"),
        templates=_TEMPLATES,
        cookie_secret=token_of(settings.secrets, "review-cookie"),
        links={"hub": settings.origin("hub_public"), "desk": settings.origin("desk")},
        navigation=navigation,
        warning="web.unsafe_no_sandbox" if settings.unsafe_no_sandbox else None,
    )
