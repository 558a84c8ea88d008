"""The one way in which the trusted side touches files in a project folder.

The researcher writes there at any time, so nothing found there is believed. Guarantees: a name is resolved
by the kernel strictly below the root and through no symlink or magic link (`onggi.openat2`); only regular
files are read; no call blocks on a FIFO or a lease; never more than `max_bytes` are read; a copy is complete
and its hash is that of the copied bytes; a write replaces a name in one step and never writes through an
existing file.

Does not guarantee that a file stays as it was after it is closed: copy first, then use the copy. A change
during a copy is noticed by size, inode and kernel time stamps; a write through an existing memory map may
escape that, but then the copy is still exactly what is hashed, checked and voted on. Hard links are accepted:
making one needs write access to the file in the same mount, and a compute sees every other folder as another
mount (EXDEV). The root itself is trusted: it is a path that Onggi made.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import stat
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import TracebackType
from typing import Self

from onggi.errors import Conflict, Invalid
from onggi.openat2 import as_reasons, folder_beneath, open_at, parent_beneath
from onggi.reasons import Reason
from onggi.safe_names import check_name, shown

__all__ = [
    "Copied",
    "Entry",
    "Kind",
    "SafeFile",
    "check_name",
    "copy_beneath",
    "list_beneath",
    "mkdir_beneath",
    "open_beneath",
    "read_beneath",
    "rename_beneath",
    "rmdir_beneath",
    "shown",
    "stat_beneath",
    "unlink_beneath",
    "write_beneath",
]

_CHUNK_BYTES = 1024 * 1024
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC


class Kind(StrEnum):
    """What an entry of a folder is; only `file` and `directory` can be opened."""

    DIRECTORY = "directory"
    FILE = "file"
    LINK = "link"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder, looked at without following it.

    Attributes:
        name: last component. Where `usable` is false it is the escaped form, for showing only.
        size: bytes.
        mtime_ns: the researcher can set it to anything; nanoseconds since 1970.
        usable: whether `check_name` accepts the name.
    """

    name: str
    kind: Kind
    size: int
    mtime_ns: int
    usable: bool = True


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds: SHA-256 in hex and size in bytes."""

    sha256: str
    size: int


class SafeFile:
    """A regular file below a root, open for reading; a context manager.

    Attributes:
        fd: the descriptor; closed on exit.
        size: bytes when it was opened.
    """

    def __init__(self, fd: int, status: os.stat_result, name: str, max_bytes: int) -> None:
        self.fd = fd
        self.size = status.st_size
        self.status = status
        self._name = name
        self._limit = max_bytes
        self._left = max_bytes

    def read(self, count: int = -1) -> bytes:
        """Up to `count` bytes, or all that is left.

        Raises:
            Invalid: FILE_TOO_LARGE once more than the allowed bytes would come (the file grew).
        """
        if count >= 0:
            return self._take(os.read(self.fd, min(count, self._left + 1)))
        parts = []
        while part := self.read(_CHUNK_BYTES):
            parts.append(part)
        return b"".join(parts)

    def readinto(self, buffer: bytearray | memoryview) -> int:
        """Fill `buffer` from the file; 0 at its end.

        Raises:
            Invalid: FILE_TOO_LARGE, as `read`.
        """
        part = self.read(len(buffer))
        buffer[: len(part)] = part
        return len(part)

    def _take(self, part: bytes) -> bytes:
        self._left -= len(part)
        if self._left < 0:
            raise Invalid(Reason.FILE_TOO_LARGE, name=shown(self._name), limit=self._limit)
        return part

    def close(self) -> None:
        """Give the descriptor back; a second call does nothing."""
        if self.fd >= 0:
            os.close(self.fd)
            self.fd = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def open_beneath(root: Path, relative: str, *, max_bytes: int) -> SafeFile:
    """Open a regular file for reading.

    Raises:
        Invalid: FILE_NAME_REFUSED, FILE_NOT_REGULAR (folder, FIFO, device, socket), FILE_TOO_LARGE.
        NotFound: FILE_NOT_FOUND.
        Refused: FILE_LINK_REFUSED (a symlink anywhere on the way), FILE_OUTSIDE_PROJECT, FILE_NOT_READABLE.
        Conflict: FILE_CHANGED_WHILE_COPIED where its owner holds a lease on it.
        Unavailable: KERNEL_TOO_OLD.
    """
    name = check_name(relative)
    with as_reasons(name), folder_beneath(root, "", os.O_PATH | os.O_DIRECTORY) as top:
        fd = open_at(top, name.encode(), os.O_RDONLY)
    try:
        status = os.fstat(fd)
        if not stat.S_ISREG(status.st_mode):
            raise Invalid(Reason.FILE_NOT_REGULAR, name=shown(name))
        if status.st_size > max_bytes:
            raise Invalid(Reason.FILE_TOO_LARGE, name=shown(name), limit=max_bytes)
    except BaseException:
        os.close(fd)
        raise
    return SafeFile(fd, status, name, max_bytes)


def read_beneath(root: Path, relative: str, *, max_bytes: int) -> bytes:
    """The whole content of a regular file of at most `max_bytes`.

    Raises:
        OnggiError: as `open_beneath`.
    """
    with open_beneath(root, relative, max_bytes=max_bytes) as source:
        return source.read()


def copy_beneath(root: Path, relative: str, destination: Path | int, *, max_bytes: int) -> Copied:
    """Copy a regular file out of the project folder, durably, and say what was copied.

    Args:
        destination: a path that must not exist yet (made with mode 0600, removed again on failure), or an
            open descriptor (what was written stays written on failure).

    Raises:
        Conflict: FILE_CHANGED_WHILE_COPIED if the file changed meanwhile.
        Unavailable: DISK_FULL.
        OnggiError: as `open_beneath`.
    """
    with open_beneath(root, relative, max_bytes=max_bytes) as source:
        if isinstance(destination, int):
            return _copy(source, destination, relative)
        with as_reasons(relative):
            target = os.open(destination, _NEW_FILE, 0o600)
        try:
            return _copy(source, target, relative)
        except BaseException:
            destination.unlink(missing_ok=True)
            raise
        finally:
            os.close(target)


def list_beneath(root: Path, relative: str = "", *, limit: int) -> tuple[Entry, ...]:
    """The entries of a folder in the order of their names; an empty `relative` is the root.

    Raises:
        Invalid: TOO_MANY_FILES if there are more than `limit`; FILE_NAME_REFUSED; FILE_NOT_REGULAR if it is
            no folder.
        OnggiError: as `open_beneath`.
    """
    entries: list[Entry] = []
    with as_reasons(relative), folder_beneath(root, relative) as folder, os.scandir(folder) as found:
        for item in found:
            if len(entries) >= limit:
                raise Invalid(Reason.TOO_MANY_FILES, name=shown(relative), limit=limit)
            with contextlib.suppress(FileNotFoundError):  # gone since the folder was read
                entries.append(_entry(item.name, item.stat(follow_symlinks=False)))
    return tuple(sorted(entries, key=lambda entry: entry.name))


def stat_beneath(root: Path, relative: str = "") -> Entry:
    """What stands under a name, without following it; an empty `relative` is the root.

    Raises:
        OnggiError: as `open_beneath`, except that anything but a link on the way may stand there.
    """
    if not relative:
        with as_reasons(relative), folder_beneath(root, "", os.O_PATH | os.O_DIRECTORY) as folder:
            return _entry("", os.fstat(folder))
    with as_reasons(relative), parent_beneath(root, relative) as (folder, last):
        return _entry(last, os.stat(last, dir_fd=folder, follow_symlinks=False))


def write_beneath(root: Path, relative: str, data: bytes, *, max_bytes: int) -> None:
    """Put a file under a name in one step: a reader sees the old bytes or the new, never a mixture.

    Raises:
        Invalid: FILE_TOO_LARGE; FILE_NOT_REGULAR if something that is no file stands there.
        Unavailable: DISK_FULL.
        OnggiError: as `open_beneath`.
    """
    if len(data) > max_bytes:
        raise Invalid(Reason.FILE_TOO_LARGE, name=shown(relative), limit=max_bytes)
    with as_reasons(relative), parent_beneath(root, relative) as (folder, last):
        _refuse_unless_file(folder, last, relative)
        temporary = f".onggi-{secrets.token_hex(8)}.tmp"
        target = os.open(temporary, _NEW_FILE, 0o644, dir_fd=folder)
        try:
            _write_all(target, data)
            os.fsync(target)
            os.rename(temporary, last, src_dir_fd=folder, dst_dir_fd=folder)
        except BaseException:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary, dir_fd=folder)
            raise
        finally:
            os.close(target)
        os.fsync(folder)


def mkdir_beneath(root: Path, relative: str) -> None:
    """Make one folder; its parent must exist.

    Raises:
        Conflict: FILE_EXISTS.
        OnggiError: as `open_beneath`.
    """
    with as_reasons(relative), parent_beneath(root, relative) as (folder, last):
        os.mkdir(last, 0o755, dir_fd=folder)


def rename_beneath(root: Path, old: str, new: str) -> None:
    """Give an entry another name below the same root. A race can cost the researcher his own file, no more.

    Raises:
        Conflict: FILE_EXISTS if something stands under the new name.
        OnggiError: as `open_beneath`.
    """
    with (
        as_reasons(old),
        parent_beneath(root, old) as (source, old_last),
        parent_beneath(root, new) as (target, new_last),
    ):
        os.stat(old_last, dir_fd=source, follow_symlinks=False)
        with contextlib.suppress(FileNotFoundError):
            os.stat(new_last, dir_fd=target, follow_symlinks=False)
            raise Conflict(Reason.FILE_EXISTS, name=shown(new))
        os.rename(old_last, new_last, src_dir_fd=source, dst_dir_fd=target)


def unlink_beneath(root: Path, relative: str) -> None:
    """Remove an entry that is no folder; a link is removed itself, not what it points to.

    Raises:
        Invalid: FILE_NOT_REGULAR for a folder.
        OnggiError: as `open_beneath`.
    """
    with as_reasons(relative), parent_beneath(root, relative) as (folder, last):
        os.unlink(last, dir_fd=folder)


def rmdir_beneath(root: Path, relative: str) -> None:
    """Remove an empty folder.

    Raises:
        Conflict: DIRECTORY_NOT_EMPTY.
        OnggiError: as `open_beneath`.
    """
    with as_reasons(relative), parent_beneath(root, relative) as (folder, last):
        os.rmdir(last, dir_fd=folder)


def _entry(name: str, status: os.stat_result) -> Entry:
    kinds = {stat.S_IFDIR: Kind.DIRECTORY, stat.S_IFREG: Kind.FILE, stat.S_IFLNK: Kind.LINK}
    kind = kinds.get(stat.S_IFMT(status.st_mode), Kind.OTHER)
    try:
        usable = not name or bool(check_name(name))
    except Invalid:
        usable = False
    return Entry(name if usable else shown(name), kind, status.st_size, status.st_mtime_ns, usable)


def _copy(source: SafeFile, target: int, relative: str) -> Copied:
    digest = hashlib.sha256()
    size = 0
    with as_reasons(relative):
        while part := source.read(_CHUNK_BYTES):
            digest.update(part)
            size += len(part)
            if size > source.size:  # it grows: following it could take for ever
                raise Conflict(Reason.FILE_CHANGED_WHILE_COPIED, name=shown(relative))
            _write_all(target, part)
        os.fsync(target)
        after = os.fstat(source.fd)
    if size != source.size or _identity(after) != _identity(source.status):
        raise Conflict(Reason.FILE_CHANGED_WHILE_COPIED, name=shown(relative))
    return Copied(digest.hexdigest(), size)


def _identity(status: os.stat_result) -> tuple[int, ...]:
    return (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _write_all(target: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(target, view) :]


def _refuse_unless_file(folder: int, last: str, relative: str) -> None:
    with contextlib.suppress(FileNotFoundError):
        if not stat.S_ISREG(os.stat(last, dir_fd=folder, follow_symlinks=False).st_mode):
            raise Invalid(Reason.FILE_NOT_REGULAR, name=shown(relative))
