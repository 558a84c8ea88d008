"""The display policy as one frozen value; its version stands in every audit record."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

KIB = 1024
MIB = 1024 * KIB

IMAGE_TYPES = frozenset({"image/jpeg", "image/png"})
TEXT_TYPES = frozenset({"text/html", "text/latex", "text/plain"})
NAMED_TYPES = (
    IMAGE_TYPES
    | TEXT_TYPES
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
        "application/vnd.vegalite.v5+json",
        "audio/wav",
        "image/gif",
        "image/svg+xml",
        "text/markdown",
        "video/mp4",
    }
)
"""Types that a person may be told by name that they are not shown."""


@dataclass(frozen=True, slots=True)
class DisplayPolicy:
    """What may be shown. All limits are in bytes unless their name says otherwise.

    Attributes:
        cell_text_bytes: text of all kinds that one executed cell may show.
        cell_error_bytes: on top of it for error messages, so that a full cell can still say what went wrong.
        cell_images: images that one cell may show.
        image_bytes: of one decoded image.
        background_bytes: for everything that no forwarded execution explains, per kernel start.
        assist_bytes: of one completion or inspection.
        session_bytes: everything a session may show in its life.
        message_bytes: flat price of a message, and of each cell and file that is shown again, so that neither
            their number nor the choice among them is free.
        html_source_bytes: HTML longer than this is not even parsed.
        entry_bytes: price of a file's size and moment of change.
        name_characters: of a file name in a listing.
        listing_entries: names in one listing.
        file_bytes: of a text file opened in the browser.
        notebook_bytes: of a notebook file.
        remembered_requests: forwarded requests that answers may refer to.
    """

    version: str = "display-1"
    cell_text_bytes: int = 64 * KIB
    cell_error_bytes: int = 8 * KIB
    cell_images: int = 4
    image_bytes: int = 256 * KIB
    background_bytes: int = 64 * KIB
    assist_bytes: int = 16 * KIB
    session_bytes: int = 32 * MIB
    message_bytes: int = 16
    html_source_bytes: int = 256 * KIB
    entry_bytes: int = 32
    name_characters: int = 120
    listing_entries: int = 1000
    file_bytes: int = 256 * KIB
    notebook_bytes: int = 8 * MIB
    remembered_requests: int = 2000

    def to_json(self) -> dict[str, Any]:
        """For the audit log and the reference page."""
        return asdict(self)
