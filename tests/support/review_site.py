"""The review site for tests: the real app over a room, and browsers that are signed in."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path

import itsdangerous
from starlette.applications import Starlette
from starlette.testclient import TestClient

from egress_review.app import Parts, create_app
from egress_review.check_runner import CheckRunner
from egress_review.checks.policy import CheckPolicy
from egress_review.room import Room
from egress_review.settings import ReviewSettings
from tests.support import review
from web.tokens import token_of

HTML = {"Accept": "text/html", "Accept-Language": "en"}


class Site:
    """One app and its ways in."""

    def __init__(self, folder: Path, room: Room) -> None:
        self.settings = ReviewSettings(state=folder, base_port=8000)
        self.room = room
        self.origin = self.settings.origin("review")
        self.tokens = {name: token_of(self.settings.secrets, name) for name in ("hub", "desk", "review", "broker")}
        runner = CheckRunner(room, review.report_of, CheckPolicy())
        self.app: Starlette = create_app(Parts(self.settings, room, runner, self.tokens, "public key"), checks=False)

    def browser(self, person: str | None = None, language: str = "en") -> TestClient:
        """A browser, signed in as `person`."""
        client = TestClient(self.app, self.origin, follow_redirects=False, headers={**HTML, "Accept-Language": language})
        if person:
            data = b64encode(json.dumps({"person": person, "csrf": "token-of-the-test"}).encode())
            signer = itsdangerous.TimestampSigner(token_of(self.settings.secrets, "review-cookie"))
            client.cookies.set("onggi-review", signer.sign(data).decode())
        return client

    def caller(self, token: str | None) -> TestClient:
        """A service or a session server."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return TestClient(self.app, self.origin, headers=headers)


def post(browser: TestClient, path: str, fields: Mapping[str, str]):  # type: ignore[no-untyped-def]  # noqa: ANN201
    """Send a form as a browser on our own page does."""
    origin = str(browser.base_url).rstrip("/")
    data = {"csrf": "token-of-the-test", **fields}
    return browser.post(path, data=data, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})


def text_of(html: str) -> str:
    """What a person reads of a page, roughly."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))
