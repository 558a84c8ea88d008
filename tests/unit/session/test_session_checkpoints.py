"""Checkpoints of files that a kernel writes: bounded in number and in bytes, the newest always kept."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from egress_review.display.figures import Figures, KeptImages
from egress_review.display.images import refuse_all
from egress_review.display.notebook import NotebookView
from egress_review.display.policy import DisplayPolicy
from egress_review.display.seen import Seen
from session.contents import checkpoints
from session.contents.checkpoints import CheckpointStore
from session.contents.store import ProjectStore
from tests.support.session_meter import MIB, meter_with


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "project").mkdir()
    return tmp_path / "project"


@pytest.fixture
def kept(tmp_path: Path, project: Path) -> CheckpointStore:
    policy, seen = DisplayPolicy(), Seen()
    meter = meter_with(tmp_path / "meter", 32 * MIB)
    view = NotebookView(policy, meter, seen, lambda notice: notice.reason.value)
    figures = Figures(KeptImages(tmp_path / "figures"), refuse_all)
    return CheckpointStore(
        tmp_path / "checkpoints", ProjectStore(project, policy, meter, seen, view, figures)
    )


def stored(tmp_path: Path) -> tuple[int, int]:
    sizes = [file.stat().st_size for file in (tmp_path / "checkpoints").iterdir()]
    return len(sizes), sum(sizes)


def test_checkpoints_of_large_files_are_bounded_in_bytes_and_the_newest_stay(
    tmp_path: Path, project: Path, kept: CheckpointStore
) -> None:
    for number in range(10):
        large = project / f"{number}.ipynb"
        large.touch()
        os.truncate(large, 16 * MIB)  # no blocks on disk here; a checkpoint is written out
        kept.create(f"{number}.ipynb")
        assert stored(tmp_path)[1] <= checkpoints.MAX_BYTES
    assert [number for number in range(10) if kept.list(f"{number}.ipynb")] == [2, 3, 4, 5, 6, 7, 8, 9]
    assert stored(tmp_path) == (8, 8 * 16 * MIB)


def test_a_file_that_grew_replaces_its_own_checkpoint_before_it_costs_others_theirs(
    tmp_path: Path, project: Path, kept: CheckpointStore
) -> None:
    for number in range(8):
        (project / f"{number}.py").write_bytes(b"#" * (15 * MIB))
        kept.create(f"{number}.py")
    (project / "0.py").write_bytes(b"#" * (16 * MIB))
    kept.create("0.py")
    assert all(kept.list(f"{number}.py") for number in range(8))


def test_small_checkpoints_are_bounded_in_number(
    tmp_path: Path, project: Path, kept: CheckpointStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checkpoints, "MAX_CHECKPOINTS", 5)
    for number in range(9):
        (project / f"{number}.py").write_text(str(number))
        kept.create(f"{number}.py")
    assert stored(tmp_path)[0] == 5
    kept.restore("8.py")
    assert (project / "8.py").read_text() == "8"
