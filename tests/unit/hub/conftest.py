from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from tests.support.small_dataset import write_small


@pytest.fixture
def dataset_folder(tmp_path: Path) -> Path:
    """A small, whole data-set version."""
    folder = tmp_path / "small-set" / "1"
    folder.parent.mkdir()
    rows = [(number, 1, "x", 1.0, True, date(2000, 1, 1)) for number in range(20)]
    write_small(folder, rows, tier="open")
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)  # so that a test can damage it
    return folder
