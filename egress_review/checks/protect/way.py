"""The ways to protect a table; apart from what carries them out, which takes SciPy a second to load."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """How a table is protected."""

    SUPPRESS = "suppress"
    ROUND = "round"
    MIDPOINT6 = "midpoint6"
    MERGE = "merge"
