"""The display policy as one frozen value; its version stands in every audit record.

What each field may be stands in `RULES`, once, for the document that an admin writes
(`egress_review.display.document`) and for the form in which the desk hands it to a session. Standard library
only: every session server holds this module.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any

from onggi.errors import Invalid
from onggi.reasons import Reason

KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB

IMAGE_TYPES = frozenset({"image/gif", "image/jpeg", "image/png", "image/webp"})
TEXT_TYPES = frozenset({"text/html", "text/latex", "text/markdown", "text/plain"})
PLOT_TYPES: Mapping[str, frozenset[str]] = {
    "vega-lite": frozenset({"application/vnd.vegalite.v5+json", "application/vnd.vegalite.v6+json"})
}
"""Plot formats that a policy may allow, each with its mime types."""
NAMED_TYPES = (
    IMAGE_TYPES
    | TEXT_TYPES
    | frozenset().union(*PLOT_TYPES.values())
    | {
        "application/geo+json",
        "application/javascript",
        "application/json",
        "application/pdf",
        "application/vnd.bokehjs_exec.v0+json",
        "application/vnd.bokehjs_load.v0+json",
        "application/vnd.dataresource+json",
        "application/vnd.jupyter.widget-view+json",
        "application/vnd.plotly.v1+json",
        "application/vnd.vega.v5+json",
        "application/vnd.vegalite.v4+json",
        "audio/wav",
        "image/svg+xml",
        "video/mp4",
    }
)
"""Types that a person may be told by name that they are not shown."""


@dataclass(frozen=True, slots=True)
class DisplayPolicy:
    """What may be shown. All limits are in bytes unless their name says otherwise; the defaults are the
    shipped profile `standard`.

    Attributes:
        version: of this policy; a change of anything is a new version.
        mime_types: forms of output that are shown; plain text always is.
        plot_formats: plots that the page draws from data, by the names in `PLOT_TYPES`.
        comm_targets: names under which code in the page and in the kernel may exchange messages.
        table_styles: whether colours, weight and alignment of cells are kept in HTML.
        cell_text_bytes: text of all kinds that one executed cell may show.
        cell_error_bytes: on top of it for error messages, so that a full cell can still say what went wrong.
        cell_images: images that one cell may show.
        image_bytes: of one image as it is shown.
        image_pixels: width × height of one image, looked at before it is decoded.
        table_rows, table_cells: of one HTML output; what is beyond is counted and left out.
        plot_bytes: of one plot's description with its data.
        encoded_run: characters in a row of what looks like base64 or hexadecimal; 0: any number.
        background_bytes: for everything that no forwarded execution explains, per kernel start.
        assist_bytes: of one completion or inspection.
        session_soft_bytes, session_bytes: what a session may show in its life, until a warning and at all.
        day_soft_bytes, day_bytes: what a member may be shown of one project in a day, over all sessions.
        message_bytes: flat price of a message, and of each cell and file that is shown again, so that neither
            their number nor the choice among them is free.
        html_source_bytes: HTML longer than this is not even parsed.
        entry_bytes: price of a file's size and moment of change.
        name_characters: of a file name in a listing.
        listing_entries: names in one listing.
        file_bytes: of a text file opened in the browser.
        notebook_bytes: of a notebook file.
        remembered_requests: forwarded requests that answers may refer to.
        watermark: whether the page shows who looks at which project, and when.
        record_days: for how many days the contents of what was shown are kept for auditors; 0: not at all.
    """

    version: str = "standard-1"
    mime_types: frozenset[str] = frozenset({"image/jpeg", "image/png", "text/html", "text/latex"})
    plot_formats: frozenset[str] = frozenset()
    comm_targets: frozenset[str] = frozenset()
    table_styles: bool = True
    cell_text_bytes: int = 64 * KIB
    cell_error_bytes: int = 8 * KIB
    cell_images: int = 4
    image_bytes: int = 256 * KIB
    image_pixels: int = 4_000_000
    table_rows: int = 500
    table_cells: int = 10_000
    plot_bytes: int = 64 * KIB
    encoded_run: int = 1024
    background_bytes: int = 64 * KIB
    assist_bytes: int = 16 * KIB
    session_soft_bytes: int = 24 * MIB
    session_bytes: int = 32 * MIB
    day_soft_bytes: int = 48 * MIB
    day_bytes: int = 64 * MIB
    message_bytes: int = 16
    html_source_bytes: int = 256 * KIB
    entry_bytes: int = 32
    name_characters: int = 120
    listing_entries: int = 1000
    file_bytes: int = 256 * KIB
    notebook_bytes: int = 8 * MIB
    remembered_requests: int = 2000
    watermark: bool = True
    record_days: int = 30

    def to_json(self) -> dict[str, Any]:
        """For the wire, the audit log and the reference page; sets become sorted lists."""
        return {
            name: sorted(value) if isinstance(value, frozenset) else value
            for name, value in asdict(self).items()
        }

    @property
    def message_source_bytes(self) -> int:
        """Content of a kernel's message that is longer is not even parsed."""
        image = 6 * self.image_bytes  # in base64, and a source may be larger than what is shown of it
        return 2 * (self.html_source_bytes + self.plot_bytes + image + self.cell_text_bytes) + 64 * KIB

    def shows(self, mime_type: str) -> bool:
        """Whether output of this type is shown at all."""
        return mime_type in self.mime_types or mime_type == "text/plain"

    def plots(self, mime_type: str) -> bool:
        """Whether plots described in this type are drawn."""
        return any(mime_type in PLOT_TYPES[name] for name in self.plot_formats)


@dataclass(frozen=True, slots=True)
class Number:
    """A whole number between two bounds."""

    least: int
    most: int

    def read(self, value: object) -> int | None:
        """The number, or None."""
        usable = isinstance(value, int) and not isinstance(value, bool) and self.least <= value <= self.most
        return value if usable else None  # type: ignore[return-value]  # mypy cannot see through `usable`

    def __str__(self) -> str:
        return f"{self.least}–{self.most}"


@dataclass(frozen=True, slots=True)
class Choice:
    """A list of words, each one of those allowed."""

    words: frozenset[str]

    def read(self, value: object) -> frozenset[str] | None:
        """The words as a set, or None."""
        if not isinstance(value, list) or not all(
            isinstance(word, str) and word in self.words for word in value
        ):
            return None
        return frozenset(value)

    def __str__(self) -> str:
        return ", ".join(sorted(self.words))


@dataclass(frozen=True, slots=True)
class Names:
    """A short list of names of the caller's choice."""

    pattern: str
    most: int

    def read(self, value: object) -> frozenset[str] | None:
        """The names as a set, or None."""
        if not isinstance(value, list) or len(value) > self.most:
            return None
        if not all(isinstance(name, str) and re.fullmatch(self.pattern, name) for name in value):
            return None
        return frozenset(value)

    def __str__(self) -> str:
        return f"[{self.pattern}] × 0–{self.most}"


@dataclass(frozen=True, slots=True)
class Name:
    """One name."""

    pattern: str

    def read(self, value: object) -> str | None:
        """The name, or None."""
        return value if isinstance(value, str) and re.fullmatch(self.pattern, value) else None

    def __str__(self) -> str:
        return self.pattern


@dataclass(frozen=True, slots=True)
class Switch:
    """True or false."""

    def read(self, value: object) -> bool | None:
        """The truth value, or None."""
        return value if isinstance(value, bool) else None

    def __str__(self) -> str:
        return "true, false"


Rule = Number | Choice | Names | Name | Switch
_BYTES = Number(0, 16 * MIB)
_TOTAL = Number(0, 1024 * GIB)

RULES: Mapping[str, Rule] = {
    "version": Name(r"[a-z][a-z0-9.-]{0,39}"),
    "mime_types": Choice((IMAGE_TYPES | TEXT_TYPES) - {"text/plain"}),
    "plot_formats": Choice(frozenset(PLOT_TYPES)),
    "comm_targets": Names(r"[A-Za-z0-9_.-]{1,64}", 16),
    "table_styles": Switch(),
    "cell_text_bytes": _BYTES,
    "cell_error_bytes": _BYTES,
    "cell_images": Number(0, 1000),
    "image_bytes": Number(0, 4 * MIB),
    "image_pixels": Number(0, 25_000_000),
    "table_rows": Number(0, 100_000),
    "table_cells": Number(0, 1_000_000),
    "plot_bytes": Number(0, 4 * MIB),
    "encoded_run": Number(0, MIB),
    "background_bytes": _BYTES,
    "assist_bytes": Number(0, MIB),
    "session_soft_bytes": _TOTAL,
    "session_bytes": _TOTAL,
    "day_soft_bytes": _TOTAL,
    "day_bytes": _TOTAL,
    "message_bytes": Number(1, KIB),
    "html_source_bytes": Number(0, 4 * MIB),
    "entry_bytes": Number(1, KIB),
    "name_characters": Number(20, 255),
    "listing_entries": Number(10, 10_000),
    "file_bytes": _BYTES,
    "notebook_bytes": _BYTES,
    "remembered_requests": Number(10, 10_000),
    "watermark": Switch(),
    "record_days": Number(0, 3650),
}
"""What each field of a policy may be."""

_ORDERED = (("session_soft_bytes", "session_bytes"), ("day_soft_bytes", "day_bytes"))


def policy_from_json(body: object) -> DisplayPolicy:
    """A policy from the form that `DisplayPolicy.to_json` makes; every key must be there, and no other.

    Raises:
        Invalid: naming the key and what it may be.
    """
    if not isinstance(body, Mapping):
        raise Invalid(Reason.DISPLAY_POLICY_UNREADABLE, place="")
    known = {item.name for item in fields(DisplayPolicy)}
    for key in body:
        if key not in known:
            raise unknown_key(key)
    for key in sorted(known - body.keys()):
        raise Invalid(Reason.DISPLAY_POLICY_MISSING, key=key, allowed=RULES[key])
    policy = DisplayPolicy(**{key: read_field(key, body[key]) for key in known})
    for soft, hard in _ORDERED:
        if getattr(policy, soft) > getattr(policy, hard):
            raise Invalid(
                Reason.DISPLAY_POLICY_FIELD, key=soft, value=body[soft], allowed=f"≤ {hard} ({body[hard]})"
            )
    return policy


def read_field(key: str, value: object) -> Any:
    """The value of one field as the policy holds it.

    Raises:
        Invalid: DISPLAY_POLICY_FIELD.
    """
    found = RULES[key].read(value)
    if found is None:
        raise Invalid(Reason.DISPLAY_POLICY_FIELD, key=key, value=repr(value)[:80], allowed=RULES[key])
    return found


def unknown_key(key: object) -> Invalid:
    """The refusal of a key that no policy has."""
    return Invalid(Reason.DISPLAY_POLICY_UNKNOWN, key=repr(key)[:80], allowed=", ".join(sorted(RULES)))
