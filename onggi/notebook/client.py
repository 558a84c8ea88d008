"""HTTP over the session API's UNIX socket: the compute's only door.

No credentials: the socket says which session this is, and nothing sent through it can say otherwise.
"""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any

from onggi.errors import Unavailable, from_json
from onggi.notebook.settings import settings
from onggi.reasons import Reason

MAX_ANSWER_BYTES = 16 * 1024**2
TIMEOUT_SECONDS = 600
"""Long, since `submit` answers only when every file is copied."""


class _UnixConnection(http.client.HTTPConnection):
    """An HTTP connection to a UNIX socket."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def call(method: str, path: str, body: object = None) -> dict[str, Any]:
    """Ask the session API.

    Args:
        method: `GET` or `POST`.
        path: such as `/v1/datasets`.
        body: sent as JSON if it is not None.

    Raises:
        OnggiError: what the API answered, or `Unavailable` if it did not.
    """
    headers = {"Accept": "application/json"}
    content = None
    if body is not None:
        content = json.dumps(body, ensure_ascii=False).encode("utf-8")
        headers["Content-Type"] = "application/json"
    connection = _UnixConnection(settings().socket, TIMEOUT_SECONDS)
    try:
        connection.request(method, path, content, headers)
        answer = connection.getresponse()
        raw = answer.read(MAX_ANSWER_BYTES + 1)
    except (OSError, http.client.HTTPException):
        raise Unavailable(Reason.SERVICE_UNREACHABLE, service="session") from None
    finally:
        connection.close()
    return _understood(answer.status, raw)


def _understood(status: int, raw: bytes) -> dict[str, Any]:
    try:
        body = json.loads(raw) if len(raw) <= MAX_ANSWER_BYTES else None
    except ValueError:
        body = None
    if status >= http.client.BAD_REQUEST:
        raise from_json(status, body)
    if not isinstance(body, dict):
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=status)
    return body
