"""A session API on a real UNIX socket, for tests of what stands on the compute's side."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

Answer = tuple[int, bytes]


@dataclass
class Door:
    """What the server answers, by method and path, and what it was asked."""

    socket: Path
    answers: dict[tuple[str, str], Answer | Callable[[Any], Answer]] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)

    def on(self, method: str, path: str, body: object, status: int = 200) -> None:
        self.answers[method, path] = (status, json.dumps(body, ensure_ascii=False).encode())

    def on_bytes(self, method: str, path: str, raw: bytes, status: int = 200) -> None:
        self.answers[method, path] = (status, raw)

    def answer(self, method: str, path: str, body: Any) -> Answer:
        self.asked.append((method, path, body))
        found = self.answers.get((method, path), (404, b'{"error":{"reason":"not_found","params":{}}}'))
        return found(body) if callable(found) else found


class _Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True
    door: Door


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def address_string(self) -> str:
        return "unix"

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - its name in the standard library
        """Say nothing."""

    def _serve(self) -> None:
        raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, body = self.server.door.answer(self.command, self.path, json.loads(raw) if raw else None)
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    do_GET = do_POST = _serve  # noqa: N815 - their names in the standard library


@contextmanager
def session_door(folder: Path, datasets: list[dict[str, Any]] | None = None) -> Iterator[Door]:
    """An open door with a session in English and these data sets."""
    door = Door(folder / "session.sock")
    door.on("GET", "/v1/session", {"session_id": "s-0", "member": "researcher1", "language": "en"})
    door.on("GET", "/v1/datasets", {"datasets": datasets or []})
    with _Server(str(door.socket), _Handler) as server:
        server.door = door
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield door
        finally:
            server.shutdown()
            thread.join()
