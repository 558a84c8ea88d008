"""How the trusted services speak to one another: JSON over HTTP with a bearer token.

A client turns every answer into a value or an `OnggiError`; what cannot be reached or read is `Unavailable`,
so callers fail closed without thinking of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx2 as httpx

from onggi.errors import OnggiError, Unavailable, from_json
from onggi.events import Event
from onggi.reasons import Reason

TIMEOUT_S = 10.0


class ServiceClient:
    """A bearer-authenticated JSON client of one service.

    Args:
        service: its name, for messages (`desk`, `review`).
        base_url: such as `http://127.0.0.1:8002`.
        token: the caller's service token or session key.
    """

    def __init__(
        self, service: str, base_url: str, token: str, transport: httpx.BaseTransport | None = None
    ) -> None:
        self._service = service
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=TIMEOUT_S,
            transport=transport,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def call(self, method: str, path: str, body: object | None = None, **query: str) -> dict[str, Any]:
        """One request; the JSON object that came back.

        Raises:
            Unavailable: if the service cannot be reached or its answer cannot be read.
            OnggiError: the error that the service answered with.
        """
        try:
            answer = self._client.request(method, path, json=body, params=query)
        except httpx.HTTPError:
            raise self._unreachable() from None
        return read_answer(answer)

    def _unreachable(self) -> OnggiError:
        return Unavailable(Reason.SERVICE_UNREACHABLE, service=self._service)


def read_answer(answer: httpx.Response) -> dict[str, Any]:
    """The JSON object of a successful answer.

    Raises:
        OnggiError: the error that it carries, or `Unavailable` if it cannot be read.
    """
    try:
        body = answer.json() if answer.content else {}
    except ValueError:
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=answer.status_code) from None
    if not answer.is_success:
        raise from_json(answer.status_code, body)
    if not isinstance(body, Mapping):
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=answer.status_code)
    return dict(body)


class AuditClient(ServiceClient):
    """Writes events into the audit log that egress review keeps."""

    def __init__(self, base_url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__("review", base_url, token, transport)

    def append(self, event: Event) -> int:
        """Make `event` durable in the log; its leaf index.

        Raises:
            Unavailable: `AUDIT_UNREACHABLE` when the log does not take it; the caller then changes nothing.
        """
        event.canonical()
        try:
            return int(self.call("POST", "/internal/events", event.to_json())["index"])
        except (Unavailable, KeyError, ValueError):
            raise Unavailable(Reason.AUDIT_UNREACHABLE) from None

    def last(self, source: str, limit: int = 50) -> list[dict[str, Any]]:
        """The newest events of one source, newest first (wire form)."""
        answer = self.call("GET", "/internal/events/last", source=source, limit=str(limit))
        events = answer.get("events", [])
        return [dict(event) for event in events]


class DeskClient(ServiceClient):
    """Asks the desk who is who and who may what."""

    def __init__(self, base_url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__("desk", base_url, token, transport)

    def session(self) -> dict[str, Any]:
        """What the session key of this client stands for."""
        return self.call("GET", "/internal/session")

    def introspect(self, session_key: str) -> dict[str, Any]:
        """What another caller's session key stands for (form of `/internal/session`)."""
        return self.call("POST", "/internal/introspect", {"session_key": session_key})

    def person(self, name: str) -> dict[str, Any]:
        """A person with global roles and memberships."""
        return self.call("GET", f"/internal/people/{name}")

    def project(self, slug: str) -> dict[str, Any]:
        """A project with members and grants."""
        return self.call("GET", f"/internal/projects/{slug}")

    def dataset(self, name: str, version: str) -> dict[str, Any]:
        """A data-set version: folder and manifest."""
        return self.call("GET", f"/internal/datasets/{name}/{version}")


class ReviewClient(ServiceClient):
    """Asks egress review about requests."""

    def __init__(self, base_url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        super().__init__("review", base_url, token, transport)

    def requests_of(self, member: str) -> list[dict[str, Any]]:
        """The requests of one member, newest first."""
        answer = self.call("GET", "/internal/requests", member=member)
        return [dict(one) for one in answer.get("requests", [])]
