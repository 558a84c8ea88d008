"""Whether this session may still run: asked of the desk every few seconds, and believed only when it answers.

Guarantees: when the desk says that the session has ended, every kernel socket is closed and the server stops;
when the desk has not answered for `SILENCE_SECONDS`, every kernel socket is closed until it answers again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from onggi.errors import OnggiError, Refused, Unavailable
from onggi.reasons import Reason
from session.context import SessionContext
from session.kernels.channels import GatedConnection

CHECK_SECONDS = 10.0
SILENCE_SECONDS = 60.0
FAREWELL_SECONDS = 1.0
_CLOSE_CODE = 1001
_log = logging.getLogger("onggi.session.grant")


class GrantCheck:
    """Asks the desk, and acts on what it says.

    Args:
        stop: ends the server.
    """

    def __init__(self, context: SessionContext, stop: Callable[[], None]) -> None:
        self._context = context
        self._stop = stop
        self._answered = asyncio.get_running_loop().time()

    async def run_forever(self) -> None:
        """Check now and every `CHECK_SECONDS`, until cancelled or told to stop."""
        while await self.check():  # noqa: ASYNC110 - polling is what there is
            await asyncio.sleep(CHECK_SECONDS)

    async def check(self) -> bool:
        """One question to the desk; False once the session has ended."""
        now = asyncio.get_running_loop().time()
        try:
            self._context.facts = await self._context.desk.get("/internal/session")
        except Refused as error:
            _log.warning("the desk ends this session: %s", error.reason.value)
            self._close(error)
            self._stop()
            return False
        except OnggiError as error:
            _log.warning("the desk does not confirm this session: %s", error.reason.value)
            if now - self._answered > SILENCE_SECONDS and self._context.closed is None:
                self._close(Unavailable(Reason.GRANT_UNCONFIRMED))
            return True
        self._answered = now
        self._context.closed = None
        return True

    async def farewell(self) -> None:
        """Tell the pages why the server stops: what the desk says of the session, or that it has ended."""
        why: OnggiError = Refused(Reason.SESSION_ENDED)
        try:
            async with asyncio.timeout(FAREWELL_SECONDS):
                await self._context.desk.get("/internal/session")
        except Refused as error:
            why = error
        except (OnggiError, TimeoutError):
            _log.warning("the desk does not say why this session ends")
        self._close(why)

    def _close(self, why: OnggiError) -> None:
        self._context.closed = why
        for connection in list(GatedConnection.open_connections):
            connection.websocket_handler.close(_CLOSE_CODE, why.reason.value)
