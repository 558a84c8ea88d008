"""Text of one cell and one stream that comes within a moment and goes to the page as one message."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

from tornado.ioloop import IOLoop

from egress_review.display.requests import Request
from egress_review.display.scope import Answer, Outcome

__all__ = ["Gathering"]

GATHER_SECONDS = 0.01


class Send(Protocol):
    """What takes the text when the moment is over."""

    def __call__(self, outcome: Outcome, *, unwritten: bool) -> None:
        """Send it; `unwritten` is whether some of it is not in the record yet."""
        ...


class Gathering:
    """What waits to be sent with what comes next."""

    def __init__(self, send: Send) -> None:
        self._send: Callable[..., None] = send
        self._request: Request | None = None
        self._name: object = None
        self._texts: list[str] = []
        self._unwritten = False
        self._timer: Any = None

    def takes(self, request: Request | None, name: object) -> bool:
        """Whether text of this stream and cell goes with what waits."""
        return bool(self._texts) and request is self._request and name == self._name

    def add(self, request: Request | None, answer: Answer, *, unwritten: bool) -> None:
        """Have text wait; what it does not go with is sent."""
        name, text = answer.content["name"], answer.content["text"]
        if not self.takes(request, name):
            self.let_go()
            self._request, self._name, self._unwritten = request, name, False
            self._timer = IOLoop.current().call_later(GATHER_SECONDS, self.let_go)
        self._texts.append(text)
        self._unwritten = self._unwritten or unwritten

    def let_go(self) -> None:
        """Send what waits, if anything does."""
        if not self._texts:
            return
        text, self._texts = "".join(self._texts), []
        IOLoop.current().remove_timeout(self._timer)
        answer = Answer("stream", {"name": self._name, "text": text})
        self._send(Outcome([answer], request=self._request), unwritten=self._unwritten)
