"""Who is who, asked from the desk.

Guarantees: an answer is at most `max_age_s` old (10 s), `fresh` ones are not cached at all; whoever the desk
does not know, and everyone while the desk is away, is refused. Does not guarantee: that the desk is right.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from egress_review.domain import Actor
from onggi.errors import NotFound, Refused, Unavailable
from onggi.permissions import Role
from onggi.reasons import Reason

MAX_AGE_S = 10.0
_MOST_KEPT = 2000


class Desk(Protocol):
    """What egress review asks the desk (`web.clients.DeskClient`)."""

    def introspect(self, session_key: str) -> dict[str, Any]:
        """What a session key stands for."""
        ...

    def person(self, name: str) -> dict[str, Any]:
        """A person with roles and memberships."""
        ...

    def project(self, slug: str) -> dict[str, Any]:
        """A project with members and grants."""
        ...

    def dataset(self, name: str, version: str) -> dict[str, Any]:
        """A data-set version: folder and manifest."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """A person as the desk knows them.

    Attributes:
        projects: of every membership there is or was.
        active: projects of the memberships that hold now.
        ended: when memberships end or ended (RFC 3339), by project, of those that have an end.
    """

    name: str
    roles: frozenset[Role]
    projects: frozenset[str]
    active: frozenset[str]
    ended: Mapping[str, str] = field(default_factory=dict)

    def actor(self) -> Actor:
        """Who acts, for the lifecycle."""
        return Actor(self.name, self.roles, self.projects)


@dataclass(frozen=True, slots=True)
class Caller:
    """Who a session key stands for."""

    session_id: str
    member: str
    project: str

    def actor(self) -> Actor:
        """Who acts, for the lifecycle: a member of this one project, without roles."""
        return Actor(self.member, frozenset(), frozenset({self.project}))


class People:
    """Asks the desk, and remembers its answers for a few seconds."""

    def __init__(
        self, desk: Desk, max_age_s: float = MAX_AGE_S, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._desk = desk
        self._max_age_s = min(max_age_s, MAX_AGE_S)
        self._now = now
        self._lock = threading.Lock()
        self._kept: dict[tuple[str, str], tuple[float, Mapping[str, Any]]] = {}

    def person(self, name: str, *, fresh: bool = False) -> Person:
        """A person.

        Args:
            fresh: ask the desk now, whatever is remembered.

        Raises:
            Refused: `UNKNOWN_PERSON`.
            Unavailable: if the desk does not answer readably.
        """
        try:
            body = self._ask("person", name, lambda: self._desk.person(name), fresh=fresh)
        except NotFound:
            raise Refused(Reason.UNKNOWN_PERSON, person=name) from None
        try:
            memberships = body["memberships"]
            known = {role.value for role in Role}
            return Person(
                name=str(body["name"]),
                roles=frozenset(Role(role) for role in body["roles"] if role in known),
                projects=frozenset(str(one["project"]) for one in memberships),
                active=frozenset(str(one["project"]) for one in memberships if one["active"] is True),
                ended={str(one["project"]): str(one["ends"]) for one in memberships if one.get("ends")},
            )
        except (KeyError, TypeError):
            raise _unreadable() from None

    def caller(self, session_key: str) -> Caller:
        """Who a session key stands for.

        Raises:
            Refused: if the key is unknown or its session has ended.
            Unavailable: if the desk does not answer readably.
        """
        digest = hashlib.sha256(session_key.encode()).hexdigest()
        try:
            body = self._ask("session", digest, lambda: self._desk.introspect(session_key))
        except NotFound:
            raise Refused(Reason.SIGN_IN_REQUIRED) from None
        try:
            return Caller(str(body["session_id"]), str(body["member"]), str(body["project"]))
        except (KeyError, TypeError):
            raise _unreadable() from None

    def project(self, slug: str, *, fresh: bool = False) -> Mapping[str, Any]:
        """A project as the desk tells it: titles, dates, `active`, members, grants.

        Raises:
            NotFound: if there is none.
            Unavailable: if the desk does not answer readably.
        """
        return self._ask("project", slug, lambda: self._desk.project(slug), fresh=fresh)

    def dataset(self, name: str, version: str) -> Mapping[str, Any]:
        """A data-set version as the desk tells it: `path` and `manifest`.

        Raises:
            NotFound: if there is none.
            Unavailable: if the desk does not answer readably.
        """
        return self._desk.dataset(name, version)

    def _ask(
        self, kind: str, key: str, ask: Callable[[], dict[str, Any]], *, fresh: bool = False
    ) -> Mapping[str, Any]:
        with self._lock:
            at, body = self._kept.get((kind, key), (0.0, None))
        if body is not None and not fresh and self._now() - at < self._max_age_s:
            return body
        began = self._now()
        answer = ask()
        with self._lock:
            if len(self._kept) >= _MOST_KEPT:
                self._kept.clear()
            self._kept[kind, key] = (began, answer)
        return answer


def _unreadable() -> Unavailable:
    return Unavailable(Reason.SERVICE_ANSWER_UNREADABLE, status=200)
