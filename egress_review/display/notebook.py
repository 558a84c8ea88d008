"""Stored notebooks on their way to the browser: kernels can write them, so they pass the policy like outputs.

Guarantees: the notebook is rebuilt from known keys; each cell's outputs fit a cell's budget; sources and
metadata that the browser is not known to have are charged and bounded. Attachments and widgets are left out.
JupyterLab saves what it was shown, so what was cut here is gone from the file once it is saved; images that
were never drawn are not (`egress_review.display.figures`).

Source: nbformat 4.5.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from egress_review.display.answers import BUILDERS
from egress_review.display.budget import CountingMeter, Meter, cell_budget, text_bytes
from egress_review.display.bundle import Prepared, prepare
from egress_review.display.figures import FIGURE
from egress_review.display.images import Redraw, refuse_all
from egress_review.display.policy import MIB, DisplayPolicy
from egress_review.display.remembered import Remembered
from egress_review.display.scope import Notice, Outcome, Scope
from egress_review.display.seen import Seen, digest_of, digest_of_list
from egress_review.display.values import one_of, plain_json
from onggi.errors import Invalid
from onggi.reasons import Reason

_CELL_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")
_FORMAT, _MINOR = 4, 5
_CELL_TYPES = frozenset({"code", "markdown", "raw"})
_MAX_CELLS = 5000
_MAX_METADATA_BYTES = 4096
_MADE_BYTES = 8 * MIB
"""What was made harmless of one large notebook: that of figures takes a second to draw."""
_MESSAGES = {
    "display_data": "display_data",
    "execute_result": "execute_result",
    "stream": "stream",
    "error": "error",
}
Tell = Callable[[Notice], str]


class NotebookView:
    """Shows notebooks of one session.

    Args:
        tell: turns a notice into the sentence that stands in place of what was cut.
        redraw_of: what decodes the images of a notebook of this name, or says what to do with them; without
            it none is shown.
    """

    def __init__(
        self,
        policy: DisplayPolicy,
        meter: Meter,
        seen: Seen,
        tell: Tell,
        redraw_of: Callable[[str], Redraw] = lambda _: refuse_all,
    ) -> None:
        self._policy = policy
        self._redraw_of = redraw_of
        self._meter = meter
        self._seen = seen
        self._made: Remembered[Prepared] = Remembered(_MADE_BYTES)
        self.tell = tell

    def apply(self, policy: DisplayPolicy) -> None:
        """Show by another policy from now on."""
        self._policy = policy

    def show(self, notebook: object, name: str) -> dict[str, Any]:
        """The notebook as the browser may see it.

        Raises:
            Invalid: NOTEBOOK_UNREADABLE; FILE_TOO_LARGE if it holds more text that the browser has not than
            one
                file may show.
        """
        if not isinstance(notebook, Mapping) or notebook.get("nbformat") != _FORMAT:
            raise Invalid(Reason.NOTEBOOK_UNREADABLE, name=name)
        cells = notebook.get("cells")
        if not isinstance(cells, list) or len(cells) > _MAX_CELLS:
            raise Invalid(Reason.NOTEBOOK_UNREADABLE, name=name)
        left = _Allowance(self._policy.file_bytes, name)
        minor = notebook.get("nbformat_minor")
        return {
            "nbformat": _FORMAT,
            "nbformat_minor": minor if isinstance(minor, int) and 0 <= minor <= _MINOR else _MINOR,
            "metadata": self._unseen(notebook.get("metadata"), left),
            "cells": [self._cell(cell, left, name) for cell in cells],
        }

    def remember(self, notebook: object) -> None:
        """Note what the browser sent when it saved a notebook."""
        cells = notebook.get("cells") if isinstance(notebook, Mapping) else None
        for cell in cells if isinstance(cells, list) else ():
            if isinstance(cell, Mapping):
                for key in ("source", "metadata"):
                    self._seen.add(_plain(cell.get(key)))
                if isinstance(outputs := cell.get("outputs"), list):
                    self._seen.add(outputs, digest_of_list(_digests(outputs)))
                self._seen.add({"id": cell.get("id")})
        if isinstance(notebook, Mapping):
            self._seen.add(_plain(notebook.get("metadata")))

    def _cell(self, cell: object, left: _Allowance, name: str) -> dict[str, Any]:
        if not isinstance(cell, Mapping) or not one_of(cell.get("cell_type"), _CELL_TYPES):
            raise Invalid(Reason.NOTEBOOK_UNREADABLE, name=name)
        # Which of the known cells stand here, and in which order, says something too.
        left.pay(self._meter, self._policy.message_bytes)
        source = _plain(cell.get("source"))
        if not isinstance(source, str):
            raise Invalid(Reason.NOTEBOOK_UNREADABLE, name=name)
        if not self._seen.knows(source):
            left.take(self._meter, source)
            self._seen.add(source)
        rebuilt = {
            "cell_type": cell["cell_type"],
            "metadata": self._unseen(cell.get("metadata"), left),
            "source": source,
        }
        if isinstance(cell.get("id"), str) and _CELL_ID.fullmatch(cell["id"]):
            if not self._seen.knows({"id": cell["id"]}):
                left.pay(self._meter, len(cell["id"]))
                self._seen.add({"id": cell["id"]})
            rebuilt["id"] = cell["id"]
        if cell["cell_type"] == "code":
            count = cell.get("execution_count")
            rebuilt["execution_count"] = count if isinstance(count, int) and 0 <= count < 2**31 else None
            rebuilt["outputs"] = self._outputs(cell.get("outputs"), self._redraw_of(name))
        return rebuilt

    def _unseen(self, metadata: object, left: _Allowance) -> dict[str, Any]:
        """Metadata that the browser has, or that is small enough to pay for; else none."""
        if not isinstance(metadata, Mapping):
            return {}
        try:
            kept = plain_json({key: value for key, value in metadata.items() if key != "widgets"})
        except ValueError:
            return {}
        if not self._seen.knows(kept):
            text = repr(kept)
            if text_bytes(text) > _MAX_METADATA_BYTES:
                return {}
            left.take(self._meter, text)
            self._seen.add(kept)
        shown: dict[str, Any] = kept
        return shown

    def _outputs(self, outputs: object, redraw: Redraw) -> list[dict[str, Any]]:
        if not isinstance(outputs, list):
            return []
        digests = _digests(outputs)  # each output is hashed once, for all that asks
        digest = digest_of_list(digests)
        known = self._seen.knows(outputs, digest)
        meter: Meter = CountingMeter(64 * MIB) if known else self._meter
        outcome = Outcome()
        scope = Scope(self._policy, meter, cell_budget(self._policy), None, outcome, {}, redraw=redraw)
        shown: list[dict[str, Any]] = []
        for output, known_by in zip(outputs, digests, strict=True):
            kind = output.get("output_type") if isinstance(output, Mapping) else None
            if not isinstance(output, Mapping) or not one_of(kind, _MESSAGES):
                continue
            content = dict(output) | ({"text": _plain(output.get("text"))} if kind == "stream" else {})
            scope.prepare = partial(self._prepare, known_by)
            answer = BUILDERS["iopub"][_MESSAGES[kind]](scope, content)
            if answer is not None:
                shown.append(
                    {"output_type": kind} | {k: v for k, v in answer.content.items() if k != "transient"}
                )
        shown += [
            {"output_type": "stream", "name": "stderr", "text": f"[{self.tell(notice)}]\n"}
            for notice in outcome.notices
        ]
        named = any(FIGURE in one.get("data", ()) for one in shown)
        if not outcome.notices and not named:  # whole and paid, so they are free when they are opened again
            self._seen.add(outputs, digest)
        return shown

    def _prepare(
        self,
        known_by: bytes,
        policy: DisplayPolicy,
        redraw: Redraw,
        images_left: int,
        data: object,
        metadata: object = None,
    ) -> Prepared:
        """As `bundle.prepare`; what is the same as the last time, under the same policy, is made once."""
        key = policy, known_by, images_left > 0
        found = self._made.get(key)
        if found is None:
            found = prepare(policy, redraw, images_left, data, metadata)
            if found.form is None or found.form.kind != FIGURE:  # its name is of this notebook alone
                self._made.put(key, found, found.size)
        form = found.form
        if form is not None and isinstance(form.charged, int) and self._seen.knows(form.content):
            return replace(found, form=replace(form, charged=0))  # it was looked at as a figure
        return found


class _Allowance:
    """Text that one notebook may still bring to a browser that does not have it."""

    def __init__(self, count: int, name: str) -> None:
        self._limit = self._left = count
        self._name = name

    def take(self, meter: Meter, text: str) -> None:
        size = text_bytes(text)
        self._left -= size
        if self._left < 0:
            raise Invalid(Reason.FILE_TOO_LARGE, name=self._name, limit=self._limit)
        self.pay(meter, size)

    def pay(self, meter: Meter, size: int) -> None:
        """Charge the session alone."""
        if not meter.take(size):
            raise Invalid(Reason.DISPLAY_SESSION_LIMIT, limit=self._limit)


def _digests(outputs: list[Any]) -> list[bytes]:
    """What each output is known by."""
    return [digest_of(_plain(output)) for output in outputs]


def _plain(value: object) -> object:
    """Multi-line text as one string, wherever it stands, so that both spellings are the same."""
    if isinstance(value, list):
        try:
            return "".join(value) if value else []
        except TypeError:
            return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return value
