"""A session server with a real agent and real kernels, and a stand-in for hub, desk and review."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import shutil
import socket
import sys
import urllib.error
import urllib.request
import uuid
from collections.abc import AsyncIterator, Iterator
from itertools import pairwise
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import pytest

from session.kernels import wire

HERE = Path(__file__).resolve().parent


def _load(name: str) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"onggi_session_{name}", HERE / f"{name}.py")
    if spec is None or spec.loader is None:
        raise ImportError(name)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


layout = _load("layout")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Browser:
    """Asks as a program with the person's token would, with the headers of a page of the session."""

    def __init__(self, place: Any) -> None:
        self.place = place
        self.headers = {
            "Authorization": "token person-token",
            "Origin": place.origin,
            "Referer": f"{place.url}lab",
        }

    def ask(
        self, method: str, path: str, body: Any = None, **headers: str
    ) -> tuple[int, Any, dict[str, str]]:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(
            self.place.origin + path, data, self.headers | headers, method=method
        )
        request.full_url = self.place.origin + path
        try:
            answer = urllib.request.urlopen(request, timeout=60)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            raw = answer.read()
            try:
                parsed: Any = json.loads(raw) if raw else None
            except ValueError:
                parsed = raw
            return answer.status, parsed, dict(answer.headers.items())

    def api(self, method: str, path: str, body: Any = None) -> Any:
        status, answer, _ = self.ask(method, self.place.url[len(self.place.origin) :] + path, body)
        if status >= 400:
            raise AssertionError(status, answer)
        return answer

    def control(self, **changes: Any) -> dict[str, Any]:
        url = f"{self.place.stand_in}/control"
        if changes:
            urllib.request.urlopen(
                urllib.request.Request(url, json.dumps(changes).encode()), timeout=5
            ).close()
        with urllib.request.urlopen(url, timeout=5) as answer:
            state: dict[str, Any] = json.load(answer)
        return state


class Kernel:
    """A kernel spoken to over the websocket, in either protocol."""

    def __init__(self, browser: Browser, v1: bool, kernel_id: str = "") -> None:
        self.browser = browser
        self.v1 = v1
        self.id = kernel_id or browser.api("POST", "api/kernels", {})["id"]
        self.messages: list[dict[str, Any]] = []
        self.patience_s = 30.0

    async def __aenter__(self) -> Self:
        from tornado.httpclient import HTTPRequest
        from tornado.websocket import websocket_connect

        url = (
            self.browser.place.url.replace("http", "ws", 1)
            + f"api/kernels/{self.id}/channels?session_id={uuid.uuid4()}"
        )
        request = HTTPRequest(url, headers=self.browser.headers, connect_timeout=60, request_timeout=60)
        self.socket = await websocket_connect(request, subprotocols=[wire.V1] if self.v1 else None)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.socket.close()
        with contextlib.suppress(EOFError, TimeoutError):
            while True:
                await self.read()
        self.browser.ask(
            "DELETE", f"{self.browser.place.url[len(self.browser.place.origin) :]}api/kernels/{self.id}"
        )

    @contextlib.asynccontextmanager
    async def another_page(self) -> AsyncIterator[Self]:
        """A second page on the same kernel, which leaves it running."""
        page = type(self)(self.browser, self.v1, self.id)
        await page.__aenter__()
        # As JupyterLab does: what comes before the answer is not for this page yet.
        asked = await page.send("kernel_info_request", {})
        while (await page.read())["parent_header"].get("msg_id") != asked:
            pass
        try:
            yield page
        finally:
            page.socket.close()
            with contextlib.suppress(EOFError, TimeoutError):
                while True:
                    await page.read()

    async def send(self, kind: str, content: Any, channel: str = "shell", msg_id: str = "") -> str:
        msg_id = msg_id or str(uuid.uuid4())
        header = {
            "msg_id": msg_id,
            "msg_type": kind,
            "session": "s",
            "username": "",
            "date": "",
            "version": "5.3",
        }
        if self.v1:
            frame: Any = wire.write_v1(channel, wire.pack(header), b"{}", b"{}", wire.pack(content))
        else:
            frame = wire.write_default(channel, wire.pack(header), b"{}", b"{}", wire.pack(content))
        await self.socket.write_message(frame, binary=isinstance(frame, bytes))
        return msg_id

    async def read(self) -> dict[str, Any]:
        import asyncio

        frame = await asyncio.wait_for(self.socket.read_message(), self.patience_s)
        if frame is None:
            raise EOFError
        assert isinstance(frame, bytes) is self.v1
        if isinstance(frame, str):
            message: dict[str, Any] = json.loads(frame)
        else:
            count = int.from_bytes(frame[:8], "little")
            offsets = [int.from_bytes(frame[8 * n + 8 : 8 * n + 16], "little") for n in range(count)]
            parts = [frame[a:b] for a, b in pairwise(offsets)]
            names = ("header", "parent_header", "metadata", "content")
            message = {"channel": parts[0].decode()} | {
                n: json.loads(p) for n, p in zip(names, parts[1:], strict=False)
            }
        self.messages.append(message)
        return message

    async def run(self, code: str) -> list[tuple[str, Any]]:
        msg_id = await self.send("execute_request", {"code": code})
        found, missing = [], {"idle", "reply"}
        while missing:
            message = await self.read()
            if message["parent_header"].get("msg_id") != msg_id:
                continue
            found.append((message["header"]["msg_type"], message["content"]))
            missing -= (
                {"reply"} if found[-1][0] == "execute_reply" else {found[-1][1].get("execution_state", "")}
            )
        return found


def text_of(found: list[tuple[str, Any]]) -> str:
    parts = []
    for kind, content in found:
        parts.append(
            content.get("text", "") if kind == "stream" else content.get("data", {}).get("text/plain", "")
        )
    return "".join(parts)


@contextlib.contextmanager
def started(**control: Any) -> Iterator[Any]:
    if not layout.COMPUTE_PYTHON.exists():
        pytest.skip("no compute environment")
    root = Path(f"/tmp/onggi-{uuid.uuid4().hex[:8]}")  # short: sockets' paths are bounded
    root.mkdir(mode=0o700)
    with layout.running(layout.Layout(root, free_port(), free_port()), control) as running:
        yield running
    shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def place() -> Iterator[Any]:
    with started() as running:
        yield running


@pytest.fixture
def place_with() -> Any:
    """A place of the test's own, with changes to the stand-in that hold before the server starts."""
    return started


@pytest.fixture
def browser_of() -> Any:
    return Browser


@pytest.fixture
def kernel_of() -> Any:
    return Kernel


@pytest.fixture
def browser(place: Any) -> Browser:
    return Browser(place)


@pytest.fixture(params=[True, False], ids=["v1", "default"])
def new_kernel(request: pytest.FixtureRequest, browser: Browser) -> Any:
    return lambda: Kernel(browser, request.param)


@pytest.fixture
def said() -> Any:
    return text_of
