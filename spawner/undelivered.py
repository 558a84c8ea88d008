"""Audit events, contents of what was shown, and bytes lent and not spent, that a session server left behind.

Guarantees: before a session's folder is removed, what its server had written down for the audit log, for the
display record and of the member's day, and not yet sent, is moved aside, and stays on disk until egress
review has taken it, over any number of restarts. It takes each once, so sending twice does no harm.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from onggi.errors import OnggiError, Unavailable
from onggi.events import Event, event_from_json
from web.journal import read_leaf
from web.slip import SLIP, read_slip
from web.spool import Spool

log = logging.getLogger("spawner.undelivered")
RETRY_S = 2.0
_SHOWN = "shown"


def undelivered_of(sessions: Path) -> Path:
    """Where the events of sessions below the folder `sessions` wait once those have ended."""
    return sessions.parent / "undelivered"


def rescue(server: Path, undelivered: Path) -> None:
    """Move spool, journal and slip of a session server's own folder aside, if it left any."""
    spool, shown, slip = server / "spool", server / "shown", server / SLIP
    if (spool / "events.jsonl").is_file():
        undelivered.mkdir(mode=0o700, parents=True, exist_ok=True)
        aside = undelivered / secrets.token_hex(8)
        if shown.is_dir() and any(shown.iterdir()):
            shown.rename(spool / _SHOWN)
        if slip.is_file():
            slip.rename(spool / SLIP)
        spool.rename(aside)


class Undelivered:
    """The events of ended sessions on their way.

    Args:
        folder: where they wait.
        append: makes an event durable in the log; `web.clients.AuditClient.append`.
        keep: hands egress review a leaf of a journal under its id.
        give_back: hands egress review what is left of a lease.
    """

    def __init__(
        self,
        folder: Path,
        append: Callable[[Event], object],
        keep: Callable[[Mapping[str, Any]], object],
        give_back: Callable[[Mapping[str, Any]], object],
    ) -> None:
        self._folder = folder
        self._append = append
        self._keep = keep
        self._give_back = give_back
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def deliver(self) -> None:
        """Send everything that waits, each session's events in their order; blocks.

        Raises:
            Unavailable: when the log does not answer; what was not sent waits on.
        """
        for waiting in sorted(self._folder.iterdir(), key=lambda path: path.stat().st_mtime):
            self._deliver_one(waiting)

    async def deliver_forever(self) -> None:
        """Send whenever something waits, until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.deliver)
            except Unavailable as error:
                log.warning("events of ended sessions wait: %s", error)
            await asyncio.sleep(RETRY_S)

    def _deliver_one(self, waiting: Path) -> None:
        spool = Spool(waiting)
        try:
            while (body := spool.first()) is not None:
                self._send(body)
                spool.sent()
        finally:
            spool.close()
        if (waiting / _SHOWN).is_dir():
            for leaf in sorted((waiting / _SHOWN).iterdir()):
                self._send_leaf(leaf)
                leaf.unlink()
            (waiting / _SHOWN).rmdir()
        for lease, output, page in read_slip(waiting / SLIP):
            self._return({"id": lease, "output": output, "page": page})
        for file in waiting.iterdir():
            file.unlink()
        waiting.rmdir()

    def _send_leaf(self, path: Path) -> None:
        try:
            leaf = read_leaf(path)
            self._keep({**leaf.head, "pieces": leaf.pieces, "end": leaf.end})
        except Unavailable:
            raise
        except (OnggiError, ValueError):
            log.exception("egress review rejects what an ended session showed: %s", path.name)

    def _return(self, left: Mapping[str, Any]) -> None:
        try:
            self._give_back(left)
        except Unavailable:
            raise
        except OnggiError:
            log.exception("egress review does not take back what an ended session had left: %s", left)

    def _send(self, body: object) -> None:
        try:
            self._append(event_from_json(body))
        except Unavailable:
            raise
        except OnggiError:
            log.exception("the audit log rejects an event of an ended session: %s", body)
