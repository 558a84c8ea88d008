"""Looking for a token in what came out, also in what is encoded."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable

_RUN = re.compile(rb"[A-Za-z0-9+/_=-]{16,}")


def copies(everything: Iterable[bytes], token: str) -> int:
    """How often a token stands in these bytes, as it is or within base64."""
    wanted = token.encode()
    return sum(part.count(wanted) + _hidden(part).count(wanted) for part in everything)


def _hidden(part: bytes) -> bytes:
    return b"\n".join(_decoded(run) for run in _RUN.findall(part))


def _decoded(run: bytes) -> bytes:
    plain = run.replace(b"-", b"+").replace(b"_", b"/").rstrip(b"=")
    try:
        return base64.b64decode(plain + b"=" * (-len(plain) % 4))
    except binascii.Error:
        return b""
