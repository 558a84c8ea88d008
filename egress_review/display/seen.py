"""What a browser is known to have already: showing it again gives nothing away, so it costs nothing."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable

_REMEMBERED = 50_000


class Seen:
    """Digests of content that the browser sent, or was shown and paid for; the oldest are forgotten."""

    def __init__(self) -> None:
        self._digests: OrderedDict[bytes, None] = OrderedDict()

    def knows(self, value: object, digest: bytes | None = None) -> bool:
        """Whether this very content was met before.

        Args:
            digest: of `value`, if it is at hand.
        """
        return (digest or digest_of(value)) in self._digests

    def add(self, value: object, digest: bytes | None = None) -> None:
        """Remember content."""
        self._digests[digest or digest_of(value)] = None
        if len(self._digests) > _REMEMBERED:
            self._digests.popitem(last=False)


def digest_of(value: object) -> bytes:
    """What a JSON value is known by: the same for the same content, however its keys are ordered."""
    digest = hashlib.sha256()
    _write(digest.update, value)
    return digest.digest()[:16]


def digest_of_list(digests: list[bytes]) -> bytes:
    """What a list is known by of whose items that is at hand; no single value is known by the same."""
    return hashlib.sha256(b"l:" + b"".join(digests)).digest()[:16]


def _write(put: Callable[[bytes], None], value: object) -> None:
    """Each value with its kind and size before it, so that no two values are written alike."""
    if isinstance(value, str):
        raw = value.encode("utf-8", "surrogatepass")
        put(b"s%d:" % len(raw))
        put(raw)
    elif isinstance(value, dict):
        put(b"o%d:" % len(value))
        for key in sorted(value):
            _write(put, key)
            _write(put, value[key])
    elif isinstance(value, list):
        put(b"a%d:" % len(value))
        for item in value:
            _write(put, item)
    else:
        put(b"v%r;" % (value,))
