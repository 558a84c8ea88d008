"""The session server's end of a kernel's socket, with the methods that Jupyter calls on a `ZMQStream`.

Guarantees: what a kernel sends takes no more memory than one message (`zmtp.Reader`) and what was read with
it; nothing is read while nobody takes it, so the rest waits in the kernel; what no message comes of takes a
fifth of a processor. A socket in the compute is reached below the kernel's folder and through no link. A
connection that ends is made again, after a pause. What is sent before there is one waits for it, within
bounds.
"""

from __future__ import annotations

import asyncio
import hmac
import logging
import os
import socket
import stat
import time
from collections import deque
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from onggi.openat2 import open_at, parent_beneath
from session.kernels import zmtp

__all__ = ["MAX_MESSAGE_BYTES", "KernelSocket"]

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
_MAX_WAITING_BYTES = 64 * 1024 * 1024
_PAUSE_SECONDS = 0.1
_GREETING_SECONDS = 10.0
_BYTES_A_SECOND = 2_000_000_000
"""What the system hands over: it takes time before `data_received` is called."""
_UNNOTICED_SECONDS = 0.25
_UNNOTICED_REST = 4.0
"""Of reading what no message comes of: then rest, for each second of it."""
_log = logging.getLogger("onggi.session.kernels")


class KernelSocket(asyncio.Protocol):
    """One connection to one socket of a kernel.

    Args:
        root, relative: where the socket is: a name below a folder that the compute may change as it likes.
        kind: `SUB` or `DEALER`.
        signing: begins the signature of a message (`zmtp.Reader`).

    Attributes:
        channel: Jupyter's name for what comes; set by it.
        losses: messages that were too long.
        heard: bytes that have come.
        spent: seconds that reading has taken since somebody, who sees to its pace, set it to 0.
    """

    def __init__(
        self,
        root: Path,
        relative: str,
        kind: str,
        *,
        identity: bytes = b"",
        most_bytes: int = MAX_MESSAGE_BYTES,
        signing: Callable[[], hmac.HMAC] | None = None,
    ) -> None:
        self.channel = ""
        self.linger = 0
        self.heard = 0
        self.spent = 0.0
        self._root, self._relative = root, relative
        self._kind, self._identity = kind, identity
        self._make_reader = partial(zmtp.Reader, most_bytes, signing)
        self._reader = self._make_reader()
        self._losses = 0
        self._transport: asyncio.Transport | None = None
        self._receive: Callable[[list[bytes]], None] | None = None
        self._held = self._resting = self._closed = False
        self._arrived: deque[zmtp.Message] = deque()
        self._unsent: deque[bytes] = deque()
        self._loop = asyncio.get_running_loop()
        self._connecting: asyncio.Task[None] | None = self._loop.create_task(self._connect())

    # what Jupyter calls

    def on_recv(self, receive: Callable[[list[bytes]], None] | None) -> None:
        """Hand each message to `receive`; with None, leave them where they are."""
        self._receive = receive
        if receive is not None and self._arrived:
            self._loop.call_soon(self._hand_out)
        self._read_or_not()

    def on_recv_stream(self, receive: Callable[[Any, list[bytes]], None]) -> None:
        """As `on_recv`, for who wants to be told of which socket."""
        self.on_recv(lambda parts: receive(self, parts))

    def stop_on_recv(self) -> None:
        """Leave messages where they are."""
        self.on_recv(None)

    def send_multipart(self, parts: list[Any], *_: Any, **__: Any) -> None:
        """Send a message, or have it wait for a connection."""
        packed = zmtp.frames([bytes(part) for part in parts])
        written = 0 if self._transport is None else self._transport.get_write_buffer_size()
        if written + sum(map(len, self._unsent)) + len(packed) > _MAX_WAITING_BYTES:
            _log.warning("a kernel does not read; what it is sent is dropped")
        elif self._transport is not None and self._reader.ready:
            self._transport.write(packed)
        elif not self._closed:
            self._unsent.append(packed)

    def closed(self) -> bool:
        """Whether it was closed on this side."""
        return self._closed

    def close(self, linger: int | None = None) -> None:  # noqa: ARG002 - Jupyter's signature
        """End it; what was written already is sent."""
        self._closed = True
        self._arrived.clear()
        if self._connecting is not None:
            self._connecting.cancel()
        if self._transport is not None:
            self._transport.close()

    @property
    def socket(self) -> SimpleNamespace:
        """What Jupyter asks whether it was closed."""
        return SimpleNamespace(closed=self._closed)

    # what the gate calls

    @property
    def losses(self) -> int:
        """Messages that were too long."""
        return self._losses + self._reader.losses

    def hold(self) -> None:
        """Read nothing, and hand out nothing, until `go_on`."""
        self._held = True
        self._read_or_not()

    def go_on(self) -> None:
        """Read and hand out again."""
        self._held = False
        if self._arrived:
            self._loop.call_soon(self._hand_out)
        self._read_or_not()

    # what asyncio calls

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet."""
        if not isinstance(transport, asyncio.Transport):
            raise TypeError(transport)
        self._transport = transport
        if self._closed:
            transport.abort()
            return
        transport.write(zmtp.GREETING + zmtp.ready(self._kind.encode(), self._identity))

    def data_received(self, data: bytes) -> None:
        """Read what came, and hand it out."""
        begun, was_ready = time.perf_counter(), self._reader.ready
        self.heard += len(data)
        try:
            self._arrived += self._reader.feed(data)
        except ValueError:
            self._arrived.clear()
            self._abort()
            return
        self.spent += time.perf_counter() - begun + len(data) / _BYTES_A_SECOND
        if self._reader.ready and not was_ready:
            self._begin()
        self._hand_out()
        if self.spent > _UNNOTICED_SECONDS:
            self._resting = True
            self._loop.call_later(_UNNOTICED_REST * self.spent, self._rested)
            self.spent = 0.0
        self._read_or_not()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's signature
        """Connect again, unless it was meant."""
        self._transport = None
        self._losses += self._reader.losses
        self._reader = self._make_reader()
        if not self._closed:
            self._connecting = self._loop.create_task(self._connect(_PAUSE_SECONDS))

    def _begin(self) -> None:
        """The other side is ready: ask for all that it says, and send what waits."""
        if self._transport is None:
            return
        if self._kind == "SUB":
            self._transport.write(zmtp.frames([b"\x01"]))
        while self._unsent:
            self._transport.write(self._unsent.popleft())

    def _hand_out(self) -> None:
        while self._arrived and self._receive is not None and not (self._held or self._closed):
            try:
                self._receive(self._arrived.popleft())
            except Exception:  # noqa: BLE001 - one bad message must not end the connection
                _log.exception("what a kernel sent could not be taken")

    def _rested(self) -> None:
        self._resting = False
        self._read_or_not()

    def _read_or_not(self) -> None:
        """Read only what somebody takes; a handshake is read by itself."""
        if self._transport is None or self._transport.is_closing():
            return
        wanted = self._receive is not None and not self._held and not self._arrived
        if (wanted or not self._reader.ready) and not self._resting:
            self._transport.resume_reading()
        else:
            self._transport.pause_reading()

    def _abort(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _connect(self, pause: float = 0.0) -> None:
        while True:
            await asyncio.sleep(pause)
            pause = _PAUSE_SECONDS
            try:
                await self._dial()
            except OSError:  # not there yet, or not any more
                continue
            self._connecting = None
            return

    async def _dial(self) -> None:
        """Connect.

        Raises:
            OSError: if there is no socket, or nobody behind it.
        """
        with parent_beneath(self._root, self._relative) as (folder, name):
            found = open_at(folder, name.encode(), os.O_PATH)
            ours = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            ours.setblocking(False)
            try:
                if not stat.S_ISSOCK(os.fstat(found).st_mode):
                    raise FileNotFoundError(name)
                ours.connect(f"/proc/self/fd/{found}")
            except OSError:
                ours.close()
                raise
            finally:
                os.close(found)
        await self._loop.create_unix_connection(lambda: self, sock=ours)
        self._loop.call_later(_GREETING_SECONDS, self._expect_greeting, self._transport)

    def _expect_greeting(self, transport: asyncio.Transport | None) -> None:
        """A side that does not say what it is in time is given up, and tried again."""
        if transport is self._transport and not self._reader.ready:
            self._abort()
