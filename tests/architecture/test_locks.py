"""Locks hold versions and hashes, no addresses; both sides of the wall compute with the same releases."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.support.source_tree import ROOT, name_of

LOCKS = [*sorted((ROOT / "locks").glob("*.txt")), ROOT / "package-lock.json"]
PIN = re.compile(r"^([a-z0-9_.-]+)==([^ ;]+)", re.MULTILINE)


@pytest.mark.parametrize("path", LOCKS, ids=name_of)
def test_a_lock_holds_no_address(path: Path) -> None:
    text = path.read_text("utf-8")
    assert "://" not in text
    assert "--index" not in text
    assert "resolved" not in text


@pytest.mark.parametrize("path", LOCKS[:-1], ids=name_of)
def test_every_locked_package_has_a_hash(path: Path) -> None:
    blocks = re.split(r"\n(?=\S)", path.read_text("utf-8").strip())
    assert blocks
    assert not [block for block in blocks if "--hash=sha256:" not in block]


def test_every_package_of_the_proxy_has_a_hash() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert not [name for name, package in packages.items() if name and "integrity" not in package]


def test_both_sides_of_the_wall_compute_with_the_same_releases() -> None:
    platform, compute = (
        dict(PIN.findall((ROOT / "locks" / f"{name}.txt").read_text("utf-8")))
        for name in ("platform", "compute")
    )
    for package in ("duckdb", "pyarrow"):
        assert platform[package] == compute[package]
