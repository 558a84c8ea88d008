"""The process that decodes images: a hostile file in, pixels drawn anew out.

Guarantees: what is written is a PNG or JPEG made from pixels alone, no metadata, one frame; an image of more
pixels than allowed is refused from its header, before anything is decoded. A fault in a decoder owns this
process and nothing else: before it reads its first byte it gives up every system call but those for memory
and its two pipes, and it is bounded in memory and processor time.

Started by path and in isolated mode, with the system-call filter as its argument, so that it loads the
standard library and Pillow alone. It ends by itself when nothing was asked for a while, or its asker is gone.
"""

from __future__ import annotations

import ctypes
import io
import os
import resource
import select
import struct
import sys
import zlib

from PIL import GifImagePlugin, Image, JpegImagePlugin, PngImagePlugin, WebPImagePlugin

REQUEST = struct.Struct("<BIII")
"""Number of the form, most pixels, most bytes of the answer, bytes of the image that follows."""
REPLY = struct.Struct("<BI")
"""Status, bytes that follow."""
FORMS = ("image/png", "image/jpeg", "image/gif", "image/webp")
DRAWN_PNG, DRAWN_JPEG, TOO_MANY_PIXELS, TOO_LARGE, BROKEN = range(5)

_FORMATS = ("PNG", "JPEG", "GIF", "WEBP")
_PLUGINS = (PngImagePlugin, JpegImagePlugin, GifImagePlugin, WebPImagePlugin)  # loaded before the doors close
_MEMORY_BYTES = 640 * 1024 * 1024
_PROCESSOR_SECONDS = 120
_IDLE_MILLISECONDS = 60_000
_PLAIN_MODES = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER = 38, 22, 2


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def close_doors(program: bytes) -> None:
    """Bound memory and time, then let the kernel refuse every call that the filter does not name.

    Raises:
        OSError: if the kernel does not take the filter; then nothing must be decoded.
    """
    for what, limit in (
        (resource.RLIMIT_AS, _MEMORY_BYTES),
        (resource.RLIMIT_CPU, _PROCESSOR_SECONDS),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_CORE, 0),
        (resource.RLIMIT_NOFILE, 3),  # the three that it has; `poll` refuses to look at more than this
    ):
        resource.setrlimit(what, (limit, limit))
    code = ctypes.create_string_buffer(program, len(program))
    filled = _Program(len(program) // 8, ctypes.cast(code, ctypes.c_void_p))
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or prctl(
        _PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(filled)
    ):
        raise OSError(ctypes.get_errno(), "prctl")


def redraw(form: int, raw: bytes, most_pixels: int, most_bytes: int) -> tuple[int, bytes]:
    """An image's pixels in a new file, or why not."""
    with Image.open(io.BytesIO(raw), formats=[_FORMATS[form]]) as image:
        width, height = image.size
        if width * height > most_pixels:
            return TOO_MANY_PIXELS, b""
        image.load()
        plain = image if image.mode in _PLAIN_MODES else image.convert("RGB")
        if plain.mode == "P" and "transparency" in image.info:
            plain = plain.convert("RGBA")
        plain = _without_idle_alpha(plain)
        fresh = Image.new(plain.mode, plain.size)
        if plain.mode == "P":
            fresh.putpalette(plain.getpalette() or [])
        fresh.paste(plain)
    drawn = io.BytesIO()
    if _FORMATS[form] == "JPEG":
        fresh.convert("RGB" if fresh.mode != "L" else "L").save(drawn, "JPEG", quality=90)
    else:
        fresh.save(drawn, "PNG", compress_type=zlib.Z_RLE)  # in two thirds of the time; figures grow by 2 %
    if drawn.tell() > most_bytes:
        return TOO_LARGE, b""
    return (DRAWN_JPEG if _FORMATS[form] == "JPEG" else DRAWN_PNG), drawn.getvalue()


def _without_idle_alpha(image: Image.Image) -> Image.Image:
    """Without its alpha channel, if every pixel is opaque (as in matplotlib): a quarter less to draw."""
    opaque = image.mode in ("LA", "RGBA") and image.getchannel("A").getextrema() == (255, 255)
    return image.convert(image.mode[:-1]) if opaque else image


def warm_up() -> None:
    """Draw one image of each form, so that whatever Pillow loads late is loaded before the doors close."""
    for form, name in enumerate(_FORMATS):
        sample = io.BytesIO()
        Image.new("RGB", (2, 2)).save(sample, name)
        redraw(form, sample.getvalue(), 4, 4096)


def serve() -> None:
    """Answer requests on standard input until there are none for a while."""
    Image.MAX_IMAGE_PIXELS = None  # the policy's own limit is asked first
    waiting = select.poll()
    waiting.register(0, select.POLLIN)
    while waiting.poll(_IDLE_MILLISECONDS):
        header = _read(REQUEST.size)
        if header is None:
            return
        form, most_pixels, most_bytes, size = REQUEST.unpack(header)
        raw = _read(size)
        if raw is None:
            return
        try:
            status, drawn = redraw(form, raw, most_pixels, most_bytes)
        except Exception:  # noqa: BLE001 - whatever a decoder raises, the answer is the same
            status, drawn = BROKEN, b""
        _write(REPLY.pack(status, len(drawn)) + drawn)


def _read(size: int) -> bytes | None:
    parts = bytearray()
    while len(parts) < size:
        part = os.read(0, min(size - len(parts), 1 << 20))
        if not part:
            return None
        parts += part
    return bytes(parts)


def _write(data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(1, rest) :]


if __name__ == "__main__":
    warm_up()
    close_doors(bytes.fromhex(sys.argv[1]))
    serve()
