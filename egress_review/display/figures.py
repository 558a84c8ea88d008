"""Images of stored notebooks that nobody has looked at yet: kept as they are, drawn when they are looked at.

Drawing an image anew takes some 25 ms. A notebook that a program wrote, or that was brought along, may hold
hundreds, and a person opens it to read three. So an image that was never drawn here goes to the page as the
name of a figure; the page asks for the figure when it is about to be seen, and then it is drawn, charged and
put on record. When the page saves the notebook, the image stands in the file again as it was.

Guarantees: a name says nothing but which image of which notebook, and is charged; what a figure shows is
always an answer of the worker; nothing that a page saves loses an image: what is no longer kept refuses.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from egress_review.display.images import Drawn, Redraw, decode_image
from egress_review.display.policy import MIB, DisplayPolicy
from egress_review.display.remembered import Remembered
from onggi.errors import Conflict, Invalid, NotFound
from onggi.reasons import Reason
from onggi.safe_files import shown

__all__ = ["FIGURE", "Figures", "KeptImage", "KeptImages"]

FIGURE = "application/vnd.onggi.figure.v1+json"
"""Type of an output that names an image: `{"figure": name}`. Only the gate makes one; kernels cannot."""
_NAME = re.compile(r"[0-9a-f]{64}")
_KEPT_BYTES = 256 * MIB
_BLOCK_BYTES = 4096
"""What a file takes on a disk at least."""
_DRAWN_BYTES = 8 * MIB


@dataclass(frozen=True, slots=True)
class KeptImage:
    """An image of a stored notebook, as it stands there.

    Attributes:
        notebook: name of the file that it was opened with.
        kind: mime type that the file says.
        encoded: base64, sign for sign.
    """

    notebook: str
    kind: str
    encoded: str


class KeptImages:
    """Images by name, on the trusted side, also for a later server; those not used for the longest go.

    For several threads at once.

    Args:
        folder: made if missing.
    """

    def __init__(self, folder: Path, most_bytes: int = _KEPT_BYTES) -> None:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder = folder
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._bytes = sum(_room_of(file.stat().st_size) for file in folder.iterdir())

    def keep(self, image: KeptImage) -> str:
        """Keep an image; its name, 64 hexadecimal digits.

        Raises:
            OSError: if there is no room for it.
        """
        head = json.dumps([image.notebook, image.kind]).encode() + b"\n"
        written = head + image.encoded.encode("utf-8", "surrogatepass")
        name = hashlib.sha256(written).hexdigest()
        file = self._folder / name
        with self._lock:
            if file.exists() and file.stat().st_size == len(written):  # else a power cut left a part
                os.utime(file)
                return name
            self._make_room(_room_of(len(written)))
            fresh = self._folder / "new"  # one for all: what a full disk leaves of it is written over
            fresh.write_bytes(written)
            fresh.replace(file)
            self._bytes += _room_of(len(written))
        return name

    def find(self, name: str) -> KeptImage:
        """The image of a name.

        Raises:
            NotFound: FIGURE_NOT_KEPT.
        """
        written = b""
        with suppress(OSError):
            if _NAME.fullmatch(name):
                written = (self._folder / name).read_bytes()
                os.utime(self._folder / name)
        if hashlib.sha256(written).hexdigest() != name:
            raise NotFound(Reason.FIGURE_NOT_KEPT)
        head, _, encoded = written.partition(b"\n")
        notebook, kind = json.loads(head)
        return KeptImage(notebook, kind, encoded.decode("utf-8", "surrogatepass"))

    def _make_room(self, size: int) -> None:
        if self._bytes + size <= self._most_bytes:
            return
        found = [(file, file.stat()) for file in self._folder.iterdir()]
        self._bytes = sum(_room_of(stat.st_size) for _, stat in found)
        for file, stat in sorted(found, key=lambda one: one[1].st_mtime_ns):
            if self._bytes + size <= self._most_bytes * 7 // 8:
                return
            file.unlink()
            self._bytes -= _room_of(stat.st_size)


class Figures:
    """The figures of one session: names for stored images, drawings for names.

    Args:
        worker: draws images anew; asked in threads only.
    """

    def __init__(self, kept: KeptImages, worker: Redraw) -> None:
        self._kept = kept
        self._worker = worker
        self._drawn: Remembered[Drawn] = Remembered(_DRAWN_BYTES)

    def of(self, notebook: str) -> Redraw:
        """What the images of a notebook are shown by: those that were drawn here at once, others later."""
        return _Later(self._kept, self._worker, notebook)

    def find(self, name: str) -> KeptImage:
        """The image that a figure stands for.

        Raises:
            NotFound: FIGURE_NOT_KEPT.
        """
        return self._kept.find(name)

    def draw(self, image: KeptImage, policy: DisplayPolicy) -> Drawn | Reason:
        """The image drawn anew, or why it is not shown."""
        limits = image, policy.image_pixels, policy.image_bytes
        drawn: Drawn | Reason | None = self._drawn.get(limits)
        if drawn is None:
            raw = decode_image(image.kind, image.encoded)
            drawn = self._worker(image.kind, raw, policy) if raw is not None else Reason.DISPLAY_IMAGE_BROKEN
            if isinstance(drawn, Drawn):
                self._drawn.put(limits, drawn, len(image.encoded) + len(drawn.raw))
        return drawn

    def put_back(self, name: str, notebook: Mapping[str, Any], most_bytes: int) -> dict[str, Any]:
        """A notebook that a page saves as `name`, with its images where the page had the names of figures.

        Args:
            most_bytes: of base64 that is put back; a page may name one image any number of times.

        Raises:
            Conflict: FIGURE_NOT_KEPT; then it must not be saved, or an image would be lost.
            Invalid: FILE_TOO_LARGE.
        """
        left = most_bytes

        def image_of(figure: str) -> KeptImage:
            nonlocal left
            try:
                image = self._kept.find(figure)
            except NotFound as error:
                raise Conflict(error.reason) from None
            left -= len(image.encoded)
            if left < 0:
                raise Invalid(Reason.FILE_TOO_LARGE, name=shown(name), limit=most_bytes)
            return image

        return {**notebook, "cells": [_with_images(cell, image_of) for cell in notebook["cells"]]}


class _Later:
    """A `Redraw` that draws nothing: what was drawn before is known, all else gets a name."""

    def __init__(self, kept: KeptImages, worker: Redraw, notebook: str) -> None:
        self._kept = kept
        self._worker = worker
        self._notebook = notebook

    def __call__(self, kind: str, raw: bytes, policy: DisplayPolicy) -> Drawn | Reason:
        """At once, where no name could be given."""
        return self._worker(kind, raw, policy)

    def drew(self, kind: str, encoded: str, policy: DisplayPolicy) -> bool:
        """Whether this was drawn here."""
        return self._worker.drew(kind, encoded, policy)

    def later(self, kind: str, encoded: str) -> str | None:
        """The name of the figure; none on a full disk."""
        with suppress(OSError):
            return self._kept.keep(KeptImage(self._notebook, kind, encoded))
        return None


def _with_images(cell: Any, image_of: Callable[[str], KeptImage]) -> Any:
    outputs = cell.get("outputs") if isinstance(cell, dict) else None
    if not isinstance(outputs, list):
        return cell
    return cell | {"outputs": [_with_image(output, image_of) for output in outputs]}


def _with_image(output: Any, image_of: Callable[[str], KeptImage]) -> Any:
    data = output.get("data") if isinstance(output, dict) else None
    if not isinstance(data, dict) or FIGURE not in data:
        return output
    said, metadata = data[FIGURE], output.get("metadata")
    image = image_of(str(said.get("figure")) if isinstance(said, dict) else "")
    rest = {kind: content for kind, content in data.items() if kind != FIGURE}
    found = output | {"data": rest | {image.kind: image.encoded}}
    if isinstance(metadata, dict) and FIGURE in metadata:
        rest = {kind: told for kind, told in metadata.items() if kind != FIGURE}
        found["metadata"] = rest | {image.kind: metadata[FIGURE]}
    return found


def _room_of(size: int) -> int:
    return -(-size // _BLOCK_BYTES) * _BLOCK_BYTES
