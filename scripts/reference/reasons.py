"""The page of the reason codes, from the codes and both catalogues."""

from __future__ import annotations

from onggi.reasons import Reason
from onggi.words import catalogue

_HEAD = """\
# Reasons

Made from `onggi/reasons.py` by `make docs`; do not edit.

Why something was refused, withheld or not done. The code stands in the API's answer, on the page and in the
audit log; it never changes its meaning. The sentence is what a person reads. `{…}` stands for a value. What
the checks say about files stands in [findings](findings.md).
"""


def page() -> str:
    """The page, in Markdown."""
    return "\n".join([_HEAD, *(_paragraph(reason) for reason in sorted(Reason))])


def _paragraph(reason: Reason) -> str:
    said = (catalogue(language)[f"reasons.{reason.value}"] for language in ("en", "ko"))
    return f"## `{reason.value}`\n\n" + "\n\n".join(said) + "\n"
