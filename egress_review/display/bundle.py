"""A mime bundle (the `data` of an output) reduced to what the policy lets through, within a budget.

In two steps: `prepare` makes the forms harmless, which can take milliseconds and needs nothing but the
policy, so it may run in a thread; `show` charges for them and decides which are shown, which takes none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from sys import getsizeof
from typing import Any

from egress_review.display.budget import charge_text, text_bytes
from egress_review.display.encoded import encoded_spans
from egress_review.display.figures import FIGURE
from egress_review.display.formulas import safe_latex
from egress_review.display.images import (
    SOURCE_FACTOR,
    Drawn,
    Redraw,
    decode_image,
    decoded_bytes,
    encode_image,
    too_long,
)
from egress_review.display.markup import clean_html, safe_markdown
from egress_review.display.plots import clean_vega_lite
from egress_review.display.policy import NAMED_TYPES, PLOT_TYPES, DisplayPolicy
from egress_review.display.scope import Scope
from egress_review.display.values import one_of
from onggi.reasons import Reason

_MAX_SIDE = 8192
_IMAGES = ("image/png", "image/jpeg", "image/webp", "image/gif")
_OBJECT = re.compile(r"<[\w.]{1,100} object(?: at 0x[0-9a-f]{1,16})?>")
_PLOTS = tuple(sorted(frozenset().union(*PLOT_TYPES.values())))


@dataclass(slots=True)
class Form:
    """One form of an output, harmless: its type, what is shown, and the text or number of bytes to charge."""

    kind: str
    content: str | dict[str, Any]
    charged: str | int


@dataclass(slots=True)
class Prepared:
    """What is left of a bundle before anything is charged.

    Attributes:
        form: the richest form that may be shown, or None.
        plain: its plain text, or None.
        told: what the page is told beside the form: an image's width and height; of a plot, that its menu
            stays away, which saves files and sends data to another site.
        cuts: why forms are missing, each with what its sentence says.
        tried: whether an image was decoded, which is counted whether or not it is shown.
        named: the type of an output of which nothing is left; "…" if it is none that we know.
    """

    form: Form | None = None
    plain: str | None = None
    told: dict[str, Any] = field(default_factory=dict)
    cuts: list[tuple[Reason, dict[str, str]]] = field(default_factory=list)
    tried: bool = False
    named: str = "…"

    @property
    def nameless(self) -> bool:
        """Whether the text says nothing but that there is an object, so that the person needs to be told."""
        return self.named != "…" and _OBJECT.fullmatch(self.plain or "") is not None

    @property
    def size(self) -> int:
        """About the bytes of memory that this takes; a plot is many small values: ten times its text."""
        held = getsizeof(self.plain)
        if self.form is not None:
            content, charged = self.form.content, self.form.charged
            held += getsizeof(charged)
            if content is not charged:
                held += 10 * getsizeof(charged) if isinstance(content, dict) else getsizeof(content)
        return held

    def cut(self, reason: Reason, **params: object) -> None:
        """Note why a form is missing."""
        self.cuts.append((reason, {name: str(value) for name, value in params.items()}))


def has_image(policy: DisplayPolicy, data: object) -> bool:
    """Whether preparing this bundle means decoding an image."""
    return isinstance(data, Mapping) and any(kind in data for kind in policy.mime_types.intersection(_IMAGES))


def prepare(
    policy: DisplayPolicy, redraw: Redraw, images_left: int, data: object, metadata: object = None
) -> Prepared:
    """Make the richest allowed form of a bundle (mime type → content) harmless.

    Args:
        images_left: how many more images the cell may show; if none, none is decoded.
    """
    prepared = Prepared()
    if not isinstance(data, Mapping):
        return prepared
    for step in (_plot, _image, _html, _latex, _markdown):
        if prepared.form is None:
            step(prepared, policy, data, *((redraw, images_left, metadata) if step is _image else ()))
    # Whoever is shown part of a table is not given the whole of it as text behind it.
    if not any(reason is Reason.DISPLAY_TABLE_CUT for reason, _ in prepared.cuts):
        prepared.plain = _text(data.get("text/plain"))
    rich = (kind for kind in data if one_of(kind, NAMED_TYPES) and kind != "text/plain")
    prepared.named = next(rich, "…")
    return prepared


def show(scope: Scope, prepared: Prepared) -> tuple[dict[str, Any], dict[str, Any]]:
    """Charge for a bundle's forms; data and metadata as they may be shown."""
    data: dict[str, Any] = {}
    for reason, params in prepared.cuts:
        scope.budget.cuts += 1
        scope.cut(reason, **params)
    if prepared.tried:
        scope.budget.images -= 1
    form = prepared.form
    if form is not None and _paid(scope, form):
        data[form.kind] = form.content
    if prepared.plain is not None:
        kept = scope.text(prepared.plain)
        if kept or not prepared.plain:
            data["text/plain"] = kept
    if not prepared.cuts and form is None and (not data if prepared.plain is None else prepared.nameless):
        scope.cut(Reason.DISPLAY_TYPE_HIDDEN, type=prepared.named)
    told = {form.kind: prepared.told} if form is not None and form.kind in data and prepared.told else {}
    return data, told


def _paid(scope: Scope, form: Form) -> bool:
    """Charge for a form whole or not at all: half a table says something else than the table."""
    if isinstance(form.charged, int):
        if not scope.meter.take(form.charged):
            scope.budget.cuts += 1
            scope.cut(Reason.DISPLAY_SESSION_LIMIT)
            return False
        scope.budget.record(form.kind, form.charged)
        return True
    if text_bytes(form.charged) > scope.budget.text:
        scope.budget.cuts += 1
        scope.cut(Reason.DISPLAY_CELL_LIMIT)
        return False
    _, reason = charge_text(scope.meter, scope.budget, form.charged, form.kind)
    if reason is not None:
        scope.cut(reason)
    return reason is None


def _text(value: object) -> str | None:
    """Content as text; in stored notebooks it may be a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return None


def _plot(prepared: Prepared, policy: DisplayPolicy, data: Mapping[Any, Any]) -> None:
    kind = next((kind for kind in _PLOTS if kind in data and policy.plots(kind)), None)
    if kind is None:
        return
    try:
        spec = clean_vega_lite(data[kind])
        written = json.dumps(spec, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, RecursionError) as error:
        prepared.cut(Reason.DISPLAY_PLOT_REFUSED, part=str(error)[:40])
        return
    if text_bytes(written) > policy.plot_bytes:
        prepared.cut(Reason.DISPLAY_PLOT_TOO_LARGE)
    elif encoded_spans(written, policy.encoded_run):
        prepared.cut(Reason.DISPLAY_ENCODED_CUT)
    else:
        prepared.form = Form(kind, spec, written)
        prepared.told = {"embed_options": {"actions": False}}


def _image(
    prepared: Prepared,
    policy: DisplayPolicy,
    data: Mapping[Any, Any],
    redraw: Redraw,
    images_left: int,
    metadata: object,
) -> None:
    kind = next((kind for kind in _IMAGES if kind in data and policy.shows(kind)), None)
    encoded = _text(data[kind]) if kind is not None else None
    if kind is None or encoded is None:
        return
    if images_left <= 0:
        prepared.cut(Reason.DISPLAY_IMAGE_LIMIT)
        return
    if too_long(encoded, SOURCE_FACTOR * policy.image_bytes):
        prepared.cut(Reason.DISPLAY_IMAGE_TOO_LARGE)
        return
    if redraw.drew(kind, encoded, policy):
        prepared.tried = True
        prepared.form = Form(kind, encoded, decoded_bytes(encoded))
    elif (figure := redraw.later(kind, encoded)) is not None:
        prepared.tried = True
        prepared.form = Form(FIGURE, {"figure": figure}, len(figure))
    else:
        raw = decode_image(kind, encoded)
        prepared.tried = raw is not None
        drawn = redraw(kind, raw, policy) if raw is not None else Reason.DISPLAY_IMAGE_BROKEN
        if not isinstance(drawn, Drawn):
            prepared.cut(drawn)
            return
        prepared.form = Form(drawn.kind, encode_image(drawn.raw), len(drawn.raw))
    given = metadata.get(kind) if isinstance(metadata, Mapping) else None
    if isinstance(given, Mapping):
        prepared.told = {name: given[name] for name in ("width", "height") if _is_size(given.get(name))}


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_SIDE


def _html(prepared: Prepared, policy: DisplayPolicy, data: Mapping[Any, Any]) -> None:
    source = _text(data.get("text/html"))
    if source is None or not policy.shows("text/html"):
        return
    if len(source) > policy.html_source_bytes:
        prepared.cut(Reason.DISPLAY_CELL_LIMIT)
        return
    cleaned = clean_html(source, policy)
    if cleaned.hidden_rows:
        prepared.cut(Reason.DISPLAY_TABLE_CUT, hidden=cleaned.hidden_rows)
    if cleaned.encoded:
        prepared.cut(Reason.DISPLAY_ENCODED_CUT)
    prepared.form = Form("text/html", cleaned.html, cleaned.html)


def _latex(prepared: Prepared, policy: DisplayPolicy, data: Mapping[Any, Any]) -> None:
    source = _text(data.get("text/latex"))
    if source is not None and policy.shows("text/latex") and safe_latex(source):
        prepared.form = Form("text/latex", source, source)


def _markdown(prepared: Prepared, policy: DisplayPolicy, data: Mapping[Any, Any]) -> None:
    source = _text(data.get("text/markdown"))
    if source is not None and policy.shows("text/markdown") and safe_markdown(source):
        prepared.form = Form("text/markdown", source, source)
