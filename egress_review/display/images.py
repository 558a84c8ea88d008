"""Images from a kernel: decoded strictly from base64, drawn anew from their pixels, encoded again.

The drawing happens in another process (`egress_review.display.redraw`); here is what it is asked and told.
"""

from __future__ import annotations

import binascii
from dataclasses import dataclass
from typing import Protocol

from egress_review.display.policy import DisplayPolicy
from onggi.reasons import Reason

_SIGNATURES = {
    "image/gif": b"GIF8",
    "image/jpeg": b"\xff\xd8\xff",
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/webp": b"RIFF",
}
SOURCE_FACTOR = 4
"""A source may be this many times as large as what is shown of it: drawing anew makes most images smaller."""


@dataclass(frozen=True, slots=True)
class Drawn:
    """An image made from pixels alone, and its mime type."""

    kind: str
    raw: bytes


class Redraw(Protocol):
    """Draws an image anew; blocks for milliseconds, so never on an event loop."""

    def __call__(self, kind: str, raw: bytes, policy: DisplayPolicy) -> Drawn | Reason:
        """The image drawn anew, or why it is not shown."""
        ...

    def drew(self, kind: str, encoded: str, policy: DisplayPolicy) -> bool:
        """Whether this text is, sign for sign, what `encode_image` made of an image that this has drawn."""
        ...

    def later(self, kind: str, encoded: str) -> str | None:
        """The name under which a page may ask for this image when it is looked at; None: draw it now."""
        ...


class RefuseAll:
    """A `Redraw` where there is nothing that could decode: shows no image."""

    def __call__(self, kind: str, raw: bytes, policy: DisplayPolicy) -> Drawn | Reason:  # noqa: ARG002 - a Redraw
        """Not shown."""
        return Reason.DISPLAY_IMAGE_BROKEN

    def drew(self, kind: str, encoded: str, policy: DisplayPolicy) -> bool:  # noqa: ARG002 - a Redraw
        """None was."""
        return False

    def later(self, kind: str, encoded: str) -> str | None:  # noqa: ARG002 - a Redraw
        """Neither later."""
        return None


refuse_all = RefuseAll()


def too_long(encoded: str, limit: int) -> bool:
    """Whether base64 text cannot stand for an image of at most `limit` bytes; line ends are allowed for."""
    return len(encoded) > (limit * 4) // 3 + limit // 24 + 64


def decode_image(kind: str, encoded: str) -> bytes | None:
    """The image's bytes, or None if the text is not base64 of an image of `kind`."""
    try:
        raw = binascii.a2b_base64(encoded.replace("\n", "").encode("ascii"), strict_mode=True)
    except (ValueError, binascii.Error):
        return None
    return raw if raw.startswith(_SIGNATURES[kind]) else None


def decoded_bytes(encoded: str) -> int:
    """How many bytes base64 of `encode_image` stands for."""
    return len(encoded) // 4 * 3 - encoded[-2:].count("=")


def has_signature(kind: str, raw: bytes) -> bool:
    """Whether bytes begin as an image of `kind` does."""
    return raw.startswith(_SIGNATURES[kind])


def encode_image(raw: bytes) -> str:
    """Base64 without line ends: one spelling only, so that the spelling carries nothing."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")
