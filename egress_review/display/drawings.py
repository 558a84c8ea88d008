"""Images that were drawn here before: shown again as they are, also by a later server of the session.

A page saves what it was shown, so a notebook that is opened is full of images that this very process has
drawn; decoding and drawing them all again would take a minute of a day's work seconds each time.

Guarantees: an image is taken as drawn only if, sign for sign of its base64, it is what was shown of an answer
of the worker, under the same limits on pixels and bytes, from the same code and the same Pillow. It is
charged like any other. What is remembered is a hash of each; a memory that is lost or cut costs time and
nothing else.
"""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterable
from contextlib import suppress
from importlib import metadata, resources
from pathlib import Path

from egress_review.display.images import Drawn, encode_image
from egress_review.display.policy import DisplayPolicy
from egress_review.display.redrawing import ImageWorker
from onggi.reasons import Reason

__all__ = ["KnownDrawings", "RememberingWorker"]

_MARK_BYTES = 32
_MOST = 8192
"""Images of some weeks; in memory about a megabyte."""


class RememberingWorker(ImageWorker):
    """An `ImageWorker` that knows what it has drawn."""

    def __init__(self, known: KnownDrawings) -> None:
        super().__init__()
        self._known = known

    def __call__(self, kind: str, raw: bytes, policy: DisplayPolicy) -> Drawn | Reason:
        """The image drawn anew, or why it is not shown."""
        drawn = super().__call__(kind, raw, policy)
        if isinstance(drawn, Drawn):
            self._known.add(drawn.kind, encode_image(drawn.raw), policy)
        return drawn

    def drew(self, kind: str, encoded: str, policy: DisplayPolicy) -> bool:
        """Whether this image is, sign for sign, one that was drawn here."""
        return self._known.has(kind, encoded, policy)


class KnownDrawings:
    """Marks of images that were drawn, the newest of them, in a file; for several threads at once.

    Args:
        path: on the trusted side; made if missing.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._code = _code()
        self._lock = threading.Lock()
        self._marks: dict[bytes, None] = {}
        with suppress(OSError):
            self._read()

    def has(self, kind: str, encoded: str, policy: DisplayPolicy) -> bool:
        """Whether this is an image as it was shown, under these limits."""
        mark = self._mark(kind, encoded, policy)
        with self._lock:
            return mark in self._marks

    def add(self, kind: str, encoded: str, policy: DisplayPolicy) -> None:
        """Remember an image that was drawn, in base64."""
        mark = self._mark(kind, encoded, policy)
        with self._lock, suppress(OSError):  # on a full disk it is known until this process ends
            if mark in self._marks:
                return
            self._marks[mark] = None
            if len(self._marks) > _MOST:
                self._marks = dict.fromkeys(list(self._marks)[-_MOST // 2 :])
                self._write(self._marks)
            else:
                _append(self._path, mark)

    def _mark(self, kind: str, encoded: str, policy: DisplayPolicy) -> bytes:
        about = f"{kind} {policy.image_pixels} {policy.image_bytes} ".encode()
        digest = hashlib.sha256(self._code + about)
        digest.update(encoded.encode("utf-8", "surrogatepass"))
        return digest.digest()

    def _read(self) -> None:
        raw = self._path.read_bytes()[: 2 * _MOST * _MARK_BYTES]
        whole = len(raw) - len(raw) % _MARK_BYTES
        marks = (raw[at : at + _MARK_BYTES] for at in range(0, whole, _MARK_BYTES))
        self._marks = dict.fromkeys(list(marks)[-_MOST:])
        if whole != len(raw):  # its process died in the middle of one
            self._write(self._marks)

    def _write(self, marks: Iterable[bytes]) -> None:
        fresh = self._path.with_suffix(".new")
        fresh.write_bytes(b"".join(marks))
        fresh.replace(self._path)


def _append(path: Path, mark: bytes) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
    file = os.open(path, flags, 0o600)
    try:
        os.write(file, mark)
    finally:
        os.close(file)


def _code() -> bytes:
    """What draws: the program and its Pillow; what another one drew is not known."""
    program = resources.files("egress_review.display").joinpath("redraw.py").read_bytes()
    return hashlib.sha256(f"{metadata.version('pillow')} ".encode() + program).digest()
