"""The hub's side of the broker's API."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx2 as httpx

from onggi.errors import NotFound, Unavailable
from onggi.plan import SessionPlan
from onggi.reasons import Reason
from web.clients import read_answer

TIMEOUT_S = 20.0
"""Ending a session takes up to six seconds."""


class BrokerClient:
    """Asks the broker; every answer is a value or an `OnggiError`.

    Args:
        socket: the broker's socket.
        token: the hub's service token.
    """

    def __init__(self, socket: Path, token: str) -> None:
        self._socket = socket
        self._headers = {"Authorization": f"Bearer {token}"}

    async def start(self, plan: SessionPlan, env: Mapping[str, str], port: int) -> dict[str, Any]:
        """Start a session; its wire form.

        Raises:
            OnggiError: the broker's refusal, or `Unavailable` if it does not answer.
        """
        body = {"plan": plan.to_json(), "server": {"env": dict(env), "port": port}}
        return await self._call("PUT", f"/sessions/{plan.session_id}", body)

    async def session(self, session_id: str) -> dict[str, Any] | None:
        """A session's wire form, or None if the broker knows of none.

        Raises:
            Unavailable: if the broker does not answer.
        """
        try:
            return await self._call("GET", f"/sessions/{session_id}")
        except NotFound:
            return None

    async def stop(self, session_id: str) -> None:
        """End a session; returns when nothing of it is left. One that is not known has ended.

        Raises:
            Unavailable: if the broker does not answer.
        """
        try:
            await self._call("DELETE", f"/sessions/{session_id}")
        except NotFound:
            return

    async def sessions(self) -> list[dict[str, Any]]:
        """All sessions that run or ended lately.

        Raises:
            Unavailable: if the broker does not answer.
        """
        return list((await self._call("GET", "/sessions")).get("sessions", ()))

    async def sandbox(self) -> dict[str, Any]:
        """`working` and `findings` of this machine's sandbox.

        Raises:
            Unavailable: if the broker does not answer.
        """
        return await self._call("GET", "/sandbox")

    async def _call(self, method: str, path: str, body: object | None = None) -> dict[str, Any]:
        transport = httpx.AsyncHTTPTransport(uds=str(self._socket))
        async with httpx.AsyncClient(
            transport=transport, base_url="http://broker", headers=self._headers, timeout=TIMEOUT_S
        ) as client:
            try:
                answer = await client.request(method, path, json=body)
            except httpx.HTTPError:
                raise Unavailable(Reason.SERVICE_UNREACHABLE, service="broker") from None
        return read_answer(answer)
