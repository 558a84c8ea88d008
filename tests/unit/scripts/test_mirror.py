"""The copy of the source tree for the service user: equal to the tree, whatever was planted in it."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from scripts.bootstrap import mirror


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    (folder / "hub").mkdir(parents=True)
    (folder / "hub" / "app.py").write_text("new")
    (folder / "run").write_text("#!/bin/sh\n")
    (folder / "run").chmod(0o755)
    (folder / "link").symlink_to("run")
    return folder


def copy(source: Path, target: Path) -> None:
    packed = io.BytesIO()
    mirror.pack(source, ["hub/app.py", "run", "link"], packed)
    packed.seek(0)
    mirror.unpack(target, packed)


def test_the_copy_is_equal(source: Path, tmp_path: Path) -> None:
    copy(source, tmp_path / "target")
    assert (tmp_path / "target/hub/app.py").read_text() == "new"
    assert (tmp_path / "target/run").stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "target/link").readlink() == Path("run")


def test_what_is_gone_goes_and_caches_stay(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    for name in ("old/deep/gone.py", "hub/__pycache__/app.pyc", ".mypy_cache/x", ".coverage.1"):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_text("old")
    copy(source, target)
    assert not (target / "old").exists()
    assert (target / "hub/__pycache__/app.pyc").exists()
    assert (target / ".mypy_cache/x").exists()
    assert (target / ".coverage.1").exists()


def test_a_planted_link_is_replaced_and_not_followed(source: Path, tmp_path: Path) -> None:
    target, elsewhere = tmp_path / "target", tmp_path / "elsewhere"
    target.mkdir()
    elsewhere.mkdir()
    (elsewhere / "app.py").write_text("theirs")
    (target / "hub").symlink_to(elsewhere)
    (target / "run").symlink_to(elsewhere / "app.py")
    copy(source, target)
    assert (elsewhere / "app.py").read_text() == "theirs"
    assert (target / "hub/app.py").read_text() == "new"
    assert not (target / "run").is_symlink()


def test_a_file_where_a_folder_was_and_the_reverse(source: Path, tmp_path: Path) -> None:
    target = tmp_path / "target"
    (target / "run" / "inner").mkdir(parents=True)
    (target / "hub").write_text("a file")
    copy(source, target)
    assert (target / "run").is_file()
    assert (target / "hub" / "app.py").is_file()
