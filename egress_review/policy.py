"""The policy of review: how many reviewers, how long, how much. Frozen and versioned.

Its version stands in every request, audit event and certificate that it decided.
"""

from __future__ import annotations

from dataclasses import dataclass

from onggi.errors import Invalid
from onggi.reasons import Reason
from onggi.submission import MAX_FILE_BYTES, MAX_FILES, MAX_REQUEST_BYTES

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class ReviewPolicy:
    """What review demands and allows.

    Attributes:
        version: name of this set of numbers; change a number, change the name.
        reviewers: independent votes that a request needs, at least 1.
        download_days: days until a release expires.
        max_files: outputs in a request.
        max_file_bytes: of one output.
        max_request_bytes: of all outputs of a request together.
        max_open_requests: of one member in one project, drafts included.
        max_daily_requests: of one member in one project: each tells them once what the checks found, which
            says something of what others had released.
        max_daily_bytes: that one member may hand in within 24 hours, withdrawn requests included,
            so that a session cannot fill the vault's disk.
        preview_rows: of a table that a reviewer sees.
    """

    version: str = "review-1"
    reviewers: int = 2
    download_days: int = 14
    max_files: int = MAX_FILES
    max_file_bytes: int = MAX_FILE_BYTES
    max_request_bytes: int = MAX_REQUEST_BYTES
    max_open_requests: int = 50
    max_daily_requests: int = 100
    max_daily_bytes: int = 2048 * MIB
    preview_rows: int = 200

    def __post_init__(self) -> None:
        for name in self.__slots__:
            value = getattr(self, name)
            if not value or (isinstance(value, int) and value < 1):
                raise Invalid(Reason.FIELD_INVALID, field=name, value=value)
