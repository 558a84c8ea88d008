"""A browser's connection to a kernel that keeps every byte it is sent, in either form of the protocol.

Own reading and writing of frames, so that the leak test does not share a mistake with the gate.

Source: jupyter_server, "WebSocket protocols".
"""

from __future__ import annotations

import contextlib
import json
import struct
import uuid
from collections.abc import Mapping
from itertools import pairwise
from types import TracebackType
from typing import Any, Self

import websocket

from hub.tour.visitor import Visitor

V1 = "v1.kernel.websocket.jupyter.org"
_QUIET_S = 0.25
_ANSWER_S = 40.0


class Wire:
    """One websocket of a signed-in person.

    Args:
        base: address under which the session is served.
        binary: whether to speak the binary protocol.

    Attributes:
        frames: everything that came, as it came.
    """

    def __init__(self, visitor: Visitor, base: str, kernel_id: str, *, binary: bool) -> None:
        self.frames: list[bytes] = []
        self._binary = binary
        self._session = uuid.uuid4().hex
        url = f"{base}api/kernels/{kernel_id}/channels?session_id={self._session}"
        self._socket = websocket.create_connection(
            url.replace("http", "ws", 1),
            timeout=_ANSWER_S,
            origin=visitor.hub,
            cookie=visitor.cookies_for(url),
            subprotocols=[V1] if binary else None,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()
        self._socket.shutdown()  # type: ignore[no-untyped-call]  # the library's, not annotated

    def run(self, code: str, *, stdin: bool = False) -> None:
        """Run a cell until its reply and idle have come; a question is answered with nothing."""
        content = {"code": code, "silent": False, "store_history": True, "allow_stdin": stdin}
        self.ask("shell", "execute_request", content | {"user_expressions": {}, "stop_on_error": False})

    def ask(self, channel: str, kind: str, content: Mapping[str, Any]) -> None:
        """Send a request and keep what comes until it is answered and done.

        Once it is done, an answer that does not come is not waited for: it may have been dropped.
        """
        asked = self._send(channel, kind, content)
        waiting = {kind.replace("_request", "_reply"), "idle"}
        with contextlib.suppress(websocket.WebSocketTimeoutException):
            while waiting:
                self._socket.settimeout(_ANSWER_S if "idle" in waiting else _QUIET_S)
                header, parent, said = self._receive()
                if header.get("msg_type") == "input_request":
                    self._send("stdin", "input_reply", {"value": "", "status": "ok"})
                if parent.get("msg_id") == asked:
                    waiting -= {header.get("msg_type"), said.get("execution_state")}

    def quiet(self, seconds: float = _QUIET_S) -> None:
        """Keep what still comes until nothing has come for so long."""
        self._socket.settimeout(seconds)
        with contextlib.suppress(websocket.WebSocketTimeoutException):
            while True:
                self._receive()

    def _send(self, channel: str, kind: str, content: Mapping[str, Any]) -> str:
        asked = uuid.uuid4().hex
        header = {
            "msg_id": asked,
            "msg_type": kind,
            "session": self._session,
            "username": "",
            "date": "",
            "version": "5.3",
        }
        if self._binary:
            parts = [channel.encode(), *(json.dumps(one).encode() for one in (header, {}, {}, content))]
            offsets = [8 * (len(parts) + 2)]
            for part in parts:
                offsets.append(offsets[-1] + len(part))
            frame = struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)
            self._socket.send_binary(frame)
        else:
            message = {"channel": channel, "header": header, "parent_header": {}, "metadata": {}}
            self._socket.send(json.dumps(message | {"content": content, "buffers": []}))
        return asked

    def _receive(self) -> tuple[dict[str, Any], dict[str, Any], dict[str, Any]]:
        """The next message's header, parent and content."""
        frame = self._socket.recv()
        if not frame:
            raise websocket.WebSocketConnectionClosedException("the session closed the connection")
        raw = frame.encode() if isinstance(frame, str) else frame
        self.frames.append(raw)
        if not self._binary:
            message = json.loads(raw)
            return message["header"], message["parent_header"], message["content"]
        (count,) = struct.unpack_from("<Q", raw)
        offsets = struct.unpack_from(f"<{count}Q", raw, 8)
        parts = [raw[start:end] for start, end in pairwise(offsets)]
        return json.loads(parts[1]), json.loads(parts[2]), json.loads(parts[4])
