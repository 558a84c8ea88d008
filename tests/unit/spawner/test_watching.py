"""Counting folders and memory, choosing processors."""

from __future__ import annotations

import os
from pathlib import Path

from spawner import processes
from spawner.folder_size import measure
from spawner.processors import Processors


def test_a_folder_is_counted_without_following_links(tmp_path: Path) -> None:
    inside = tmp_path / "inside"
    (inside / "deep").mkdir(parents=True)
    (inside / "deep" / "f").write_bytes(bytes(100_000))
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "big").write_bytes(bytes(10_000_000))
    (inside / "link").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    os.mkfifo(inside / "pipe")
    size = measure(str(inside))
    assert 100_000 <= size.bytes < 1_000_000
    assert size.entries == 5
    assert not size.exceeds(1_000_000)


def test_sparse_files_count_what_they_hold(tmp_path: Path) -> None:
    with (tmp_path / "f").open("wb") as file:
        file.truncate(1 << 40)
    assert measure(str(tmp_path)).bytes < 1_000_000


def test_more_entries_than_may_be_counted_is_too_full(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / str(number)).touch()
    assert measure(str(tmp_path), most_entries=10).exceeds(1 << 60)


def test_depth_is_bounded(tmp_path: Path) -> None:
    (tmp_path / "/".join(["d"] * 100)).mkdir(parents=True)
    assert measure(str(tmp_path)).overflowed


def test_a_link_in_place_of_the_folder_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "f").write_bytes(bytes(5000))
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert measure(str(tmp_path / "link")).entries == 0


def test_our_own_process_is_found_and_holds_memory() -> None:
    table = processes.parents()
    assert os.getpid() in processes.descendants(os.getppid(), table)
    assert os.getpid() in processes.children(os.getppid(), table)
    assert processes.resident_bytes(os.getpid()) > 1 << 20
    assert processes.proportional_bytes(os.getpid()) > 1 << 20
    assert processes.resident_bytes(2**22 + 1) == 0


def test_processors_are_shared_out_evenly() -> None:
    shared = Processors((0, 1, 2, 3))
    first, second = shared.take(2), shared.take(2)
    assert (first, second) == ((0, 1), (2, 3))
    shared.give_back(first)
    assert shared.take(1) == (0,)
    assert shared.take(4) == ()
