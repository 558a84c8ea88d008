"""Sends what was shown to egress review, one showing at a time, behind everything else."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress

from onggi.errors import OnggiError, Unavailable
from session.record import DisplayRecord, Finished
from session.services import Service
from web.journal import read_leaf

__all__ = ["send_forever", "send_waiting"]

_log = logging.getLogger("onggi.session.sender")
_PAUSE_SECONDS = 1.0
_RETRY_SECONDS = 10.0


async def send_forever(record: DisplayRecord, review: Service) -> None:
    """Send what waits, oldest first, until cancelled."""
    while True:  # contents may wait: a turn a second costs less than waking for each cell
        heard = await send_waiting(record, review)
        await asyncio.sleep(_PAUSE_SECONDS if heard else _RETRY_SECONDS)


async def send_waiting(record: DisplayRecord, review: Service) -> bool:
    """Send what waits now; False if egress review does not answer, and the rest waits on."""
    while record.queue:
        showing_id, finished = next(iter(record.queue.items()))
        try:
            await review.post_bytes("/internal/display/record", await asyncio.to_thread(_body, finished))
        except Unavailable:
            return False
        except OnggiError as error:
            _log.warning("egress review does not keep showing %s: %s", showing_id, error)
        record.sent(showing_id)
    return True


def _body(finished: Finished) -> bytes:
    body = finished.body
    if finished.leaf is not None:
        with suppress(OSError, ValueError):
            body = body | {"pieces": read_leaf(finished.leaf.path).pieces}
    return json.dumps(body, ensure_ascii=False).encode("utf-8", "replace")
