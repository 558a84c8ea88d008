"""A kernel that says what it likes: every message it sends can be changed on its way, and is remembered.

Run in the kernel itself. What was remembered is the control: a message that never left proves nothing.
"""

from __future__ import annotations

import base64
import json
import re
import struct
import threading
import time
import zlib
from collections.abc import Callable
from typing import Any

_RUN = re.compile(r"[A-Za-z0-9+/=]{40,}")
_ARGUMENTS = ("content", "parent", "ident", "buffers", "track", "header", "metadata")  # of Session.send
Change = Callable[[dict[str, Any]], Any]


class Liar:
    """Holds the kernel's own session and publishes whatever it is told to.

    Args:
        shell: IPython's.
    """

    def __init__(self, shell: Any) -> None:
        self.kernel = shell.kernel
        self.session = self.kernel.session
        self.shell = shell
        self.sent: list[str] = []
        self.changes: dict[str, Change] = {}
        self._send = self.session.send
        self.session.send = self._changed

    def _changed(self, stream: Any, kind: Any, *rest: Any, **named: Any) -> Any:
        given = dict(zip(_ARGUMENTS, rest, strict=False)) | named
        message = kind
        if not isinstance(kind, dict):
            header = {name: given.get(name) for name in ("content", "parent", "header", "metadata")}
            message = self.session.msg(kind, **header)
        change = self.changes.pop(message["header"]["msg_type"], None)
        if change is not None:
            change(message)
        way = {name: given[name] for name in ("ident", "buffers", "track") if name in given}
        self.sent.append(json.dumps([message, str(way)], default=str))
        return self._send(stream, message, **way)

    def parent(self) -> Any:
        """The header of what is being answered."""
        return self.kernel.get_parent("shell")

    def publish(self, kind: str, content: Any, **more: Any) -> None:
        """A message to the screen, with any parent, metadata, topic and buffers."""
        topic = more.get("topic", kind).encode()
        message = self.session.msg(
            kind, content, more.get("parent", self.parent()), metadata=more.get("metadata")
        )
        message["header"] |= more.get("header", {})
        self._changed(self.kernel.iopub_socket, message, ident=topic, buffers=more.get("buffers"))

    def show(self, data: Any, metadata: Any = None, **transient: Any) -> None:
        """An output of any types."""
        content = {"data": data, "metadata": metadata or {}, "transient": transient}
        self.publish("display_data", content)

    def change(self, kind: str, change: Change) -> None:
        """Change the next message of this kind."""
        self.changes[kind] = change

    def later(self, seconds: float, act: Callable[[], object]) -> None:
        """Do something after the cell has ended."""
        threading.Timer(seconds, act).start()

    def left(self, tokens: list[str]) -> list[bool]:
        """Which of these stood in a message that left."""
        everything = "\n".join(self.sent)
        hidden = b"\n".join(_decoded(run) for run in _RUN.findall(everything))
        return [token in everything or token.encode() in hidden for token in tokens]

    def flood(self, count: int, text: str) -> float:
        """Send many small messages, and say how long it took, in seconds."""
        began, parent, topic = time.monotonic(), self.parent(), b"stream"
        for number in range(count):
            content = {"name": "stdout", "text": f"{number}{text}"}
            message = self.session.msg("stream", content, parent)
            self._send(self.kernel.iopub_socket, message, ident=topic)
        return time.monotonic() - began


def png(text: str, *, trailing: bool = False) -> str:
    """A picture of one pixel that carries `text`, in a text chunk or behind its end; in base64."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack("!I", len(data)) + kind + data + struct.pack("!I", zlib.crc32(kind + data))

    head = chunk(b"IHDR", struct.pack("!IIBBBBB", 1, 1, 8, 2, 0, 0, 0))
    said = b"" if trailing else chunk(b"tEXt", b"Comment\0" + text.encode())
    rest = chunk(b"IDAT", zlib.compress(b"\0\1\2\3")) + chunk(b"IEND", b"")
    raw = b"\x89PNG\r\n\x1a\n" + head + said + rest + (text.encode() if trailing else b"")
    return base64.b64encode(raw).decode()


def _decoded(run: str) -> bytes:
    try:
        return base64.b64decode(run + "=" * (-len(run) % 4))
    except ValueError:
        return b""
