"""The desk for tests of its pages: the real app over a small institute, and the real egress review behind."""

from __future__ import annotations

from pathlib import Path

import httpx2 as httpx

from hub.desk.access import Parts
from hub.desk.app import create_desk
from hub.desk.limits import LimitReport
from hub.hub_api import HubClient
from hub.settings import HubSettings
from tests.support.hub_world import World, make_world
from tests.support.review_site import Site, signed_cookie
from web.clients import ReviewClient
from web.tokens import SERVICES, token_of


class DeskSite:
    """One app, what it knows (`world`), and the egress review that it asks (`review`)."""

    cookie_name = "onggi-desk"

    def __init__(self, state: Path, base_port: int, world: World | None = None) -> None:
        self.world = world or make_world()
        self.settings = HubSettings(state=state, base_port=base_port)
        self.review = Site(state, base_port=base_port)
        self.origin = self.settings.origin("desk")
        asked = self.review.caller(self.review.tokens["desk"])

        def pass_on(request: httpx.Request) -> httpx.Response:
            answer = asked.request(
                request.method,
                request.url.path,
                params=dict(request.url.params),
                content=request.content,
                headers={"Content-Type": "application/json"},
            )
            return httpx.Response(answer.status_code, content=answer.content)

        parts = Parts(
            self.settings,
            self.world.context,
            HubClient(self.settings.hub_api, "t", httpx.MockTransport(lambda _: httpx.Response(201))),
            ReviewClient(self.review.origin, "t", httpx.MockTransport(pass_on)),
            {name: token_of(self.settings.secrets, name) for name in SERVICES},
            LimitReport(lambda: {"findings": ["disk_watched"]}),
        )
        self.app = create_desk(parts, reconcile=False)

    def cookie(self, person: str) -> str:
        """What the site's cookie holds for somebody who is signed in."""
        return signed_cookie(token_of(self.settings.secrets, "desk-cookie"), person)
