"""A kernel of a session, spoken to over the websocket that JupyterLab uses."""

from __future__ import annotations

import json
import time
import uuid
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

import httpx2 as httpx
import websocket

from hub.tour.visitor import Visitor


@dataclass(frozen=True, slots=True)
class Shown:
    """What a cell showed (printed and displayed text), its error name, and seconds until the reply."""

    text: str
    error: str | None
    seconds: float


class Kernel:
    """A running kernel of a person's server (default JSON websocket protocol).

    Args:
        visitor: a signed-in person who has opened the server's pages.
        server: the server's name; a project's slug, or empty for a plain JupyterHub's default server.
        timeout_s: of each wait for a message.
    """

    def __init__(self, visitor: Visitor, server: str, timeout_s: float = 60) -> None:
        self._visitor = visitor
        self._base = f"{visitor.hub}/user/{visitor.name}/" + (f"{server}/" if server else "")
        self._timeout_s = timeout_s
        self._session = uuid.uuid4().hex
        model = self._post("api/kernels", {"name": "python3"}).json()
        self.id: str = model["id"]
        self._socket = self._connect()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection; the kernel goes on."""
        self._socket.close()
        # `close` leaves a connection alone that the other side broke
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # the library's, not annotated

    def reconnect(self) -> None:
        """Connect to the same kernel again, as a browser does when a connection has ended.

        Raises:
            websocket.WebSocketException, OSError: if it is not there.
        """
        self.close()
        self._socket = self._connect()

    def end_others(self) -> None:
        """Shut down every other kernel of the server, as a person does with what an accident left behind.

        Raises:
            httpx.HTTPError: if the server does not list them.
        """
        listed = self._visitor.web.get(f"{self._base}api/kernels", headers=self._headers("api/kernels"))
        listed.raise_for_status()
        for one in listed.json():
            if one["id"] != self.id:
                path = f"api/kernels/{one['id']}"
                self._visitor.web.delete(self._base + path, headers=self._headers(path))

    def run(self, code: str) -> Shown:
        """Run a cell and collect what comes back until its reply and idle have come.

        Raises:
            websocket.WebSocketException: if the connection ends.
        """
        began, message_id = time.monotonic(), uuid.uuid4().hex
        self._socket.send(json.dumps(self._request(message_id, code)))
        text: list[str] = []
        error: str | None = None
        waiting = {"execute_reply", "idle"}
        while waiting:
            message = self._receive()
            if message["parent_header"].get("msg_id") != message_id:
                continue
            kind, content = message["header"]["msg_type"], message["content"]
            if kind == "execute_reply":
                waiting.discard(kind)
            elif kind == "status" and content.get("execution_state") == "idle":
                waiting.discard("idle")
            elif kind == "error":
                error = content["ename"]
                text.append(str(content["evalue"]))
            else:
                text.append(_text_of(kind, content))
        return Shown("".join(text), error, time.monotonic() - began)

    def _receive(self) -> dict[str, Any]:
        text = self._socket.recv()
        if not text:
            raise websocket.WebSocketConnectionClosedException("the session closed the connection")
        message: dict[str, Any] = json.loads(text)
        return message

    def _request(self, message_id: str, code: str) -> dict[str, Any]:
        return {
            "channel": "shell",
            "header": {
                "msg_id": message_id,
                "username": self._visitor.name,
                "session": self._session,
                "msg_type": "execute_request",
                "version": "5.3",
                "date": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
            },
            "parent_header": {},
            "metadata": {},
            "content": {
                "code": code,
                "silent": False,
                "store_history": True,
                "user_expressions": {},
                "allow_stdin": False,
                "stop_on_error": True,
            },
        }

    def _post(self, path: str, body: dict[str, Any]) -> httpx.Response:
        answer = self._visitor.web.post(self._base + path, json=body, headers=self._headers(path))
        answer.raise_for_status()
        return answer

    def _headers(self, path: str) -> dict[str, str]:
        token = self._visitor.cookie("_xsrf", httpx.URL(self._base + path).path) or ""
        return {"X-XSRFToken": token, "Origin": self._visitor.hub, "Referer": self._base + "lab"}

    def _connect(self) -> websocket.WebSocket:
        url = f"{self._base}api/kernels/{self.id}/channels?session_id={self._session}"
        return websocket.create_connection(
            url.replace("http", "ws", 1),
            timeout=self._timeout_s,
            origin=self._visitor.hub,
            cookie=self._visitor.cookies_for(url),
        )


def _text_of(kind: str, content: dict[str, Any]) -> str:
    if kind == "stream":
        return str(content["text"])
    if kind in {"execute_result", "display_data"}:
        return str(content["data"].get("text/plain", ""))
    return ""
