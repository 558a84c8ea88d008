"""Figures for reviewers' eyes: drawn anew from their pixels, in a process that can do nothing else.

Guarantees: no byte of a submitted picture reaches a reviewer's browser, and none is decoded in this process.
What is shown is therefore not the file that would be released, but the same picture to the eye.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable

from egress_review.display.images import Drawn
from egress_review.display.policy import MIB, DisplayPolicy
from egress_review.domain import Output
from egress_review.vault import Vault
from onggi.errors import Invalid, NotFound
from onggi.reasons import Reason

MOST_PIXELS = 20_000_000
"""A page of A4 at 400 dots per inch has 15 million."""
MOST_BYTES = 24 * MIB
"""Of a picture, as it was handed in and as it is drawn."""
DRAWING_S = 20.0
"""Seconds for one picture: six million pixels of noise, 18 MB, took 3.3 on a busy machine."""
_KEPT_BYTES = 96 * MIB
_Draw = Callable[[str, bytes, DisplayPolicy], Drawn | Reason]
_KINDS = {"jpeg": "image/jpeg", "png": "image/png"}
_POLICY = DisplayPolicy(version="review", image_pixels=MOST_PIXELS, image_bytes=MOST_BYTES)


def is_picture(output: Output) -> bool:
    """Whether the checks took the output for a picture."""
    return output.report is not None and output.report.file_type in _KINDS


class Pictures:
    """Pictures drawn anew, the last ones kept by what they were drawn from.

    Args:
        redraw: an `egress_review.display.redrawing.ImageWorker`.
    """

    def __init__(self, vault: Vault, redraw: _Draw, kept_bytes: int = _KEPT_BYTES) -> None:
        self._vault = vault
        self._redraw = redraw
        self._kept_bytes = kept_bytes
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[str, str], Drawn] = OrderedDict()

    def drawn(self, output: Output) -> Drawn:
        """An output's picture. Blocks while it is drawn.

        Raises:
            NotFound: it is no picture, or the vault does not hold it.
            Invalid: it cannot be drawn; `limit` says how large it may be, if that is why.
            Tampered: if the vault's bytes are not those that were submitted.
        """
        if output.sha256 is None or output.report is None or output.report.file_type not in _KINDS:
            raise NotFound(Reason.NOT_FOUND, what="output")
        key = (_KINDS[output.report.file_type], output.sha256)
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
        drawn = self._draw(*key)
        self._keep(key, drawn)
        return drawn

    def _draw(self, kind: str, sha256: str) -> Drawn:
        with self._vault.verified(sha256) as content:
            raw = content.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise Invalid(Reason.DISPLAY_IMAGE_TOO_LARGE, limit=MOST_BYTES)
        drawn = self._redraw(kind, raw, _POLICY)
        if drawn is Reason.DISPLAY_IMAGE_PIXELS:
            raise Invalid(drawn, limit=MOST_PIXELS)
        if isinstance(drawn, Reason):
            raise Invalid(drawn, limit=MOST_BYTES)
        return drawn

    def _keep(self, key: tuple[str, str], drawn: Drawn) -> None:
        with self._lock:
            self._kept[key] = drawn
            while sum(len(one.raw) for one in self._kept.values()) > self._kept_bytes:
                self._kept.popitem(last=False)
