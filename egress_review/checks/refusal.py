"""How a check stops: with the one finding that says why."""

from __future__ import annotations

from collections.abc import Mapping

from egress_review.checks.findings import FindingCode
from egress_review.checks.report import MAX_TEXT, Finding


def clip(text: object) -> str:
    """`text` short enough and sound enough for a report; what is cut off is marked."""
    shown = str(text)
    if len(shown) <= MAX_TEXT and shown.isprintable():
        return shown
    if not shown.isprintable():  # lone surrogates and NUL are not
        shown = shown.encode("utf-8", "replace").decode("utf-8").replace("\x00", "?")
    return shown if len(shown) <= MAX_TEXT else shown[: MAX_TEXT - 1] + "…"


def finding(code: FindingCode, cell: Mapping[str, str] | None = None, /, **params: object) -> Finding:
    """A finding whose texts fit the report."""
    shown = {name: clip(value) for name, value in params.items()}
    place = None if cell is None else {clip(name): clip(value) for name, value in cell.items()}
    return Finding(code, shown, place)


class CheckStopped(Exception):
    """No further check is possible; `finding` says why."""

    def __init__(self, code: FindingCode, **params: object) -> None:
        self.finding = finding(code, None, **params)
        super().__init__(code.value)
