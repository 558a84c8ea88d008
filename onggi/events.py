"""Audit events: what is written down before it takes effect.

An event is canonical JSON (RFC 8785 for the subset used here: objects with string keys, strings, whole
numbers within ±(2^53 − 1), booleans, null and arrays; no floating point), so its bytes, and with them its
leaf in the Merkle tree, are the same on every machine.

Source: RFC 8785 (JSON Canonicalization Scheme), RFC 6962 section 2.1 (leaf hash).
"""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from onggi.clock import Clock, from_text, to_text
from onggi.errors import Invalid
from onggi.reasons import Reason

MAX_EVENT_BYTES = 64 * 1024
_SAFE_INTEGER = 2**53 - 1
_KEYS = {"v", "id", "time", "source", "actor", "action", "project", "subject", "details"}
SOURCES = frozenset({"broker", "desk", "hub", "review", "session"})


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened.

    Attributes:
        id: UUID; the log takes each id once.
        time: RFC 3339 UTC with milliseconds, the source's clock.
        source: which process says so, one of `SOURCES`.
        actor: the person, or the service itself (`service:desk`).
        action: `noun.verb`, e.g. `member.add`, `session.open`, `vote.cast`.
        project: project slug, or None where there is none.
        subject: what was acted on (a person, a request id, a data set).
        details: further facts; never a cell value or personal datum.
    """

    id: str
    time: str
    source: str
    actor: str
    action: str
    project: str | None
    subject: str
    details: Mapping[str, Any] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The wire form, `v` is its version."""
        return {
            "v": 1,
            "id": self.id,
            "time": self.time,
            "source": self.source,
            "actor": self.actor,
            "action": self.action,
            "project": self.project,
            "subject": self.subject,
            "details": dict(self.details),
        }

    def canonical(self) -> bytes:
        """The bytes that are hashed into the log.

        Raises:
            Invalid: if the event holds what canonical JSON cannot, or is over `MAX_EVENT_BYTES`.
        """
        body = canonical_json(self.to_json())
        if len(body) > MAX_EVENT_BYTES:
            raise Invalid(Reason.FIELD_INVALID, field="event", value=f"{len(body)} bytes")
        return body


def new_event(
    clock: Clock,
    source: str,
    actor: str,
    action: str,
    subject: str,
    project: str | None = None,
    **details: Any,
) -> Event:
    """An event of this moment with a fresh id."""
    return Event(str(uuid.uuid4()), to_text(clock.now()), source, actor, action, project, subject, details)


def event_from_json(body: object) -> Event:
    """Read the wire form, refusing unknown and missing keys.

    Raises:
        Invalid: naming the field that is wrong.
    """
    if not isinstance(body, Mapping) or set(body) != _KEYS or body["v"] != 1:
        raise Invalid(Reason.FIELD_INVALID, field="event", value="keys")
    for name in ("id", "time", "source", "actor", "action", "subject"):
        if not isinstance(body[name], str) or not body[name]:
            raise Invalid(Reason.FIELD_INVALID, field=name, value=str(body[name])[:40])
    if body["source"] not in SOURCES:
        raise Invalid(Reason.FIELD_INVALID, field="source", value=body["source"][:40])
    if not (body["project"] is None or isinstance(body["project"], str)):
        raise Invalid(Reason.FIELD_INVALID, field="project", value=str(body["project"])[:40])
    if not isinstance(body["details"], Mapping):
        raise Invalid(Reason.FIELD_INVALID, field="details", value="")
    from_text(body["time"])
    event = Event(**{name: body[name] for name in _KEYS - {"v"}})
    event.canonical()
    return event


def canonical_json(value: object) -> bytes:
    """RFC 8785 bytes of a value without floating point.

    Raises:
        Invalid: for floats, integers beyond ±(2^53 − 1), non-string keys, lone surrogates and foreign types.
    """
    try:
        return json.dumps(_ordered(value), ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
            "utf-8"
        )
    except (UnicodeEncodeError, RecursionError):
        raise Invalid(Reason.FIELD_INVALID, field="json", value="text") from None


def _ordered(value: object) -> object:
    if value is None or isinstance(value, str | bool):
        return value
    if isinstance(value, int):
        if abs(value) > _SAFE_INTEGER:
            raise Invalid(Reason.FIELD_INVALID, field="json", value="integer")
        return value
    if isinstance(value, Mapping):
        if not all(isinstance(key, str) for key in value):
            raise Invalid(Reason.FIELD_INVALID, field="json", value="key")
        return {
            key: _ordered(value[key])
            for key in sorted(value, key=lambda k: k.encode("utf-16-be", "surrogatepass"))
        }
    if isinstance(value, list | tuple):
        return [_ordered(item) for item in value]
    raise Invalid(Reason.FIELD_INVALID, field="json", value=type(value).__name__)
