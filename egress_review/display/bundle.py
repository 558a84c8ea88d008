"""A mime bundle (the `data` of an output) reduced to what the policy lets through, within a budget."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from egress_review.display.budget import Budget, Meter, charge_text, text_bytes
from egress_review.display.images import decode_image, encode_image, too_long
from egress_review.display.markup import clean_html, safe_latex
from egress_review.display.policy import IMAGE_TYPES, DisplayPolicy
from onggi.reasons import Reason

_MAX_PIXELS = 8192


@dataclass(slots=True)
class Shown:
    """What is left of a bundle, and why something is missing."""

    data: dict[str, str] = field(default_factory=dict)
    metadata: dict[str, dict[str, int | bool]] = field(default_factory=dict)
    cuts: list[Reason] = field(default_factory=list)
    hidden: str = ""


def show_bundle(
    policy: DisplayPolicy, meter: Meter, budget: Budget, data: object, metadata: object = None
) -> Shown:
    """Reduce `data` (mime type → content) to the allowed types that fit, charging budget and meter.

    The richest form that fits is shown beside the plain text; a form that is dropped leaves the plain text.
    """
    shown = Shown()
    if not isinstance(data, Mapping):
        return shown
    for kind in sorted(IMAGE_TYPES & data.keys()):
        _show_image(policy, meter, budget, kind, _text(data[kind]), shown)
        _image_size(kind, metadata, shown)
    if not shown.data:
        _show_markup(policy, meter, budget, data, shown)
    plain = _text(data.get("text/plain"))
    if plain is not None:
        _show_plain(meter, budget, plain, shown)
    if not shown.data and not shown.cuts:
        shown.hidden = next((str(kind)[:60] for kind in data), "")
        shown.cuts.append(Reason.DISPLAY_TYPE_HIDDEN)
    return shown


def _text(value: object) -> str | None:
    """Content as text; in stored notebooks it may be a list of lines."""
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return None


def _show_image(
    policy: DisplayPolicy, meter: Meter, budget: Budget, kind: str, encoded: str | None, shown: Shown
) -> None:
    if encoded is None:
        return
    reason = None
    raw = None if too_long(encoded, policy.image_bytes) else decode_image(kind, encoded)
    if too_long(encoded, policy.image_bytes) or (raw is not None and len(raw) > policy.image_bytes):
        reason = Reason.DISPLAY_IMAGE_TOO_LARGE
    elif raw is None:
        reason = Reason.DISPLAY_TYPE_HIDDEN
    elif budget.images <= 0:
        reason = Reason.DISPLAY_IMAGE_LIMIT
    elif not meter.take(len(raw)):
        reason = Reason.DISPLAY_SESSION_LIMIT
    if reason is not None or raw is None:
        budget.cuts += 1
        shown.cuts.append(reason or Reason.DISPLAY_TYPE_HIDDEN)
        return
    budget.images -= 1
    budget.record(kind, raw)
    shown.data[kind] = encode_image(raw)


def _image_size(kind: str, metadata: object, shown: Shown) -> None:
    given = metadata.get(kind) if isinstance(metadata, Mapping) else None
    if kind in shown.data and isinstance(given, Mapping):
        sizes = {name: given[name] for name in ("width", "height") if _is_size(given.get(name))}
        if sizes:
            shown.metadata[kind] = sizes


def _is_size(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value <= _MAX_PIXELS


def _show_markup(
    policy: DisplayPolicy, meter: Meter, budget: Budget, data: Mapping[object, object], shown: Shown
) -> None:
    """HTML or LaTeX, whole or not at all: half a table says something else than the table."""
    html = _text(data.get("text/html"))
    latex = _text(data.get("text/latex"))
    if html is not None and len(html) <= policy.html_source_bytes:
        kind, content = "text/html", clean_html(html)
    elif latex is not None and safe_latex(latex):
        kind, content = "text/latex", latex
    else:
        if html is not None:
            budget.cuts += 1
            shown.cuts.append(Reason.DISPLAY_CELL_LIMIT)
        return
    if text_bytes(content) > budget.text:
        budget.cuts += 1
        shown.cuts.append(Reason.DISPLAY_CELL_LIMIT)
        return
    kept, reason = charge_text(meter, budget, content, kind)
    if reason is None:
        shown.data[kind] = kept
    else:
        shown.cuts.append(reason)


def _show_plain(meter: Meter, budget: Budget, plain: str, shown: Shown) -> None:
    kept, reason = charge_text(meter, budget, plain, "text/plain")
    if reason is not None:
        shown.cuts.append(reason)
    if kept or not plain:
        shown.data["text/plain"] = kept
