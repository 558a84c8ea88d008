"""Taking an output's bytes: streamed into the vault, capped before and while they come."""

from __future__ import annotations

import asyncio

from starlette.requests import ClientDisconnect, Request

from egress_review.actions import submitting
from egress_review.domain import Output
from egress_review.people import Caller
from egress_review.room import Room
from egress_review.vault import Incoming, Stored
from onggi.errors import Invalid
from onggi.reasons import Reason

_BATCH = 1024 * 1024


def declared_length(request: Request) -> int:
    """The Content-Length of an upload.

    Raises:
        Invalid: `FIELD_MISSING` without one.
    """
    text = request.headers.get("content-length", "")
    if not text.isascii() or not text.isdigit():
        raise Invalid(Reason.FIELD_MISSING, field="Content-Length")
    return int(text[:20])


async def take(request: Request, room: Room, caller: Caller, request_id: str, number: int) -> Output:
    """Receive one output.

    Raises:
        Invalid: for a wrong length or hash.
        NotFound, Refused, Conflict: as `submitting.may_receive`.
        Unavailable: `DISK_FULL`; nothing is half-stored.
    """
    length = declared_length(request)
    announced = await asyncio.to_thread(submitting.may_receive, room, caller, request_id, number, length)
    incoming = await asyncio.to_thread(room.vault.receive, length)
    try:
        await _stream(request, incoming)
        submitting.check_announced(announced, Stored(incoming.sha256, incoming.size))
        stored = await asyncio.to_thread(incoming.finish)
    finally:
        await asyncio.to_thread(incoming.__exit__, None, None, None)
    return await asyncio.to_thread(submitting.receive, room, caller, request_id, number, stored)


async def _stream(request: Request, incoming: Incoming) -> None:
    batch = bytearray()
    try:
        async for chunk in request.stream():
            batch += chunk
            if len(batch) >= _BATCH:
                await asyncio.to_thread(incoming.write, bytes(batch))
                batch.clear()
    except ClientDisconnect:
        raise Invalid(Reason.FIELD_INVALID, field="Content-Length", value=incoming.size) from None
    if batch:
        await asyncio.to_thread(incoming.write, bytes(batch))
