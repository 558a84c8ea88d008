"""Sends what was shown to egress review, several showings together, behind everything else."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress

from onggi.errors import OnggiError, Unavailable
from session.record import DisplayRecord, Finished
from session.services import Service
from web.journal import read_leaf
from web.large_json import write_json

__all__ = ["send_forever", "send_waiting"]

_log = logging.getLogger("onggi.session.sender")
_PAUSE_SECONDS = 1.0
_RETRY_SECONDS = 10.0
_TOGETHER = 100
_TOGETHER_BYTES = 1024 * 1024
"""What goes in one message, unless one showing alone is larger."""


async def send_forever(record: DisplayRecord, review: Service) -> None:
    """Send what waits, oldest first, until cancelled."""
    while True:  # contents may wait: a turn a second costs less than waking for each cell
        heard = await send_waiting(record, review)
        await asyncio.sleep(_PAUSE_SECONDS if heard else _RETRY_SECONDS)


async def send_waiting(record: DisplayRecord, review: Service) -> bool:
    """Send what waits now; False if egress review does not answer, and the rest waits on.

    If it does not take some showings together, they are sent one by one, and what it rejects is left out.
    """
    apart: set[str] = set()
    while record.queue:
        batch = _oldest(record, apart)
        try:
            await _send(batch, review)
        except Unavailable:
            return False
        except OnggiError as error:
            if len(batch) > 1:
                apart.update(_names(batch))
                continue
            _log.warning("egress review does not keep showing %s: %s", batch[0].body["id"], error)
        for name in _names(batch):
            record.sent(name)
    return True


def _oldest(record: DisplayRecord, apart: set[str]) -> list[Finished]:
    """What goes together: at least one, and none of `apart` with another."""
    batch: list[Finished] = []
    size = 0
    for name, finished in record.queue.items():
        size += finished.size
        if batch and (name in apart or size > _TOGETHER_BYTES or len(batch) == _TOGETHER):
            break
        batch.append(finished)
        if name in apart:
            break
    return batch


async def _send(batch: Sequence[Finished], review: Service) -> None:
    bodies = await asyncio.to_thread(lambda: [_body(one) for one in batch])
    if len(bodies) == 1:
        await review.post_bytes("/internal/display/record", bodies[0])
    else:
        await review.post_bytes("/internal/display/records", b'{"showings":[%s]}' % b",".join(bodies))


def _names(batch: Sequence[Finished]) -> list[str]:
    return [one.body["id"] for one in batch]


def _body(finished: Finished) -> bytes:
    body = finished.body
    if finished.leaf is not None:
        with suppress(OSError, ValueError):
            body = body | {"pieces": read_leaf(finished.leaf.path).pieces}
    return write_json(body)
