"""The two forms in which a browser and a Jupyter server exchange kernel messages over a websocket.

Bounded on the way in: a frame that is not exactly as it should be raises ValueError, whatever is in it.

Source: jupyter_server, "WebSocket protocols" (`v1.kernel.websocket.jupyter.org` and the default).
"""

from __future__ import annotations

import json
import struct
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

V1 = "v1.kernel.websocket.jupyter.org"
_MAX_PARTS = 64
_MIN_OFFSETS = 6  # channel, header, parent, metadata, content, and where the last ends
_WORD = 8


@dataclass(frozen=True, slots=True)
class Incoming:
    """A browser's message, parsed; buffers as they came."""

    channel: str
    header: Any
    content: Any
    buffers: tuple[bytes, ...] = ()


def pack(value: object) -> bytes:
    """Compact JSON in UTF-8; a lone surrogate becomes a question mark."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode(
        "utf-8", "replace"
    )


def read_v1(frame: object) -> Incoming:
    """Read a frame of the binary protocol.

    Raises:
        ValueError: if it is anything else.
    """
    if not isinstance(frame, bytes) or len(frame) < _WORD:
        raise ValueError("frame")
    count = int.from_bytes(frame[:8], "little")
    if not _MIN_OFFSETS <= count <= _MAX_PARTS or len(frame) < 8 * (count + 1):
        raise ValueError("offsets")
    offsets = struct.unpack_from(f"<{count}Q", frame, 8)
    if offsets[0] != 8 * (count + 1) or offsets[-1] != len(frame) or any(a > b for a, b in pairwise(offsets)):
        raise ValueError("offsets")
    parts = [frame[start:end] for start, end in pairwise(offsets)]
    return Incoming(parts[0].decode("ascii"), load(parts[1]), load(parts[4]), tuple(parts[5:]))


def read_default(frame: object) -> Incoming:
    """Read a frame of the default protocol: JSON, or JSON followed by buffers.

    Raises:
        ValueError: if it is anything else.
    """
    buffers: tuple[bytes, ...] = ()
    if isinstance(frame, bytes):
        if len(frame) < _WORD:
            raise ValueError("frame")
        count = int.from_bytes(frame[:4], "big")
        if not 1 <= count <= _MAX_PARTS or len(frame) < 4 * (count + 1):
            raise ValueError("offsets")
        offsets = [*struct.unpack_from(f">{count}I", frame, 4), len(frame)]
        if offsets[0] != 4 * (count + 1) or any(a > b for a, b in pairwise(offsets)):
            raise ValueError("offsets")
        frame, *rest = [frame[start:end] for start, end in pairwise(offsets)]
        buffers = tuple(rest)
    message = load(frame) if isinstance(frame, bytes | str) else None
    channel = (message.get("channel") or "shell") if isinstance(message, dict) else None
    if not isinstance(message, dict) or not isinstance(channel, str):
        raise ValueError("message")  # noqa: TRY004 - hostile input, not a mistake in our calls
    return Incoming(channel, message.get("header"), message.get("content"), buffers)


def write_v1(
    channel: str,
    header: bytes,
    parent: bytes,
    metadata: bytes,
    content: bytes,
    buffers: tuple[bytes, ...] = (),
) -> bytes:
    """A frame of the binary protocol from parts that are JSON already."""
    parts = (channel.encode("ascii"), header, parent, metadata, content, *buffers)
    offsets = [8 * (len(parts) + 2)]
    for part in parts:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f"<{len(offsets) + 1}Q", len(offsets), *offsets) + b"".join(parts)


def write_default(
    channel: str,
    header: bytes,
    parent: bytes,
    metadata: bytes,
    content: bytes,
    buffers: tuple[bytes, ...] = (),
) -> str | bytes:
    """A frame of the default protocol from parts that are JSON already; bytes if there are buffers."""
    text = (
        f'{{"channel":"{channel}","header":{header.decode()},"parent_header":{parent.decode()},'
        f'"metadata":{metadata.decode()},"content":{content.decode()},"buffers":[]}}'
    )
    if not buffers:
        return text
    parts = (text.encode(), *buffers)
    offsets = [4 * (len(parts) + 1)]
    for part in parts[:-1]:
        offsets.append(offsets[-1] + len(part))
    return struct.pack(f">{len(offsets) + 1}I", len(parts), *offsets) + b"".join(parts)


def cut_stream(content: bytes, most: int) -> bytes:
    """The content of a `stream` message, cut to about `most` bytes before anything parses it.

    Kernels write it as one object that ends with its text; cut there, the rest is a shorter message of the
    same kind. Whatever else it is stays broken, and is dropped as such.
    """
    kept = content[:most]
    # Not within an escape: the longest is a pair of surrogates, twelve characters.
    for back in range(13):
        piece = kept[: len(kept) - back].decode("utf-8", "ignore").encode() + b'"}'
        try:
            text = load(piece).get("text")
        except (ValueError, AttributeError):
            continue
        if not (isinstance(text, str) and "\ud800" <= text[-1:] <= "\udbff"):
            return piece
    return b""


def header_bytes(msg_id: str, kind: str, session: str, date: str) -> bytes:
    """The header of a message to a browser; every value is ours."""
    return (
        f'{{"msg_id":"{msg_id}","msg_type":"{kind}","username":"","session":"{session}",'
        f'"date":"{date}","version":"5.3"}}'
    ).encode()


def load(raw: bytes | str) -> Any:
    """JSON from a hostile side.

    Raises:
        ValueError: whatever is wrong with it.
    """
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise ValueError("json") from None
