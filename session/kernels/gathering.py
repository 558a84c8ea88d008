"""Text of one cell and one stream that came within a moment and goes to the page as one message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from egress_review.display.requests import Request
from egress_review.display.scope import Answer


@dataclass(slots=True)
class Gathered:
    """What waits, whether some of it is not in the record yet, and the timer that ends its wait."""

    request: Request | None
    name: str
    texts: list[str]
    unwritten: bool
    timer: Any = None

    def takes(self, request: Request | None, name: object) -> bool:
        """Whether text of this stream and cell goes with what waits."""
        return request is self.request and name == self.name

    def answer(self) -> Answer:
        """All of it as one message."""
        return Answer("stream", {"name": self.name, "text": "".join(self.texts)})
