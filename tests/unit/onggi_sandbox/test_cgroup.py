"""Finding and using delegated cgroups, on invented trees."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from onggi.sandbox.cgroup import find_home
from onggi.sandbox.limits import HeldBy, Limits

LIMITS = Limits(memory_bytes=1024, cpus=2, processes=7, nice=10)


def mountinfo(*lines: str) -> str:
    return "".join(f"30 29 0:26 / {line}\n" for line in lines)


def test_version_1_takes_the_folder_named_onggi(tmp_path: Path) -> None:
    for controller in ("memory", "pids", "cpu"):
        (tmp_path / controller / "onggi").mkdir(parents=True)
    (tmp_path / "mounts").write_text(
        mountinfo(
            f"{tmp_path}/memory rw - cgroup cgroup rw,memory",
            f"{tmp_path}/pids rw - cgroup cgroup rw,pids",
            f"{tmp_path}/cpu rw - cgroup cgroup rw,cpu,cpuacct",
        )
    )
    (tmp_path / "own").write_text("5:cpu,cpuacct:/\n4:memory:/somewhere\n3:pids:/\n0::/\n")
    home = find_home(tmp_path / "mounts", tmp_path / "own")
    assert home is not None
    assert home.kind is HeldBy.CGROUP1
    assert set(home.parents) == {"memory", "processes", "cpu"}
    cgroup = home.make("s-1", LIMITS)
    cgroup.add(42)
    assert (tmp_path / "memory/onggi/s-1/memory.limit_in_bytes").read_text() == "1024"
    assert (tmp_path / "pids/onggi/s-1/pids.max").read_text() == "7"
    assert (tmp_path / "cpu/onggi/s-1/cpu.shares").read_text() == "110"
    assert (tmp_path / "pids/onggi/s-1/cgroup.procs").read_text() == "42"


def test_version_2_takes_the_parent_of_our_own(tmp_path: Path) -> None:
    (tmp_path / "tree/unit/broker").mkdir(parents=True)
    (tmp_path / "tree/unit/cgroup.procs").touch()
    (tmp_path / "tree/unit/cgroup.subtree_control").touch()
    (tmp_path / "mounts").write_text(mountinfo(f"{tmp_path}/tree rw - cgroup2 cgroup2 rw"))
    (tmp_path / "own").write_text("0::/unit/broker\n")
    home = find_home(tmp_path / "mounts", tmp_path / "own")
    assert home is not None
    assert home.kind is HeldBy.CGROUP2
    home.make("s-1", LIMITS)
    made = tmp_path / "tree/unit/s-1"
    assert (made / "memory.max").read_text() == "1024"
    assert (made / "cpu.max").read_text() == "200000 100000"
    assert (made / "cpu.weight.nice").read_text() == "10"
    assert (made / "pids.max").read_text() == "7"


def test_nothing_writable_is_no_home(tmp_path: Path) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may write everywhere")
    (tmp_path / "memory/onggi").mkdir(parents=True)
    (tmp_path / "memory/onggi").chmod(0o500)
    (tmp_path / "memory").chmod(0o500)
    (tmp_path / "mounts").write_text(mountinfo(f"{tmp_path}/memory rw - cgroup cgroup rw,memory"))
    (tmp_path / "own").write_text("4:memory:/\n")
    assert find_home(tmp_path / "mounts", tmp_path / "own") is None
    (tmp_path / "memory").chmod(0o700)


def test_no_cgroups_at_all(tmp_path: Path) -> None:
    assert find_home(tmp_path / "none", tmp_path / "none") is None
