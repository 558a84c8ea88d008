"""A notebook that is opened, as its answer is written: beside the event loop, and hashed once.

The hash is the one of the display record; what the answer is known by, to the price list and to the browser's
cache, comes from it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from jupyter_server.services.contents.handlers import ContentsHandler

from session.record import piece_hash
from session.tab import Written, note_written
from web.large_json import write_json

__all__ = ["NOTEBOOK_PATH", "NotebookHandler", "OpenedNotebook", "plain_bytes"]

NOTEBOOK_PATH = r"api/contents(?P<path>(?:/[^/]+)*/[^/]+\.[iI][pP][yY][nN][bB])"
"""Addresses of notebooks, after the session's prefix, in Jupyter's form."""


class OpenedNotebook(dict[str, Any]):
    """A model with the content of a notebook, written already."""

    def __init__(self, model: dict[str, Any]) -> None:
        super().__init__(model)
        moments = {key: _moment(item) for key, item in model.items() if isinstance(item, datetime)}
        body = write_json(model | moments)
        self.written = Written(body, piece_hash("application/json", body), plain_bytes(model))
        note_written(self.written)


class NotebookHandler(ContentsHandler):
    """Jupyter's, which sends what is written as it is."""

    def _finish_model(self, model: dict[str, Any], location: bool = True) -> None:  # noqa: FBT001, FBT002 - Jupyter's signature
        if not isinstance(model, OpenedNotebook):
            super()._finish_model(model, location)  # type: ignore[no-untyped-call]  # Jupyter's, not annotated
            return
        self.set_header("Last-Modified", model["last_modified"])
        self.set_header("Content-Type", "application/json")
        self.set_header("Etag", f'"{model.written.hash.hexdigest()[:40]}"')
        self._sent = self.finish(model.written.body)


def plain_bytes(value: Any) -> int:
    """What a JSON value takes if its texts needed no escapes."""
    match value:
        case str():
            return 2 + (len(value) if value.isascii() else len(value.encode("utf-8", "replace")))
        case dict():
            return 2 + sum(plain_bytes(key) + plain_bytes(item) + 2 for key, item in value.items())
        case list():
            return 2 + sum(plain_bytes(item) + 1 for item in value)
        case datetime():
            return 2 + len(_moment(value))
        case _:
            return len(repr(value))


def _moment(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
