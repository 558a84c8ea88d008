"""The content-addressed store of what was submitted: `sha256/ab/abcd…`, write once.

Guarantees: a name in the vault always stands for complete bytes that are durable on disk; what is handed out
was hashed to that name while it was copied for the reader, so a changed file is never delivered, not even
if it changes during the delivery; a refused, broken or crashed upload leaves nothing under a name.
Does not guarantee: secrecy or survival against somebody who holds this user's rights on the machine; then
reading says `Tampered`.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import re
import secrets
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from onggi.errors import Invalid, NotFound, Tampered, Unavailable
from onggi.reasons import Reason

_SHA256 = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1024 * 1024
_IN_MEMORY = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes that the vault holds: their SHA-256 in lower-case hex and their size in bytes."""

    sha256: str
    size: int


class Vault:
    """The folder that holds the bytes.

    Args:
        root: made on first use, mode 0700, on one file system.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        self._incoming = root / "incoming"
        for folder in (root, self._incoming, root / "sha256"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)

    def sweep(self) -> int:
        """Remove what crashed uploads left; how many. To be called at start, before any upload."""
        leftovers = list(self._incoming.iterdir())
        for path in leftovers:
            path.unlink(missing_ok=True)
        return len(leftovers)

    def receive(self, limit: int) -> Incoming:
        """Begin an upload of at most `limit` bytes; use it as a context manager."""
        return Incoming(self, self._incoming / secrets.token_hex(16), limit)

    def path(self, sha256: str) -> Path:
        """Where the bytes of that name lie, present or not.

        Raises:
            Invalid: if it is not a SHA-256 in lower-case hex.
        """
        if not _SHA256.fullmatch(sha256):
            raise Invalid(Reason.FIELD_INVALID, field="sha256", value=sha256[:70])
        return self._root / "sha256" / sha256[:2] / sha256

    @contextmanager
    def verified(self, sha256: str) -> Iterator[IO[bytes]]:
        """A private copy of the bytes, made while hashing them, positioned at its start.

        Raises:
            NotFound: if the vault does not hold them.
            Tampered: `VAULT_HASH_MISMATCH` if they are not what their name says.
            Unavailable: `DISK_FULL` if there is no room for the copy.
        """
        with tempfile.SpooledTemporaryFile(max_size=_IN_MEMORY, dir=str(self._incoming)) as copy:
            digest = hashlib.sha256()
            with _disk_errors():
                try:
                    source = self.path(sha256).open("rb")
                except FileNotFoundError:
                    raise NotFound(Reason.NOT_FOUND, what="output") from None
                with source:
                    while chunk := source.read(_CHUNK):
                        digest.update(chunk)
                        copy.write(chunk)
            if digest.hexdigest() != sha256:
                raise Tampered(Reason.VAULT_HASH_MISMATCH, sha256=sha256)
            copy.seek(0)
            yield copy

    def verify(self, sha256: str) -> None:
        """Hash the bytes in place.

        Raises:
            NotFound, Tampered: as `verified`.
        """
        with self.verified(sha256):
            pass

    def keep(self, incoming: Path, sha256: str) -> None:
        """Give complete, synced bytes their name (for `Incoming`)."""
        final = self.path(sha256)
        with _disk_errors():
            if not final.parent.exists():
                final.parent.mkdir(mode=0o700, exist_ok=True)
                _sync_folder(final.parent.parent)
            incoming.rename(final)
            _sync_folder(final.parent)


class Incoming:
    """One upload. Leaving the context without `finish` removes what was written."""

    def __init__(self, vault: Vault, path: Path, limit: int) -> None:
        self._vault = vault
        self._path = path
        self._limit = limit
        self._digest = hashlib.sha256()
        self.size = 0
        with _disk_errors():
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o400)
        self._file = os.fdopen(handle, "wb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with contextlib.suppress(OSError):  # the buffered rest did not fit; the file goes anyway
            self._file.close()
        self._path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Take the next bytes.

        Raises:
            Invalid: `FILE_TOO_LARGE` beyond the limit.
            Unavailable: `DISK_FULL`.
        """
        self.size += len(chunk)
        if self.size > self._limit:
            raise Invalid(Reason.FILE_TOO_LARGE, name="", limit=self._limit)
        self._digest.update(chunk)
        with _disk_errors():
            self._file.write(chunk)

    @property
    def sha256(self) -> str:
        """Of what was written so far, lower-case hex."""
        return self._digest.hexdigest()

    def finish(self) -> Stored:
        """Make the bytes durable under their name. The same bytes twice are one.

        Raises:
            Unavailable: `DISK_FULL`.
        """
        with _disk_errors():
            self._file.flush()
            os.fsync(self._file.fileno())
        self._vault.keep(self._path, self.sha256)
        return Stored(self.sha256, self.size)


@contextmanager
def _disk_errors() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}:
            raise Unavailable(Reason.DISK_FULL, path="review/store") from None
        raise


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
