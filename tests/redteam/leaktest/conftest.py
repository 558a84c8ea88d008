"""Sources of Onggi with their walls broken on purpose, and an ordinary user's doing."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from tests.support.boxes import ordinary_user
from tests.support.source_tree import ROOMS, ROOT

__all__ = ["ordinary_user"]

# (file, what stands there, what stands there when the wall is broken)
BROKEN = (
    (
        "egress_review/display/markup.py",
        r"    return nh3\.Cleaner\(",
        '    return type("Hole", (), {"clean": lambda _, html: html})()\n    return nh3.Cleaner(',
    ),
    ("session/http/headers.py", r"'self' 'unsafe-eval'", "* 'unsafe-inline' 'unsafe-eval' data: blob:"),
    (
        "session/contents/rules.py",
        r"(def require_text\(path: str\) -> None:\n)",
        r"\1    if path: return\n",
    ),
    (
        "session/meter.py",
        r"(    def take\(self, count: int\) -> bool:\n)",
        r"\1        if count: return True\n",
    ),
)


@pytest.fixture(scope="module")
def broken_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Onggi's packages with holes: raw HTML, inline script, data files that open, a blind meter."""
    folder = tmp_path_factory.mktemp("broken")
    for room in ROOMS:
        shutil.copytree(ROOT / room, folder / room, ignore=shutil.ignore_patterns("__pycache__"))
    for name, there, instead in BROKEN:
        text, count = re.subn(there, instead, (folder / name).read_text("utf-8"))
        assert count, f"{name}: the wall that this test breaks has moved"
        (folder / name).write_text(text, "utf-8")
    return folder
