"""Figures of stored notebooks, shown when a person comes to them (`egress_review.display.figures`)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from egress_review.display.figures import Figures, KeptImage
from egress_review.display.images import encode_image
from egress_review.display.policy import DisplayPolicy
from egress_review.display.scope import limit_of
from egress_review.display.seen import Seen
from onggi.errors import Refused
from onggi.reasons import Reason
from session.kernels.gates import Gates
from session.record import DisplayRecord, What

__all__ = ["ShownFigure", "ShownFigures"]

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class ShownFigure:
    """A figure that is drawn and paid: mime type, base64."""

    kind: str
    encoded: str


class ShownFigures:
    """Draws, charges and records the figures of one session, one after the other.

    So a page full of figures that take long to draw holds up no output of a cell: of the threads of the
    gates it has one.
    """

    def __init__(self, figures: Figures, gates: Gates, seen: Seen, record: DisplayRecord) -> None:
        self._figures = figures
        self._gates = gates
        self._seen = seen
        self._record = record
        self._turn = asyncio.Lock()

    async def show(self, name: str) -> ShownFigure:
        """A figure that is on record and may go to the page.

        Raises:
            OnggiError: with the reason that stands in place of the figure.
        """
        async with self._turn:
            image = await self._in_thread(self._figures.find, name)
            try:
                figure = await self._in_thread(self._draw, image, self._gates.policy)
            except Refused:
                self._record.finish(What("file", image.notebook), 1)
                raise
            self._record.file_before(image.notebook, figure.kind, figure.encoded.encode())
            self._seen.add(figure.encoded)
        return figure

    def _draw(self, image: KeptImage, policy: DisplayPolicy) -> ShownFigure:
        """Draw and charge. What this browser was shown before is free."""
        if not policy.shows(image.kind):
            raise Refused(Reason.DISPLAY_TYPE_HIDDEN, type=image.kind)
        drawn = self._figures.draw(image, policy)
        if isinstance(drawn, Reason):
            raise Refused(drawn, **limit_of(policy, drawn))
        encoded = encode_image(drawn.raw)
        meter = self._gates.meter
        if not self._seen.knows(encoded) and not meter.take(len(drawn.raw)):
            raise Refused(meter.refusal.reason, **meter.refusal.params)
        return ShownFigure(drawn.kind, encoded)

    async def _in_thread(self, call: Callable[..., Result], *arguments: object) -> Result:
        run = partial(copy_context().run, call, *arguments)
        return await asyncio.get_running_loop().run_in_executor(self._gates.threads, run)
