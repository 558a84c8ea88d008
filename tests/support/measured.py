"""Coverage of processes that tests start with an environment of their own."""

from __future__ import annotations

import os

_VARIABLE = "COVERAGE_PROCESS_CONFIG"


def measured() -> dict[str, str]:
    """What such a process needs for its lines to be counted; nothing when nothing is measured."""
    return {_VARIABLE: os.environ[_VARIABLE]} if _VARIABLE in os.environ else {}
