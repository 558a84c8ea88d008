"""ZeroMQ's wire form, as much of it as a session needs to speak to a kernel, bounded on the way in.

Guarantees: however long a frame says it is, and however many frames a message has, no more is kept of a
message than `most_bytes`, and nothing of one that is longer, but for the content of a kernel's message, which
is cut there: its beginning is kept and its signature reckoned over all of it. What is not ZMTP raises
ValueError. libzmq bounds a frame, and counts messages by number: a peer that never ends a message, or sends
many long ones, has it take memory without end.

Source: ZMTP 3.0, https://rfc.zeromq.org/spec/23/ (NULL mechanism).
"""

from __future__ import annotations

import hmac
from collections.abc import Callable

__all__ = ["GREETING", "Message", "Reader", "frames", "ready"]

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_MORE, _LONG, _COMMAND = 1, 2, 4
_LONG_HEAD = 9
_MAX_PARTS = 128
_MAX_COMMAND_BYTES = 4096
_MAX_SHORT = 255
_SIGNED = (b"<IDS|MSG>", 5)
"""What stands before signature, header, parent and metadata; how many parts before the content that is."""


class Message(list[bytes]):
    """The parts of a message.

    Attributes:
        digest: of its signed parts as they came, in hexadecimal, if its content is cut; otherwise None.
    """

    digest: bytes | None = None


def frames(parts: list[bytes]) -> bytes:
    """A message on the wire."""
    pieces: list[bytes] = []
    for number, part in enumerate(parts, start=1):
        more = _MORE if number < len(parts) else 0
        pieces += (_head(more, len(part)), part)
    return b"".join(pieces)


def ready(kind: bytes, identity: bytes) -> bytes:
    """The command that ends the handshake: what kind of socket this is, and who."""
    properties = _property(b"Socket-Type", kind) + _property(b"Identity", identity)
    body = b"\x05READY" + properties
    return _head(_COMMAND, len(body)) + body


def _head(flags: int, size: int) -> bytes:
    if size <= _MAX_SHORT:
        return bytes((flags, size))
    return bytes((flags | _LONG,)) + size.to_bytes(8, "big")


def _property(name: bytes, value: bytes) -> bytes:
    return bytes((len(name),)) + name + len(value).to_bytes(4, "big") + value


class Reader:
    """Messages out of bytes, as they come.

    Args:
        most_bytes: of a message that are kept.
        signing: begins the signature of a message whose content is too long; without it, that is lost.

    Attributes:
        ready: whether the other side has ended the handshake.
        losses: messages that were too long, and are gone.
    """

    def __init__(self, most_bytes: int, signing: Callable[[], hmac.HMAC] | None = None) -> None:
        self.ready = False
        self.losses = 0
        self._most = most_bytes
        self._signing = signing
        self._greeted = False
        self._rest = b""
        self._flags = self._left = self._room = 0  # of the frame that is being read
        self._pieces: list[bytes] = []
        self._new_message()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that end in `data`.

        Raises:
            ValueError: if that is not what ZeroMQ says.
        """
        data, self._rest = (self._rest + data if self._rest else data), b""
        found: list[Message] = []
        at, end = 0, len(data)
        if not self._greeted:
            if end < len(GREETING):
                self._rest = data
                return found
            at = self._greet(data)
        while at < end:
            if not (self._left or self._message or self._lost) and self.ready:
                at = self._whole(data, at, found)
            if at == end:
                break
            if self._left:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                self._keep(piece)
            else:
                head = _LONG_HEAD if data[at] & _LONG else 2
                if end - at < head:
                    break
                self._begin(data[at], int.from_bytes(data[at + 1 : at + head], "big"))
                at += head
            if not self._left and self._ended():
                found.append(self._message)
                self._new_message()
        self._rest = data[at:]
        return found

    def _whole(self, data: bytes, at: int, found: list[Message]) -> int:
        """Read the messages that lie whole and short in `data`, as almost all do; where the rest begins."""
        end = len(data)
        while True:
            message, start = Message(), at
            more = _MORE
            while more:
                if end - at < _LONG_HEAD:
                    return start
                flags, size = data[at], data[at + 1]
                at += 2
                if flags & _LONG:
                    size = int.from_bytes(data[at - 1 : at + 7], "big")
                    at += 7
                stop = at + size
                if flags & ~(_MORE | _LONG) or stop > end or stop - start > self._most:
                    return start
                message.append(data[at:stop])
                at, more = stop, flags & _MORE
            if len(message) > _MAX_PARTS:
                return start
            found.append(message)

    def _greet(self, data: bytes) -> int:
        same = data[0] == GREETING[0] and data[9] & 1 and data[12:32] == GREETING[12:32]
        if not same or data[10] < GREETING[10]:
            raise ValueError("greeting")
        self._greeted = True
        return len(GREETING)

    def _new_message(self) -> None:
        self._message = Message()
        self._size = 0
        self._lost = self._cut = False
        self._signature: hmac.HMAC | None = None

    def _begin(self, flags: int, size: int) -> None:
        """A frame of `size` bytes follows: how much of it is kept."""
        if flags & ~(_MORE | _LONG | _COMMAND) or (flags & _COMMAND and size > _MAX_COMMAND_BYTES):
            raise ValueError("frame")
        self._flags, self._left, self._room, self._pieces = flags, size, size, []
        if flags & _COMMAND:
            return
        if not self.ready:
            raise ValueError("handshake")
        if self._lost or self._cut:
            self._room = 0
        elif size > self._most - self._size or len(self._message) == _MAX_PARTS:
            mark, before = _SIGNED
            if self._signing is not None and self._message[-before : -before + 1] == [mark]:
                self._signature, self._room = self._signing(), self._most - self._size
                for part in self._message[2 - before :]:
                    self._signature.update(part)
            else:
                self._lost, self._room, self._message = True, 0, Message()

    def _keep(self, piece: bytes) -> None:
        if self._signature is not None and not self._cut:
            self._signature.update(piece)
        if self._room:
            self._pieces.append(piece[: self._room])
            self._room -= len(self._pieces[-1])

    def _ended(self) -> bool:
        """A frame has ended: whether a message that is to be given out has ended with it."""
        part = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces = []
        if self._flags & _COMMAND:
            self._obey(part)
            return False
        if not (self._lost or self._cut):
            self._message.append(part)
            self._size += len(part)
            self._cut = self._signature is not None
        if self._flags & _MORE:
            return False
        if self._lost:
            self.losses += 1
            self._new_message()
            return False
        if self._signature is not None:
            self._message.digest = self._signature.hexdigest().encode()
        return True

    def _obey(self, command: bytes) -> None:
        if command.startswith(b"\x05ERROR"):
            raise ValueError("refused")
        self.ready = self.ready or command.startswith(b"\x05READY")
