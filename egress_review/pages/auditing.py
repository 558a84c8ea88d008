"""The auditors' pages: the log, newest first, its signed checkpoint, and the verifiable export."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from egress_review.audit.export import export_lines
from egress_review.audit.notary import Notary, Transaction
from egress_review.audit.protocol import StoredCheckpoint
from egress_review.pages.access import require_permission, viewer
from egress_review.pages.delivering import attachment
from egress_review.room import Room
from onggi.errors import Invalid
from onggi.events import Event, event_from_json
from onggi.permissions import Permission
from onggi.reasons import Reason
from web.kit import render

PAGE_EVENTS = 100
_MOST_DIGITS = 12


@dataclass(frozen=True, slots=True)
class AuditDesk:
    """The log as its readers get it.

    Attributes:
        notary: signs checkpoints.
        reading: begins a transaction that reads.
    """

    notary: Notary
    reading: Transaction


@dataclass(frozen=True, slots=True)
class LogPage:
    """Some events, newest first, and where the neighbours begin (None: there are none)."""

    events: tuple[tuple[int, Event], ...]
    size: int
    checkpoint: str
    newer: int | None
    older: int | None


def log_page(audit: AuditDesk, end: int | None) -> LogPage:
    """The `PAGE_EVENTS` events before index `end` (None: the newest).

    Raises:
        Tampered: if the log contradicts what was signed.
    """
    checkpoint = audit.notary.checkpoint()
    with audit.reading() as log:
        size = log.size()
        last = size if end is None else min(end, size)
        first = max(0, last - PAGE_EVENTS)
        found = [(one.index, event_from_json(json.loads(one.body))) for one in log.events(first, last)]
    newer = min(size, last + PAGE_EVENTS) if last < size else None
    return LogPage(tuple(reversed(found)), size, checkpoint.note, newer, first or None)


class Auditing:
    """Views; each parses, calls one action, renders."""

    def __init__(self, room: Room, audit: AuditDesk) -> None:
        self._room = room
        self._audit = audit

    async def show(self, request: Request) -> Response:
        """The log, a page at a time."""
        person = await viewer(request, self._room)
        require_permission(person, Permission.AUDIT_READ)
        end = _index(request.query_params.get("before"))
        page = await run_in_threadpool(log_page, self._audit, end)
        return render(request, "audit.html", page=page, details=_details)

    async def export(self, request: Request) -> Response:
        """The whole log with its checkpoints; that somebody took it is an event too."""
        person = await viewer(request, self._room)
        require_permission(person, Permission.AUDIT_READ)
        event = self._room.event(person.name, "audit.export", "audit-log", None)
        await run_in_threadpool(self._record, event)
        newest = await run_in_threadpool(self._audit.notary.checkpoint)
        return StreamingResponse(
            self._lines(newest), 200, attachment("audit-log.jsonl"), "application/octet-stream"
        )

    def _record(self, event: Event) -> None:
        with self._room.store.unit() as unit:
            unit.append(event)

    def _lines(self, newest: StoredCheckpoint) -> Iterator[bytes]:
        with self._audit.reading() as log:
            yield from export_lines(log, self._audit.notary.origin, newest)


def _details(event: Event) -> str:
    return json.dumps(dict(event.details), ensure_ascii=False, sort_keys=True) if event.details else ""


def _index(text: str | None) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > _MOST_DIGITS:
        raise Invalid(Reason.FIELD_INVALID, field="before", value=text[:40])
    return int(text)
