"""What the gate has counted on behalf of one HTTP request, so that its answer is not counted twice.

A tab is opened where a request comes in (`session.http.charging`); it follows the request into the threads
that read files for it.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any

from egress_review.display.seen import Seen

__all__ = ["KnownContent", "Tab", "Written", "count_on_tab", "note_written", "open_tab"]


@dataclass(frozen=True, slots=True)
class Written:
    """The body of an answer that was written in a thread.

    Attributes:
        hash: of hashlib, as the display record hashes the body as a piece.
        plain: bytes of the body without the escapes of JSON.
    """

    body: bytes
    hash: Any
    plain: int


@dataclass(slots=True)
class Tab:
    """What was done for one request.

    Attributes:
        counted: bytes of content that were charged, or are known to the browser.
        written: the body of its answer, if that is at hand.
    """

    counted: int = 0
    written: Written | None = None


_current: ContextVar[Tab | None] = ContextVar("onggi_tab", default=None)


def open_tab() -> Tab:
    """A tab for what happens from here on in this context."""
    tab = Tab()
    _current.set(tab)
    return tab


def count_on_tab(count: int) -> None:
    """Note bytes for the request that this happens for, if it happens for one."""
    tab = _current.get()
    if tab is not None:
        tab.counted += count


def note_written(written: Written) -> None:
    """Note the body for the request that this happens for, if it happens for one."""
    tab = _current.get()
    if tab is not None:
        tab.written = written


class KnownContent(Seen):
    """What the browser has already; that it gets it again is noted on the tab."""

    def knows(self, value: object, digest: bytes | None = None) -> bool:
        """Whether this very content was met before."""
        known = super().knows(value, digest)
        if known:
            count_on_tab(_size(value))
        return known


def _size(value: object) -> int:
    """Bytes of the text in a JSON value, without what JSON puts around it."""
    if isinstance(value, str):
        return len(value) if value.isascii() else len(value.encode("utf-8", "replace"))
    if isinstance(value, dict):
        return sum(_size(name) + _size(item) for name, item in value.items())
    if isinstance(value, list):
        return sum(_size(item) for item in value)
    return 8
