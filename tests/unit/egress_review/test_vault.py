"""The vault: complete or absent, verified on every read, and a full disk is said so."""

from __future__ import annotations

import errno
import hashlib
import os
import resource
import signal
from pathlib import Path

import pytest

from egress_review.vault import Vault
from onggi.errors import Invalid, NotFound, Tampered, Unavailable
from onggi.reasons import Reason


def keep(vault: Vault, data: bytes, limit: int = 10**7) -> str:
    with vault.receive(limit) as incoming:
        for start in range(0, len(data), 1000):
            incoming.write(data[start : start + 1000])
        return incoming.finish().sha256


def leftovers(folder: Path) -> list[Path]:
    return list((folder / "incoming").iterdir())


def named(folder: Path) -> list[Path]:
    return [path for path in (folder / "sha256").rglob("*") if path.is_file()]


def test_bytes_lie_under_their_hash_readable_by_their_owner_only(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    data = os.urandom(5_000_000)
    digest = keep(vault, data)
    assert digest == hashlib.sha256(data).hexdigest()
    assert named(tmp_path) == [tmp_path / "sha256" / digest[:2] / digest]
    assert vault.path(digest).stat().st_mode & 0o777 == 0o400
    assert (tmp_path / "sha256").stat().st_mode & 0o777 == 0o700
    with vault.verified(digest) as copy:
        assert copy.read() == data
    assert leftovers(tmp_path) == []


def test_the_same_bytes_twice_are_one(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    assert keep(vault, b"x") == keep(vault, b"x")
    assert len(named(tmp_path)) == 1


def test_an_upload_that_is_too_large_or_breaks_off_leaves_nothing(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    with pytest.raises(Invalid) as caught, vault.receive(10) as incoming:
        incoming.write(b"x" * 11)
    assert caught.value.reason is Reason.FILE_TOO_LARGE
    with pytest.raises(KeyboardInterrupt), vault.receive(10) as incoming:  # noqa: PT012 - in the middle
        incoming.write(b"x")
        raise KeyboardInterrupt
    assert leftovers(tmp_path) == named(tmp_path) == []


def test_changed_bytes_are_noticed_at_every_read(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    digest = keep(vault, b"what was voted on")
    vault.path(digest).chmod(0o600)
    vault.path(digest).write_bytes(b"what was not")
    for read in (lambda: vault.verify(digest), lambda: vault.verified(digest).__enter__()):
        with pytest.raises(Tampered) as caught:
            read()
        assert caught.value.reason is Reason.VAULT_HASH_MISMATCH
    assert keep(vault, b"what was voted on") == digest
    vault.verify(digest)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "A" * 64, "g" * 64, "a" * 63, "/" + "a" * 63])
def test_only_hashes_are_names(tmp_path: Path, name: str) -> None:
    with pytest.raises(Invalid):
        Vault(tmp_path).path(name)


def test_what_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        Vault(tmp_path).verify("a" * 64)


def test_a_start_sweeps_what_a_crash_left(tmp_path: Path) -> None:
    vault = Vault(tmp_path)
    digest = keep(vault, b"kept")
    (tmp_path / "incoming" / "dead").write_bytes(b"half")
    assert Vault(tmp_path).sweep() == 1
    assert leftovers(tmp_path) == []
    vault.verify(digest)


def test_a_full_disk_is_said_so_and_nothing_is_half_stored(tmp_path: Path) -> None:
    """The kernel itself refuses: RLIMIT_FSIZE ends a write with EFBIG as a full disk does with ENOSPC."""
    vault = Vault(tmp_path)
    old = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, old[1]))
    try:
        with pytest.raises(Unavailable) as caught:
            keep(vault, b"x" * 1_000_000)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, old)
        signal.signal(signal.SIGXFSZ, ignored)
    assert caught.value.reason is Reason.DISK_FULL
    assert leftovers(tmp_path) == named(tmp_path) == []


def test_a_disk_that_fills_at_the_rename_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = Vault(tmp_path)

    def full(self: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "full")

    monkeypatch.setattr(Path, "rename", full)
    with pytest.raises(Unavailable):
        keep(vault, b"x")
    assert leftovers(tmp_path) == named(tmp_path) == []
