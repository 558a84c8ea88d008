"""What a browser is known to have already: showing it again gives nothing away, so it costs nothing."""

from __future__ import annotations

import hashlib
import json
from collections import OrderedDict

_REMEMBERED = 50_000


class Seen:
    """Digests of content that the browser sent, or was shown and paid for; the oldest are forgotten."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, value: object) -> bool:
        """Whether this very content was met before."""
        return _digest(value) in self._digests

    def add(self, value: object) -> None:
        """Remember content."""
        self._digests[_digest(value)] = None
        if len(self._digests) > _REMEMBERED:
            self._digests.popitem(last=False)


def _digest(value: object) -> bytes:
    raw = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode(
        "utf-8", "surrogatepass"
    )
    return hashlib.blake2b(raw, digest_size=16).digest()
