"""One spelling per path: what is spelled otherwise is refused before any route is looked at."""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes

_RAW = re.compile(r"/[A-Za-z0-9\-._~!$&'()*+,=:@%/]*")
_ESCAPE = re.compile(r"%([0-9A-Fa-f]{2})")
_UNRESERVED = frozenset(b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~")
_REFUSED = frozenset(range(0x20)) | frozenset(b"%/\\;\x7f")
MAX_PATH_CHARACTERS = 2048


def canonical(path: str) -> bool:
    """Whether a raw request path is the one spelling of what it means.

    Refused: empty, `.` and `..` segments, `;`, backslashes, control characters, encoded slashes, percent
    signs and unreserved characters (`%66iles`), invalid UTF-8, and anything over `MAX_PATH_CHARACTERS`.
    """
    if len(path) > MAX_PATH_CHARACTERS or not _RAW.fullmatch(path) or "//" in path:
        return False
    if path.count("%") != len(_ESCAPE.findall(path)):
        return False
    for escape in _ESCAPE.findall(path):
        byte = int(escape, 16)
        if byte in _UNRESERVED or byte in _REFUSED:
            return False
    if any(segment in {".", ".."} for segment in path.split("/")):
        return False
    try:
        unquote_to_bytes(path).decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
