"""Messages of one channel of a kernel that were received and not decided about yet.

A kernel keeps few messages that nobody takes, and throws away what comes after them, also the one that says
that a cell is done; taking them is cheap, deciding is not. So they are taken at once, up to a bound in bytes,
and what is beyond that stays with the kernel.
"""

from __future__ import annotations

from collections import deque

MAX_BYTES = 16 * 1024 * 1024
MAX_MESSAGES = 20_000


class Backlog:
    """A queue of multipart messages, bounded.

    Attributes:
        taken: whether somebody works on it already: a thread, or a turn that is yet to come.
    """

    __slots__ = ("_bytes", "_waiting", "taken")

    def __init__(self) -> None:
        self.taken = False
        self._waiting: deque[list[bytes]] = deque()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._waiting)

    def append(self, message: list[bytes]) -> None:
        """Put a message at the end."""
        self._waiting.append(message)
        self._bytes += sum(map(len, message))

    @property
    def full(self) -> bool:
        """Whether no more is to be taken."""
        return self._bytes >= MAX_BYTES or len(self._waiting) >= MAX_MESSAGES

    @property
    def busy(self) -> bool:
        """Whether something waits, or is being read."""
        return bool(self) or self.taken

    def pop(self) -> list[bytes]:
        """Take the oldest message."""
        message = self._waiting.popleft()
        self._bytes -= sum(map(len, message))
        return message
