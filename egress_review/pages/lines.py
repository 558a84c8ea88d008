"""The first lines of a plain text, for reviewers: as text alone, each line by itself."""

from __future__ import annotations

from dataclasses import dataclass

from egress_review.domain import Output
from egress_review.vault import Vault
from onggi.errors import NotFound

_PREVIEWED = "text"
_MAX_BYTES = 256 * 1024
_MAX_LINE = 2000


@dataclass(frozen=True, slots=True)
class Lines:
    """The first lines, without their line feeds; `cut` if there is more text than shown."""

    lines: tuple[str, ...]
    cut: bool


def text_preview(vault: Vault, output: Output, most_lines: int) -> Lines | None:
    """The first lines of an output that the checks took for plain text; None for anything else.

    Raises:
        Tampered: if the vault's bytes are not those that were submitted.
    """
    if output.sha256 is None or output.report is None or output.report.file_type != _PREVIEWED:
        return None
    try:
        with vault.verified(output.sha256) as content:
            head = content.read(_MAX_BYTES + 1)
    except NotFound:
        return None
    return first_lines(head, most_lines)


def first_lines(head: bytes, most_lines: int) -> Lines:
    """The beginning of a text in lines; bytes that are no UTF-8 stand as U+FFFD."""
    lines = head[:_MAX_BYTES].decode("utf-8", errors="replace").split("\n")
    if lines[-1] == "":
        lines.pop()  # the end of the last line begins none
    shown = tuple(one[:_MAX_LINE] for one in lines[:most_lines])
    cut = len(head) > _MAX_BYTES or len(lines) > most_lines or any(len(one) > _MAX_LINE for one in lines)
    return Lines(shown, cut)
