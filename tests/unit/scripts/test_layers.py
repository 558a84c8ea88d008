"""A layer is built once for the same inputs, and again after a failure."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from scripts.bootstrap.layers import Layer
from scripts.bootstrap.tell import SetupError


def layer(folder: Path, build: Callable[[], None], *facts: str) -> Layer:
    lock = folder.parent / "lock.txt"
    if not lock.exists():
        lock.write_text("a==1")
    return Layer("platform", folder, (lock,), facts, build)


def test_it_is_built_once_until_its_lock_or_a_fact_changes(tmp_path: Path) -> None:
    folder = tmp_path / "env"
    assert layer(folder, lambda: None).ensure()
    assert not layer(folder, lambda: None).ensure()
    assert layer(folder, lambda: None, "another interpreter").ensure()
    (tmp_path / "lock.txt").write_text("a==2")
    assert layer(folder, lambda: None, "another interpreter").ensure()


def test_a_failed_build_is_not_taken_for_a_good_one(tmp_path: Path) -> None:
    def fails() -> None:
        raise SetupError("setup.step_failed", command="uv", output="")

    folder = tmp_path / "env"
    assert layer(folder, lambda: None).ensure()
    (tmp_path / "lock.txt").write_text("a==2")
    with pytest.raises(SetupError):
        layer(folder, fails).ensure()
    (tmp_path / "lock.txt").write_text("a==1")
    assert layer(folder, lambda: None).ensure()
