"""Speaking to the desk and to egress review with the session's key.

Tornado's own client: it is in this process already, runs on its event loop and streams request bodies.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPError, HTTPRequest, HTTPResponse

from onggi.errors import Unavailable, from_json
from onggi.reasons import Reason

_NO_ANSWER = 599  # tornado's status for a connection that failed
_MAX_ANSWER_BYTES = 8 * 1024 * 1024
BodyProducer = Callable[[Callable[[bytes], Awaitable[None]]], Awaitable[None]]


class Service:
    """One service under its base address.

    Args:
        name: for the message when it does not answer.
        session_key: bearer secret; never logged.
    """

    def __init__(self, name: str, base_url: str, session_key: str) -> None:
        self.name = name
        self._base_url = base_url
        self._headers = {"Authorization": f"Bearer {session_key}", "Accept": "application/json"}
        self._client = AsyncHTTPClient(force_instance=True, max_body_size=_MAX_ANSWER_BYTES)

    async def get(self, path: str) -> dict[str, Any]:
        """The JSON object at `path`.

        Raises:
            OnggiError: what the service says; Unavailable if it says nothing that can be read.
        """
        return await self._ask(HTTPRequest(self._base_url + path, headers=self._headers))

    async def post(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        """Post a JSON object.

        Raises:
            OnggiError: as `get`.
        """
        return await self.post_bytes(path, json.dumps(body, ensure_ascii=False).encode("utf-8"))

    async def post_bytes(self, path: str, raw: bytes) -> dict[str, Any]:
        """Post JSON that was made elsewhere.

        Raises:
            OnggiError: as `get`.
        """
        headers = self._headers | {"Content-Type": "application/json"}
        return await self._ask(HTTPRequest(self._base_url + path, method="POST", headers=headers, body=raw))

    async def post_slow(self, path: str, body: Mapping[str, Any], seconds: float) -> dict[str, Any]:
        """Post a JSON object to what takes its time.

        Raises:
            OnggiError: as `get`.
        """
        headers = self._headers | {"Content-Type": "application/json"}
        raw = json.dumps(body).encode()
        return await self._ask(
            HTTPRequest(
                self._base_url + path, method="POST", headers=headers, body=raw, request_timeout=seconds
            )
        )

    async def put_stream(
        self, path: str, size: int, producer: BodyProducer, seconds: float
    ) -> dict[str, Any]:
        """Put `size` bytes that `producer` writes.

        Raises:
            OnggiError: as `get`.
        """
        headers = self._headers | {"Content-Length": str(size), "Content-Type": "application/octet-stream"}
        return await self._ask(
            HTTPRequest(
                self._base_url + path,
                method="PUT",
                headers=headers,
                body_producer=producer,  # type: ignore[arg-type]  # tornado's annotation predates coroutines
                request_timeout=seconds,
            )
        )

    def close(self) -> None:
        """Give the connections back."""
        self._client.close()

    async def _ask(self, request: HTTPRequest) -> dict[str, Any]:
        request.follow_redirects = False
        try:
            answer = await self._client.fetch(request, raise_error=False)
        except (HTTPError, OSError, ValueError):
            raise Unavailable(Reason.SERVICE_UNREACHABLE, service=self.name) from None
        return self._read(answer)

    def _read(self, answer: HTTPResponse) -> dict[str, Any]:
        if answer.code == _NO_ANSWER:
            raise Unavailable(Reason.SERVICE_UNREACHABLE, service=self.name)
        try:
            body = json.loads(answer.body or b"{}")
        except ValueError:
            body = None
        if answer.code >= HTTPStatus.BAD_REQUEST:
            raise from_json(answer.code, body)
        if not isinstance(body, dict):
            raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=answer.code)
        return body
