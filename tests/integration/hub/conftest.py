"""A real hub, a real proxy and a real desk on free ports, with a fresh state folder."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from hub import demo
from hub.actions.context import Context
from hub.passwords import PasswordBook
from hub.registry.migrate import open_registry
from hub.settings import HubSettings
from hub.tour.installation import free_base_port
from onggi.clock import SystemClock
from onggi.events import event_from_json
from tests.support.measured import measured
from web.clients import AuditClient
from web.tokens import token_of

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[2]
START_S = 40.0


@dataclass
class Notary:
    """Keeps events as egress review does, so that these tests do not need that room."""

    events: list[dict[str, Any]] = field(default_factory=list)
    open: bool = True

    def app(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/internal/events", self._take, methods=["POST"]),
                Route("/internal/events/last", self._last),
                Route("/internal/requests", self._requests),
            ]
        )

    def actions(self, subject: str | None = None) -> list[str]:
        return [one["action"] for one in self.events if subject in {None, one["subject"]}]

    async def _take(self, request: Request) -> Response:
        if not self.open:
            return JSONResponse({}, 503)
        event = event_from_json(await request.json())
        self.events.append(event.to_json())
        return JSONResponse({"index": len(self.events) - 1}, 201)

    async def _last(self, request: Request) -> Response:
        source = request.query_params["source"]
        return JSONResponse(
            {"events": [one for one in reversed(self.events) if one["source"] == source][:50]}
        )

    async def _requests(self, _request: Request) -> Response:
        return JSONResponse({"requests": []})


@dataclass
class Site:
    """The running services, and ways to reach them."""

    settings: HubSettings
    notary: Notary
    context: Context
    processes: dict[str, subprocess.Popen[bytes]]
    commands: dict[str, tuple[list[str], dict[str, str]]]
    clients: list[httpx.Client] = field(default_factory=list)

    def url(self, name: str, path: str) -> str:
        return self.settings.origin(name) + path

    def password(self, person: str) -> str:
        return PasswordBook(self.settings.secrets).shown()[person]

    def browser(self, person: str | None = None, language: str = "en") -> httpx.Client:
        """A browser, signed in as `person` if one is given."""
        client = httpx.Client(
            follow_redirects=True,
            trust_env=False,
            timeout=30,
            headers={"Accept": "text/html", "Accept-Language": language},
        )
        self.clients.append(client)
        if person is not None:
            answer = self.sign_in(client, person, self.password(person))
            assert answer.status_code == 200, answer.text
        return client

    def sign_in(self, client: httpx.Client, person: str, password: str) -> httpx.Response:
        """Open the desk and fill in the form that comes."""
        page = client.get(self.url("desk", "/"))
        token = re.search(r'name="_xsrf" value="([^"]+)"', page.text)
        action = re.search(r'<form action="([^"]+)"', page.text)
        assert token is not None, page.text
        assert action is not None, page.text
        target = self.url("hub_public", action[1].replace("&amp;", "&"))
        form = {"username": person, "password": password, "_xsrf": token[1]}
        return client.post(target, data=form, headers={"Origin": self.settings.origin("hub_public")})

    def post(self, client: httpx.Client, page: str, path: str, **fields: str) -> httpx.Response:
        """Send a form of a desk page with its token."""
        found = re.search(r'name="csrf" value="([^"]+)"', client.get(self.url("desk", page)).text)
        assert found is not None
        headers = {"Origin": self.settings.origin("desk"), "Sec-Fetch-Site": "same-origin"}
        return client.post(self.url("desk", path), data={"csrf": found[1], **fields}, headers=headers)

    def api(self, client: httpx.Client, method: str, path: str, body: object | None = None) -> httpx.Response:
        """Call the desk's JSON API as its own page would."""
        headers = {"Origin": self.settings.origin("desk"), "Accept": "application/json"}
        return client.request(
            method, self.url("desk", path), json=body, headers=headers, follow_redirects=False
        )

    def hub_api(self, method: str, path: str, body: object | None = None) -> httpx.Response:
        """Call the hub's REST API with the desk's token."""
        headers = {"Authorization": f"token {token_of(self.settings.secrets, 'desk')}"}
        return httpx.request(
            method, self.settings.hub_api + path, json=body, headers=headers, timeout=30, trust_env=False
        )

    def start(self, name: str) -> None:
        command, environ = self.commands[name]
        log = (self.settings.state / f"{name}.log").open("ab")
        with log:
            self.processes[name] = subprocess.Popen(command, env=environ, cwd=ROOT, stdout=log, stderr=log)

    def kill(self, name: str) -> None:
        self.processes[name].send_signal(signal.SIGKILL)
        self.processes[name].wait()

    def until(self, what: Any, seconds: float = 20.0) -> None:
        wait_for(what, seconds)

    def pause(self, seconds: float) -> None:
        """Let background work have its turns."""
        time.sleep(seconds)

    def wait(self, name: str, path: str) -> None:
        wait_for(lambda: answers(self.url(name, path)), START_S)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code < 500
    except httpx.HTTPError:
        return False


def wait_for(what: Any, seconds: float = 20.0) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if what():
            return
        time.sleep(0.1)
    raise TimeoutError


def proxy_command() -> str:
    found = Path(sys.prefix).parent / "node" / "node_modules/.bin/configurable-http-proxy"
    if os.access(found, os.X_OK):
        return str(found)
    pytest.skip("configurable-http-proxy is not installed (make env)")


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    state = tmp_path_factory.mktemp("state")
    settings = HubSettings(state=state, base_port=free_base_port(), reconcile_seconds=1)
    (state / "hub").mkdir()
    notary = Notary()
    port = settings.base_port + 2
    server = uvicorn.Server(uvicorn.Config(notary.app(), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_for(lambda: server.started)
    audit = AuditClient(settings.origin("review"), token_of(settings.secrets, "desk"))
    registry = open_registry(settings.database)
    context = Context(registry, audit, SystemClock(), "desk")
    demo.seed(context, [])
    PasswordBook(settings.secrets).ensure(demo.PEOPLE)
    made = Site(settings, notary, context, {}, _commands(settings))
    for name in ("proxy", "desk", "hub"):
        made.start(name)
    try:
        made.wait("desk", "/healthz")
        made.wait("hub_public", "/hub/login")
        yield made
    finally:
        for client in made.clients:
            client.close()
        for name in ("hub", "desk", "proxy"):
            made.processes[name].terminate()
            made.processes[name].wait(timeout=20)
        server.should_exit = True
        thread.join(timeout=10)
        audit.close()
        registry.close()


def _commands(settings: HubSettings) -> dict[str, tuple[list[str], dict[str, str]]]:
    environ = {
        "PATH": os.environ["PATH"],
        "HOME": str(settings.state),
        "PYTHONPATH": str(ROOT),
        "PYTHONDONTWRITEBYTECODE": "1",
        "ONGGI_STATE": str(settings.state),
        "ONGGI_BASE_PORT": str(settings.base_port),
        "ONGGI_RECONCILE_SECONDS": str(settings.reconcile_seconds),
        **measured(),
    }
    proxy = [
        proxy_command(),
        "--ip=127.0.0.1",
        f"--port={settings.base_port}",
        "--api-ip=127.0.0.1",
        f"--api-port={settings.base_port + 5}",
        f"--default-target={settings.origin('hub')}",
    ]
    token = token_of(settings.secrets, "proxy")
    return {
        "proxy": (proxy, environ | {"CONFIGPROXY_AUTH_TOKEN": token}),
        "desk": ([sys.executable, "-m", "hub.desk"], environ),
        "hub": ([sys.executable, "-m", "jupyterhub", "-f", str(HERE / "hub_config.py")], environ),
    }
