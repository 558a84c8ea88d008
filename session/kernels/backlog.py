"""Messages of one channel of a kernel that were received and not decided about yet.

ZeroMQ keeps few messages and throws away what comes after them, also the one that says that a cell is done;
taking them off is cheap, deciding is not. So they are taken off at once, up to a bound in bytes, and what is
beyond that stays in the socket.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import zmq

MAX_BYTES = 16 * 1024 * 1024
MAX_MESSAGES = 20_000
QUEUED_MESSAGES = 200


class Backlog:
    """A queue of multipart messages, bounded.

    Attributes:
        taken: whether somebody works on it already: a thread, or a turn that is yet to come.
        received: messages that were ever put in.
    """

    __slots__ = ("_bytes", "_paused", "_waiting", "received", "taken")

    def __init__(self) -> None:
        self.taken = False
        self.received = 0
        self._waiting: deque[list[bytes]] = deque()
        self._bytes = 0
        self._paused = False

    def __len__(self) -> int:
        return len(self._waiting)

    def append(self, message: list[bytes]) -> None:
        """Put a message at the end."""
        self._waiting.append(message)
        self.received += 1
        self._bytes += sum(map(len, message))

    def goes_on(self, received: int) -> bool:
        """Whether something waits, is being read, or has come since `received` messages had come."""
        return bool(self) or self.taken or self.received > received

    def pop(self) -> list[bytes]:
        """Take the oldest message."""
        message = self._waiting.popleft()
        self._bytes -= sum(map(len, message))
        return message

    def fill(self, stream: Any) -> None:
        """Take what a stream's socket holds; stop listening to it if that is too much."""
        while self._bytes < MAX_BYTES and len(self._waiting) < MAX_MESSAGES:
            try:
                self.append(stream.socket.recv_multipart(zmq.NOBLOCK))
            except zmq.ZMQError:
                return
        if not stream.closed():
            stream.stop_on_recv()
            self._paused = True

    def listen(self, stream: Any, receive: Callable[..., None]) -> None:
        """Listen again if that was stopped."""
        if self._paused and stream is not None and not stream.closed():
            self._paused = False
            stream.on_recv_stream(receive)
