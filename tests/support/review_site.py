"""The review site for tests: the real app over a room, and browsers that are signed in."""

from __future__ import annotations

import json
import re
import socket
import threading
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Protocol

import httpx2 as httpx
import itsdangerous
import uvicorn
from starlette.applications import Starlette
from starlette.testclient import TestClient

from egress_review.actions.protecting import Protector
from egress_review.app import Parts, create_app
from egress_review.audit.keys import load_or_create_signer
from egress_review.audit.memory import MemoryAuditLog
from egress_review.audit.notary import Notary
from egress_review.background import Background
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.protect.runner import run_protect
from egress_review.display.redrawing import ImageWorker
from egress_review.meter.folder import ShownFolder
from egress_review.meter.memory import MemoryMeterStore
from egress_review.meter.room import MeterRoom
from egress_review.pages.auditing import AuditDesk
from egress_review.pages.pictures import Pictures
from egress_review.room import Room
from egress_review.settings import ReviewSettings
from tests.support import review
from web.tokens import SERVICES, token_of

Everything = tuple["Site", Room, review.DeskInMemory, review.StillClock]
WORKER = ImageWorker()  # a process; it ends by itself when nobody asks
HTML = {"Accept": "text/html", "Accept-Language": "en"}


class Site:
    """One app and its ways in; over a room, or over the parts that the wiring made."""

    cookie_name = "onggi-review"

    def __init__(
        self, folder: Path, room: Room | None = None, parts: Parts | None = None, base_port: int = 8000
    ) -> None:
        self.settings = parts.settings if parts else ReviewSettings(state=folder, base_port=base_port)
        self.parts = parts or _parts_over(self.settings, room or review.room_of(folder)[0])
        self.room = self.parts.room
        self.tokens = self.parts.tokens
        self.origin = self.settings.origin("review")
        self.app: Starlette = create_app(self.parts, background=False)

    def browser(self, person: str | None = None, language: str = "en") -> TestClient:
        """A browser, signed in as `person`."""
        client = TestClient(
            self.app, self.origin, follow_redirects=False, headers={**HTML, "Accept-Language": language}
        )
        if person:
            client.cookies.set(self.cookie_name, self.cookie(person))
        return client

    def cookie(self, person: str) -> str:
        """What the site's cookie holds for somebody who is signed in."""
        return signed_cookie(token_of(self.settings.secrets, "review-cookie"), person)

    def caller(self, token: str | None) -> TestClient:
        """A service or a session server."""
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return TestClient(self.app, self.origin, headers=headers)


def signed_cookie(secret: str, person: str) -> str:
    """The cookie of a site for somebody who is signed in."""
    data = b64encode(json.dumps({"person": person, "csrf": "token-of-the-test"}).encode())
    return itsdangerous.TimestampSigner(secret).sign(data).decode()


class HasApp(Protocol):
    """What can be served."""

    app: Starlette


@contextmanager
def serving(site: HasApp, port: int = 0) -> Iterator[int]:
    """The app in a real uvicorn on loopback; its port."""
    with socket.create_server(("127.0.0.1", port)) as listener:
        server = uvicorn.Server(uvicorn.Config(site.app, log_level="error", lifespan="off"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            while not server.started:
                time.sleep(0.02)
            yield listener.getsockname()[1]
        finally:
            server.should_exit = True
            thread.join(10)


def post(browser: TestClient, path: str, fields: Mapping[str, str]) -> httpx.Response:
    """Send a form as a browser on our own page does."""
    origin = str(browser.base_url).rstrip("/")
    data = {"csrf": "token-of-the-test", **fields}
    return browser.post(path, data=data, headers={"Origin": origin, "Sec-Fetch-Site": "same-origin"})


def text_of(html: str) -> str:
    """What a person reads of a page, roughly."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", html))


def _parts_over(settings: ReviewSettings, room: Room) -> Parts:
    log = MemoryAuditLog()
    signer = load_or_create_signer(settings.keys / "audit.pem")
    notary = Notary(signer, lambda: nullcontext(log), settings.keys / "last-checkpoint")
    tokens = {name: token_of(settings.secrets, name) for name in SERVICES}
    audit = AuditDesk(notary, lambda: nullcontext(log))
    shown = ShownFolder(settings.shown)
    meter = MeterRoom(MemoryMeterStore(), shown, room.clock, settings.day_zone, "standard")
    protector = Protector(room, run_protect, CheckPolicy())
    pictures = Pictures(room.vault, WORKER)
    return Parts(settings, room, Background(()), tokens, audit, meter, protector, pictures)
