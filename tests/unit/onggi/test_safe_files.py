"""The helper for hostile folders, against real links, FIFOs, sockets, devices, sparse files and races."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from onggi import openat2, safe_files
from onggi.errors import Conflict, Invalid, NotFound, OnggiError, Refused, Unavailable
from onggi.reasons import Reason
from onggi.safe_files import Kind

MIB = 1024 * 1024


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (tmp_path / "secret").write_text("another project's secret")
    return folder


@contextmanager
def refused(kind: type[OnggiError], reason: Reason) -> Iterator[None]:
    with pytest.raises(kind) as caught:
        yield
    assert caught.value.reason is reason


def read(root: Path, name: str, limit: int = MIB) -> bytes:
    return safe_files.read_beneath(root, name, max_bytes=limit)


def test_a_regular_file_is_read(root: Path) -> None:
    (root / "결과").mkdir()
    (root / "결과" / "표.csv").write_bytes(b"a,b\n1,2\n")
    with safe_files.open_beneath(root, "결과/표.csv", max_bytes=8) as source:
        assert source.size == 8
        assert not os.get_inheritable(source.fd)
        buffer = bytearray(3)
        assert source.readinto(buffer) == 3
        assert bytes(buffer) + source.read() == b"a,b\n1,2\n"
    source.close()
    assert source.fd == -1


def test_what_is_missing_is_not_found(root: Path) -> None:
    with refused(NotFound, Reason.FILE_NOT_FOUND):
        read(root, "nothing.csv")
    with refused(NotFound, Reason.FILE_NOT_FOUND):
        read(root, "no/such/folder.csv")


@pytest.mark.parametrize("target", ["../secret", "/etc/passwd", "inside.csv", "nowhere", "loop"])
def test_a_symlink_is_never_followed(root: Path, target: str) -> None:
    (root / "inside.csv").write_text("x")
    (root / "loop").symlink_to(target)
    for call in (
        lambda: read(root, "loop"),
        lambda: safe_files.list_beneath(root, "loop", limit=10),
        lambda: safe_files.copy_beneath(root, "loop", root.parent / "copy", max_bytes=MIB),
    ):
        with pytest.raises((Refused, Invalid)) as caught:
            call()
        assert caught.value.reason in (Reason.FILE_LINK_REFUSED, Reason.FILE_NOT_REGULAR)
    assert not (root.parent / "copy").exists()


def test_a_symlink_on_the_way_is_never_followed(root: Path) -> None:
    (root / "real").mkdir()
    (root / "real" / "a.csv").write_text("x")
    (root / "out").symlink_to("..")
    (root / "in").symlink_to("real")
    for name in ("out/secret", "in/a.csv"):
        with refused(Refused, Reason.FILE_LINK_REFUSED):
            read(root, name)
        for call in (
            lambda name=name: safe_files.write_beneath(root, name, b"owned", max_bytes=10),
            lambda name=name: safe_files.unlink_beneath(root, name),
            lambda name=name: safe_files.stat_beneath(root, name),
            lambda name=name: safe_files.mkdir_beneath(root, f"{name}-new"),
            lambda name=name: safe_files.rename_beneath(root, "real", f"{name}-moved"),
        ):
            with pytest.raises((Refused, Invalid)) as caught:
                call()
            assert caught.value.reason in (Reason.FILE_LINK_REFUSED, Reason.FILE_NOT_REGULAR)
    assert (root.parent / "secret").read_text() == "another project's secret"


def test_magic_links_are_refused(root: Path) -> None:
    with (root.parent / "secret").open() as held:
        (root / "magic").symlink_to(f"/proc/self/fd/{held.fileno()}")
        with refused(Refused, Reason.FILE_LINK_REFUSED):
            read(root, "magic")
        with refused(Refused, Reason.FILE_LINK_REFUSED):
            read(Path(f"/proc/{os.getpid()}"), f"fd/{held.fileno()}")
    with pytest.raises(Refused):
        read(Path(f"/proc/{os.getpid()}"), "cwd/pyproject.toml")


def test_the_root_itself_must_not_be_a_link(root: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(root)
    (root / "a").write_text("x")
    with pytest.raises(OnggiError):
        read(tmp_path / "alias", "a")


@pytest.mark.timeout(10)
def test_a_fifo_neither_blocks_nor_passes(root: Path) -> None:
    os.mkfifo(root / "pipe")
    with refused(Invalid, Reason.FILE_NOT_REGULAR):
        read(root, "pipe")
    assert safe_files.stat_beneath(root, "pipe").kind is Kind.OTHER


def test_a_socket_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind("s")
        with refused(Invalid, Reason.FILE_NOT_REGULAR):
            read(root, "s")


def test_a_folder_is_refused(root: Path) -> None:
    (root / "d").mkdir()
    with refused(Invalid, Reason.FILE_NOT_REGULAR):
        read(root, "d")
    (root / "f").write_text("x")
    with refused(Invalid, Reason.FILE_NOT_REGULAR):
        read(root, "f/below")


@pytest.mark.parametrize("device", ["null", "zero", "full", "tty"])
def test_a_device_is_refused(device: str) -> None:
    with refused(Invalid, Reason.FILE_NOT_REGULAR):
        read(Path("/dev"), device)


def test_an_unreadable_file_is_refused(root: Path) -> None:
    (root / "mine").write_text("x")
    (root / "mine").chmod(0)
    if os.access(root / "mine", os.R_OK):
        pytest.skip("root reads everything; run as an ordinary user")
    with refused(Refused, Reason.FILE_NOT_READABLE):
        read(root, "mine")


@pytest.mark.timeout(10)
def test_a_lease_does_not_make_us_wait(root: Path) -> None:
    (root / "leased").write_text("x")
    with (root / "leased").open("r+") as held:
        fcntl.fcntl(held, fcntl.F_SETLEASE, fcntl.F_WRLCK)
        previous = signal.signal(signal.SIGIO, signal.SIG_IGN)  # tells the holder that somebody waits
        with refused(Conflict, Reason.FILE_CHANGED_WHILE_COPIED):
            read(root, "leased")
        signal.signal(signal.SIGIO, previous)


def test_a_hard_link_is_a_file_like_any_other(root: Path) -> None:
    (root / "one").write_text("x")
    os.link(root / "one", root / "two")
    assert read(root, "two") == b"x"


def test_a_folder_is_listed_without_following_anything(root: Path) -> None:
    (root / "가.csv").write_text("12345")
    (root / "d").mkdir()
    (root / "l").symlink_to("/etc")
    os.mkfifo(root / "p")
    (root / "bad\nname").write_text("")
    (root / "rtl\u202egpj.exe").write_text("")
    (root / os.fsdecode(b"\xff\xfe")).touch()
    found = {entry.name: entry for entry in safe_files.list_beneath(root, limit=100)}
    assert {name: entry.kind for name, entry in found.items() if entry.usable} == {
        "가.csv": Kind.FILE,
        "d": Kind.DIRECTORY,
        "l": Kind.LINK,
        "p": Kind.OTHER,
    }
    assert {name for name, entry in found.items() if not entry.usable} == {
        "bad\\u000aname",
        "rtl\\u202egpj.exe",
        "\\xff\\xfe",
    }
    assert found["가.csv"].size == 5


def test_a_listing_has_an_end(root: Path) -> None:
    for number in range(20):
        (root / str(number)).touch()
    assert len(safe_files.list_beneath(root, limit=20)) == 20
    with refused(Invalid, Reason.TOO_MANY_FILES):
        safe_files.list_beneath(root, limit=19)
    with refused(Invalid, Reason.FILE_NOT_REGULAR):
        safe_files.list_beneath(root, "1", limit=5)


def test_an_absurd_time_is_no_crash(root: Path) -> None:
    (root / "old").touch()
    os.utime(root / "old", ns=(0, -(2**40) * 1000))
    assert isinstance(safe_files.stat_beneath(root, "old").mtime_ns, int)


def test_a_write_replaces_in_one_step(root: Path) -> None:
    safe_files.write_beneath(root, "a.ipynb", b"one", max_bytes=10)
    first = (root / "a.ipynb").stat().st_ino
    with (root / "a.ipynb").open("rb") as old:
        safe_files.write_beneath(root, "a.ipynb", b"two", max_bytes=10)
        assert old.read() == b"one"
    assert (root / "a.ipynb").read_bytes() == b"two"
    assert (root / "a.ipynb").stat().st_ino != first
    assert [item.name for item in root.iterdir()] == ["a.ipynb"]
    with refused(Invalid, Reason.FILE_TOO_LARGE):
        safe_files.write_beneath(root, "a.ipynb", b"x" * 11, max_bytes=10)


def test_a_write_refuses_what_is_no_file(root: Path) -> None:
    (root / "link").symlink_to("../secret")
    (root / "d").mkdir()
    os.mkfifo(root / "p")
    for name in ("link", "d", "p"):
        with refused(Invalid, Reason.FILE_NOT_REGULAR):
            safe_files.write_beneath(root, name, b"x", max_bytes=1)
    assert (root.parent / "secret").read_text() == "another project's secret"


def test_a_full_disk_says_so_and_leaves_nothing(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a").write_bytes(b"abc")

    def full(target: int, data: bytes) -> None:
        raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(safe_files, "_write_all", full)
    with refused(Unavailable, Reason.DISK_FULL):
        safe_files.copy_beneath(root, "a", root.parent / "copy", max_bytes=10)
    with refused(Unavailable, Reason.DISK_FULL):
        safe_files.write_beneath(root, "b", b"x", max_bytes=10)
    assert not (root.parent / "copy").exists()
    assert [item.name for item in root.iterdir()] == ["a"]


def test_folders_are_made_moved_and_removed(root: Path) -> None:
    safe_files.mkdir_beneath(root, "d")
    with refused(Conflict, Reason.FILE_EXISTS):
        safe_files.mkdir_beneath(root, "d")
    (root / "a").write_text("x")
    safe_files.rename_beneath(root, "a", "d/b")
    assert (root / "d" / "b").read_text() == "x"
    with refused(Conflict, Reason.DIRECTORY_NOT_EMPTY):
        safe_files.rmdir_beneath(root, "d")
    with refused(Invalid, Reason.FILE_NOT_REGULAR):
        safe_files.unlink_beneath(root, "d")
    (root / "c").write_text("keep")
    with refused(Conflict, Reason.FILE_EXISTS):
        safe_files.rename_beneath(root, "d/b", "c")
    with refused(NotFound, Reason.FILE_NOT_FOUND):
        safe_files.rename_beneath(root, "gone", "e")
    with refused(Invalid, Reason.FILE_NAME_REFUSED):
        safe_files.rename_beneath(root, "d", "d/inside")
    safe_files.unlink_beneath(root, "d/b")
    safe_files.rmdir_beneath(root, "d")
    assert [item.name for item in root.iterdir()] == ["c"]


def test_unlink_removes_the_link_itself(root: Path) -> None:
    (root / "link").symlink_to("../secret")
    safe_files.unlink_beneath(root, "link")
    assert (root.parent / "secret").exists()


def test_without_openat2_everything_is_refused(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a").write_text("x")
    monkeypatch.setattr(openat2, "_SYS_OPENAT2", 999_999)
    for call in (
        lambda: read(root, "a"),
        lambda: safe_files.list_beneath(root, limit=10),
        lambda: safe_files.write_beneath(root, "b", b"", max_bytes=1),
    ):
        with refused(Unavailable, Reason.KERNEL_TOO_OLD):
            call()


def test_no_descriptor_is_left_open(root: Path) -> None:
    (root / "a").write_text("x")
    (root / "l").symlink_to("a")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(20):
        read(root, "a")
        for name in ("l", "none", "a/b"):
            with suppress(OnggiError):
                read(root, name)
        with suppress(OnggiError):
            read(root, "a", 0)
        safe_files.list_beneath(root, limit=5)
    assert len(list(Path("/proc/self/fd").iterdir())) == before
