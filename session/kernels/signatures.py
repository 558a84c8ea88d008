"""The signatures of messages that were read lately: a message counts once."""

from __future__ import annotations

from collections import OrderedDict

__all__ = ["Signatures"]

_MOST = 4096


class Signatures:
    """The last few thousand, the oldest forgotten first."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, None] = OrderedDict()

    def __contains__(self, signature: bytes) -> bool:
        """Whether it is one of them."""
        return signature in self._seen

    def add(self, signature: bytes) -> None:
        """Remember it."""
        self._seen[signature] = None
        if len(self._seen) > _MOST:
            self._seen.popitem(last=False)
