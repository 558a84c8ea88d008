"""Images from a kernel: decoded strictly, known by their first bytes, encoded again."""

from __future__ import annotations

import binascii

_SIGNATURES = {"image/png": b"\x89PNG\r\n\x1a\n", "image/jpeg": b"\xff\xd8\xff"}


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


def encode_image(raw: bytes) -> str:
    """Base64 without line ends: one spelling only, so that the spelling carries nothing."""
    return binascii.b2a_base64(raw, newline=False).decode("ascii")
