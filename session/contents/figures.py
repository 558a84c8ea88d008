"""Figures of stored notebooks, shown when a person comes to them (`egress_review.display.figures`)."""

from __future__ import annotations

from dataclasses import dataclass

from egress_review.display.figures import Figures, KeptImage
from egress_review.display.images import encode_image
from egress_review.display.policy import DisplayPolicy
from egress_review.display.scope import limit_of
from egress_review.display.seen import Seen
from onggi.errors import Refused
from onggi.reasons import Reason
from session.meter import SessionMeter
from session.record import DisplayRecord, What

__all__ = ["ShownFigure", "ShownFigures"]


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """A figure that is drawn and paid: mime type, base64."""

    kind: str
    encoded: str


class ShownFigures:
    """Draws, charges and records the figures of one session.

    Raises (all methods): OnggiError with the reason that stands in place of the figure.
    """

    def __init__(self, figures: Figures, meter: SessionMeter, seen: Seen, record: DisplayRecord) -> None:
        self._figures = figures
        self._meter = meter
        self._seen = seen
        self._record = record

    def find(self, name: str) -> KeptImage:
        """The image that a figure stands for."""
        return self._figures.find(name)

    def draw(self, image: KeptImage, policy: DisplayPolicy) -> ShownFigure:
        """Draw and charge, in a thread. What this browser was shown before is free."""
        if not policy.shows(image.kind):
            raise Refused(Reason.DISPLAY_TYPE_HIDDEN, type=image.kind)
        drawn = self._figures.draw(image, policy)
        if isinstance(drawn, Reason):
            raise Refused(drawn, **limit_of(policy, drawn))
        encoded = encode_image(drawn.raw)
        if not self._seen.knows(encoded) and not self._meter.take(len(drawn.raw)):
            raise Refused(self._meter.refusal.reason, **self._meter.refusal.params)
        return ShownFigure(drawn.kind, encoded)

    def note_shown(self, image: KeptImage, figure: ShownFigure) -> None:
        """Put on record, before its first byte, that a figure is shown."""
        self._record.file_before(image.notebook, figure.kind, figure.encoded.encode())
        self._seen.add(figure.encoded)

    def note_withheld(self, image: KeptImage) -> None:
        """Put on record that a figure is not shown."""
        self._record.finish(What("file", image.notebook), 1)
