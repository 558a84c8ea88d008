"""The bounds of a submission, alike on both sides of it: the session refuses early, egress review for good.

Texts are measured in bytes of UTF-8. A claim's bound stands beside its form (`onggi.claim`).
"""

from __future__ import annotations

MAX_FILES = 100
MAX_NAME_BYTES = 1024
MAX_FILE_BYTES = 64 * 1024**2
MAX_REQUEST_BYTES = 256 * 1024**2
MAX_PURPOSE_BYTES = 2_000
MAX_CONTEXT_BYTES = 10_000
FINDINGS_BYTES = 4_096
"""Texts of a file itself (names of columns, keys of rows) in what a researcher reads of its findings.

Whoever writes the file chooses them, and the page that shows them is seen outside the session: so the session
pays for them when it submits, and egress review shows no more.
"""


def fits(text: str, max_bytes: int) -> bool:
    """Whether a text is UTF-8 of at most `max_bytes` that every database can hold."""
    try:
        return len(text.encode("utf-8")) <= max_bytes and "\0" not in text
    except UnicodeEncodeError:
        return False
