"""Copying out of a hostile folder: too large, changed meanwhile, swapped under our hands."""

from __future__ import annotations

import hashlib
import os
import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from onggi import safe_files
from onggi.errors import Conflict, Invalid, NotFound, OnggiError, Refused
from onggi.reasons import Reason

MIB = 1024 * 1024
Change = Callable[[Path], None]


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@contextmanager
def refused(kind: type[OnggiError], reason: Reason) -> Iterator[None]:
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.reason is reason


@pytest.mark.timeout(10)
def test_a_sparse_file_over_the_cap_is_refused_unread(root: Path) -> None:
    with (root / "huge").open("wb") as huge:
        huge.truncate(2 * 1024**3)
    with refused(Invalid, Reason.FILE_TOO_LARGE):
        safe_files.copy_beneath(root, "huge", root.parent / "copy", max_bytes=512 * MIB)
    assert not (root.parent / "copy").exists()


def test_a_file_that_grows_is_cut_off(root: Path) -> None:
    (root / "grows").write_bytes(b"12345")
    with safe_files.open_beneath(root, "grows", max_bytes=5) as source:
        with (root / "grows").open("ab") as more:
            more.write(b"6789")
        with refused(Invalid, Reason.FILE_TOO_LARGE):
            source.read()


def test_a_copy_is_durable_hashed_and_private(root: Path) -> None:
    content = os.urandom(3 * MIB + 17)
    (root / "big").write_bytes(content)
    target = root.parent / "copy"
    copied = safe_files.copy_beneath(root, "big", target, max_bytes=4 * MIB)
    assert copied == safe_files.Copied(hashlib.sha256(content).hexdigest(), len(content))
    assert target.read_bytes() == content
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    with refused(Conflict, Reason.FILE_EXISTS):
        safe_files.copy_beneath(root, "big", target, max_bytes=4 * MIB)
    assert target.read_bytes() == content


def test_a_copy_goes_into_a_descriptor_too(root: Path) -> None:
    (root / "a").write_bytes(b"abc")
    fd = os.open(root.parent / "out", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        assert safe_files.copy_beneath(root, "a", fd, max_bytes=3).size == 3
        assert os.pread(fd, 10, 0) == b"abc"
    finally:
        os.close(fd)


def test_a_change_during_the_copy_is_noticed(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every kind of change: same size in place, growth, truncation."""

    def put(path: Path, mode: str) -> None:
        with path.open(mode) as target:
            target.write(b"X")

    write = safe_files._write_all
    changes: dict[str, Change] = {
        "in_place": lambda path: put(path, "r+b"),
        "grow": lambda path: put(path, "ab"),
        "cut": lambda path: os.truncate(path, MIB),
    }
    for name, change in changes.items():
        path = root / name
        path.write_bytes(b"a" * (2 * MIB))

        def meddle(target: int, data: bytes, path: Path = path, change: Change = change) -> None:
            write(target, data)
            change(path)

        with monkeypatch.context() as patch:
            patch.setattr(safe_files, "_write_all", meddle)
            with refused(Conflict, Reason.FILE_CHANGED_WHILE_COPIED):
                safe_files.copy_beneath(root, name, root.parent / f"copy-{name}", max_bytes=8 * MIB)
        assert not (root.parent / f"copy-{name}").exists()


def test_a_thread_that_keeps_writing_never_yields_a_wrong_hash(root: Path) -> None:
    path = root / "busy"
    path.write_bytes(b"a" * MIB)
    stop = threading.Event()

    def meddle() -> None:
        with path.open("r+b", buffering=0) as target:
            while not stop.is_set():
                target.seek(0)
                target.write(os.urandom(512 * 1024))

    thread = threading.Thread(target=meddle)
    thread.start()
    refusals = 0
    try:
        for number in range(30):
            copy = root.parent / f"copy{number}"
            try:
                copied = safe_files.copy_beneath(root, "busy", copy, max_bytes=2 * MIB)
            except Conflict:
                assert not copy.exists()
                refusals += 1
            else:
                assert hashlib.sha256(copy.read_bytes()).hexdigest() == copied.sha256
    finally:
        stop.set()
        thread.join()
    assert refusals > 0


def test_a_race_between_folder_and_symlink_never_leads_out(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "a").write_text("outside")
    (root / "real").mkdir()
    (root / "real" / "a").write_text("inside")
    stop = threading.Event()

    def swap() -> None:
        link, folder, door = root / "link", root / "real", root / "door"
        while not stop.is_set():
            link.symlink_to(outside)
            link.rename(door)
            door.unlink()
            folder.rename(door)
            door.rename(folder)

    thread = threading.Thread(target=swap)
    thread.start()
    seen: set[bytes] = set()
    try:
        for _ in range(2000):
            with suppress(Refused, NotFound, Invalid, Conflict):
                seen.add(safe_files.read_beneath(root, "door/a", max_bytes=MIB))
            with suppress(Refused, NotFound, Invalid, Conflict):
                safe_files.write_beneath(root, "door/written", b"w", max_bytes=1)
    finally:
        stop.set()
        thread.join()
    assert seen <= {b"inside"}
    assert sorted(item.name for item in outside.iterdir()) == ["a"]
