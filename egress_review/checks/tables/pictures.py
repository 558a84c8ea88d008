"""Walks the parts of a PNG or JPEG file and names what is not picture: text, metadata, a tail."""

from __future__ import annotations

import struct
import zlib

_PNG_PICTURE = frozenset({
    b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"bKGD", b"pHYs", b"sBIT",
})  # fmt: skip
_MAX_SOFTWARE = 120
_JPEG_PICTURE = frozenset({0xE0, 0xEE, 0xDB, 0xC4, 0xDD, *range(0xC0, 0xC8), *range(0xC9, 0xD0)})
_MARK, _SOS, _EOI = 0xFF, 0xDA, 0xD9
# Inside packed data: a stuffed FF, and the restart marks.
_WITHIN_SCAN = frozenset({0x00, *range(0xD0, 0xD8)})
_MAX_JFIF = 64


def png_hides(raw: bytes) -> str:
    """The first part of a PNG that is not picture, or "".

    `Software`, which every plotting library writes, is let pass.
    """
    at = 8
    while at + 12 <= len(raw):
        size, kind = struct.unpack(">I4s", raw[at : at + 8])
        end = at + 12 + size
        if end > len(raw) or zlib.crc32(raw[at + 4 : end - 4]) != struct.unpack(">I", raw[end - 4 : end])[0]:
            return "broken"
        body = raw[at + 8 : end - 4]
        software = kind == b"tEXt" and body.startswith(b"Software\x00") and size <= _MAX_SOFTWARE
        if kind not in _PNG_PICTURE and not software:
            return str(kind, "ascii", "replace")
        if kind == b"IEND":
            return "" if end == len(raw) and not size else "after the end"
        at = end
    return "broken"


def jpeg_hides(raw: bytes) -> str:
    """The first part of a JPEG that is not picture, or ""."""
    at = 2
    while at + 4 <= len(raw):
        if raw[at] != _MARK:
            return "broken"
        mark = raw[at + 1]
        if mark == _EOI:
            return "" if at + 2 == len(raw) else "after the end"
        size = int.from_bytes(raw[at + 2 : at + 4], "big")
        if mark == _SOS:
            at = _after_scan(raw, at + 2 + size)
            continue
        if mark not in _JPEG_PICTURE or (mark in {0xE0, 0xEE} and size > _MAX_JFIF):
            return f"FF{mark:02X}"
        at += 2 + size
    return "" if raw[at:] == b"\xff\xd9" else "broken"


def _after_scan(raw: bytes, at: int) -> int:
    """Where the next marker stands after the packed picture data that begin at `at`."""
    while at + 1 < len(raw):
        at = raw.find(b"\xff", at)
        if at < 0 or at + 1 >= len(raw):
            return len(raw)
        if raw[at + 1] not in _WITHIN_SCAN:
            return at
        at += 2
    return len(raw)
