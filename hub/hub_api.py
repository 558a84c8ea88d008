"""The desk's client of the hub's REST API: start and stop servers, and list who runs what."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx2 as httpx

from onggi.errors import Conflict, NotFound, OnggiError, Refused, Unavailable, from_json
from onggi.ids import person_name
from onggi.reasons import Reason
from web.reason_headers import REASON_HEADER, wire_form

DESK_SCOPE = "access:services!service=desk"
_TIMEOUT_S = 30.0


@dataclass(frozen=True, slots=True)
class Server:
    """A server that the hub knows: whose, for which project, and whether it is ready or on its way."""

    member: str
    project: str
    ready: bool
    pending: str | None


class HubClient:
    """Speaks to the hub with the desk's token.

    Args:
        base_url: such as `http://127.0.0.1:8004/hub/api`.
    """

    def __init__(self, base_url: str, token: str, transport: httpx.BaseTransport | None = None) -> None:
        self._client = httpx.Client(
            base_url=base_url,
            headers={"Authorization": f"token {token}"},
            timeout=_TIMEOUT_S,
            transport=transport,
            trust_env=False,
        )

    def close(self) -> None:
        """Close the connections."""
        self._client.close()

    def start(self, member: str, project: str, language: str) -> None:
        """Start a member's server in a project; returns when it is on its way (or already there).

        Raises:
            OnggiError: the reason for which the hub refused.
            Unavailable: if the hub does not answer or could not start it.
        """
        answer = self._call("POST", self._server(member, project), {"language": language})
        if answer.is_success or self._is_there(answer, member, project):
            return
        raise refusal_of(answer)

    def stop(self, member: str, project: str) -> None:
        """Stop a member's server in a project; nothing happens if there is none.

        Raises:
            Unavailable: if the hub does not answer or could not stop it.
        """
        answer = self._call("DELETE", self._server(member, project))
        if not answer.is_success and answer.status_code not in {400, 404}:
            raise refusal_of(answer)

    def servers(self) -> tuple[Server, ...]:
        """All servers that run or are on their way.

        Raises:
            Unavailable: if the hub does not answer readably.
        """
        found: list[Server] = []
        offset: int | None = 0
        while offset is not None:
            answer = self._call("GET", f"/users?state=active&limit=200&offset={offset}", paginated=True)
            body = _json(answer)
            try:
                users = body["items"]
                following = body["_pagination"]["next"]
                offset = None if following is None else int(following["offset"])
                found.extend(
                    _server(user["name"], name, one)
                    for user in users
                    for name, one in user["servers"].items()
                )
            except (KeyError, TypeError, ValueError):
                raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=answer.status_code) from None
        return tuple(found)

    def owner_of(self, token: str) -> str:
        """The person whose hub token this is, if it was made for the desk.

        A session's own token also names its member, and must not act for them here.

        Raises:
            Refused: `SIGN_IN_REQUIRED` if it is nobody's, or not for the desk.
            Unavailable: if the hub does not answer.
        """
        answer = self._call("GET", "/user", token=token)
        body = _json(answer) if answer.is_success else {}
        if body.get("kind") != "user" or DESK_SCOPE not in body.get("scopes", ()):
            raise Refused(Reason.SIGN_IN_REQUIRED)
        return person_name(str(body.get("name")))

    def _is_there(self, answer: httpx.Response, member: str, project: str) -> bool:
        """Whether a 400 means that the server runs already."""
        if answer.status_code != httpx.codes.BAD_REQUEST or REASON_HEADER in answer.headers:
            return False
        return any((one.member, one.project) == (member, project) for one in self.servers())

    def _call(
        self,
        method: str,
        path: str,
        body: object | None = None,
        *,
        token: str | None = None,
        paginated: bool = False,
    ) -> httpx.Response:
        headers = {"Accept": "application/jupyterhub-pagination+json" if paginated else "application/json"}
        if token is not None:
            headers["Authorization"] = f"token {token}"
        try:
            return self._client.request(method, path, json=body, headers=headers)
        except (httpx.HTTPError, ValueError):
            raise Unavailable(Reason.SERVICE_UNREACHABLE, service="hub") from None

    @staticmethod
    def _server(member: str, project: str) -> str:
        return f"/users/{quote(member, safe='')}/servers/{quote(project, safe='')}"


def refusal_of(answer: httpx.Response) -> OnggiError:
    """The error that the hub answered with: ours if it carries our reason, else that the hub could not."""
    said = wire_form(answer.headers)
    if said is not None:
        refused = answer.status_code in {Conflict.status, Refused.status}
        return from_json(Refused.status if refused else Unavailable.status, said)
    if answer.status_code == NotFound.status:
        return NotFound(Reason.NOT_FOUND)
    return Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=answer.status_code)


def _server(member: str, name: str, model: dict[str, object]) -> Server:
    pending = model.get("pending")
    return Server(str(member), str(name), bool(model.get("ready")), None if pending is None else str(pending))


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        body = answer.json()
    except ValueError:
        body = None
    if not isinstance(body, dict):
        raise Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=answer.status_code)
    return body
