"""One message of a kernel on its way to a browser: taken apart, verified, read.

Guarantees: nothing is parsed before its signature was verified; what is larger than the policy's bounds is
never parsed. Touches nothing that is shared, so it may run in a thread.
"""

from __future__ import annotations

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from egress_review.display.bundle import Prepared, has_image
from egress_review.display.gate import KernelGate
from session.kernels import wire, zmtp

OUTPUTS = frozenset({"display_data", "execute_result", "update_display_data"})
INLINE_BYTES = 16 * 1024
"""Content up to here is read on the event loop: a thread would cost more than it saves."""
_MAX_HEADER_BYTES = 16 * 1024
_DELIMITER = b"<IDS|MSG>"
_PARTS = 5
Sign = Callable[[list[bytes]], bytes]


@dataclass(frozen=True, slots=True)
class Frames:
    """A kernel's message as it came.

    Attributes:
        digest: of all of it, if its content is cut; otherwise None.
    """

    signature: bytes
    header: bytes
    parent: bytes
    metadata: bytes
    content: bytes
    buffers: tuple[bytes, ...]
    digest: bytes | None = None

    @property
    def small(self) -> bool:
        """Whether reading it takes no time worth a thread."""
        return len(self.content) <= INLINE_BYTES

    def authentic(self, sign: Sign) -> bool:
        """Whether the signature is the kernel's."""
        expected = self.digest or sign([self.header, self.parent, self.metadata, self.content])
        return hmac.compare_digest(self.signature, expected)


@dataclass(slots=True)
class Message:
    """A kernel's message, read. `content` is None if it is too long to be read."""

    header: Any
    parent: Any
    content: Any
    prepared: Prepared | None = None

    @property
    def kind(self) -> str:
        """Its type, as the kernel says; empty if that is no word."""
        kind = self.header.get("msg_type") if isinstance(self.header, dict) else None
        return kind if isinstance(kind, str) else ""


def take_apart(frames: list[bytes]) -> Frames | None:
    """The parts of a multipart message, or None if it is none."""
    try:
        parts = frames[frames.index(_DELIMITER) + 1 :]
    except ValueError:
        return None
    if len(parts) < _PARTS or len(parts[1]) > _MAX_HEADER_BYTES or len(parts[2]) > _MAX_HEADER_BYTES:
        return None
    signature, header, parent, metadata, content = parts[:_PARTS]
    digest = frames.digest if isinstance(frames, zmtp.Message) else None
    return Frames(signature, header, parent, metadata, content, tuple(parts[_PARTS:]), digest)


def read(frames: Frames, most_stream: int, most_content: int) -> Message:
    """Parse a verified message.

    Args:
        most_stream: bytes of a stream message that are read; the rest would be cut anyway.
        most_content: bytes of any other content.

    Raises:
        ValueError: if it is not JSON.
    """
    header, parent = wire.load(frames.header), wire.load(frames.parent)
    content = frames.content
    if (
        (len(content) > most_stream or frames.digest)
        and isinstance(header, dict)
        and header.get("msg_type") == "stream"
    ):
        content = wire.cut_stream(content, most_stream)
    elif frames.digest is not None or len(content) > most_content:
        return Message(header, parent, None)
    return Message(header, parent, wire.load(content))


def needs_drawing(gate: KernelGate, message: Message) -> bool:
    """Whether showing it means decoding an image, which takes another process."""
    output = message.kind in OUTPUTS and isinstance(message.content, dict)
    return output and has_image(gate.policy, message.content.get("data"))


def weigh(gate: KernelGate, frames: Frames, sign: Sign) -> Message | None:
    """Verify, read and make harmless a message that takes time; None if it is forged or broken."""
    if not frames.authentic(sign):
        return None
    policy = gate.policy
    try:
        # A letter takes at most six times its own bytes in JSON, so what is cut here would be cut anyway.
        message = read(frames, 7 * policy.cell_text_bytes + INLINE_BYTES, policy.message_source_bytes)
    except ValueError:
        return None
    if message.kind in OUTPUTS and message.content is not None:
        message.prepared = gate.prepare(message.parent, message.content)
    return message
