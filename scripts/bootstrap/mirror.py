"""The source tree's copy for the service user.

Guarantees: root only reads, and only files that git knows or does not ignore; everything in the service
user's home is written by that user, so nothing that it planted there (a symlink, say) can turn a copy against
another file.

The unpacking half runs as that user from this file's text (`python -c`), because the source tree may lie
where that user cannot read. So: standard library only, no import of ours.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import IO

# Caches and what tests leave; git ignores them, they stay in the copy.
_KEPT = frozenset(
    """
    __pycache__ .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage
    """.split()
)


def listed(source: Path) -> list[str]:
    """The files of the working tree: tracked or new, not ignored, not deleted."""
    git = ["git", "-c", "safe.directory=*", "-C", str(source), "ls-files", "-coz", "--exclude-standard"]
    names = subprocess.run(git, check=True, capture_output=True).stdout.split(b"\0")
    return sorted(
        {os.fsdecode(name) for name in names if name and os.path.lexists(source / os.fsdecode(name))}
    )


def pack(source: Path, names: Sequence[str], stream: IO[bytes]) -> None:
    """Writes the files as a tar stream."""
    with tarfile.open(fileobj=stream, mode="w|") as archive:
        for name in names:
            archive.add(source / name, arcname=name, recursive=False)


def unpack(target: Path, stream: IO[bytes]) -> None:
    """Makes `target` the tree of the stream: writes what differs, removes what is not in it."""
    target.mkdir(parents=True, exist_ok=True)
    kept: set[Path] = set()
    with tarfile.open(fileobj=stream, mode="r|") as archive:
        for member in archive:
            path = target / member.name
            kept.update((path, *path.parents))
            if not _same(member, path):
                _replace(archive, member, target)
    for folder, folders, files in os.walk(target, topdown=True):
        folders[:] = [name for name in folders if name not in _KEPT]
        for name in files:
            path = Path(folder, name)
            if path not in kept and not name.startswith(tuple(_KEPT)):
                path.unlink()
    _prune(target, kept)


def _same(member: tarfile.TarInfo, path: Path) -> bool:
    if not member.isreg() or path.is_symlink() or not path.is_file():
        return False
    status = path.stat()
    return (status.st_size, int(status.st_mtime), status.st_mode & 0o777) == (
        member.size,
        int(member.mtime),
        member.mode & 0o755,
    )


def _replace(archive: tarfile.TarFile, member: tarfile.TarInfo, target: Path) -> None:
    path = target / member.name
    for parent in reversed(path.relative_to(target).parents):
        folder = target / parent
        if folder.is_symlink() or (folder.exists() and not folder.is_dir()):
            folder.unlink()
        folder.mkdir(exist_ok=True)
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    if member.issym():
        path.symlink_to(member.linkname)
    elif content := archive.extractfile(member):
        path.write_bytes(content.read())
        path.chmod(member.mode & 0o755)
        os.utime(path, (member.mtime, member.mtime))


def _prune(target: Path, kept: set[Path]) -> None:
    for folder, _, _ in os.walk(target, topdown=False):
        path = Path(folder)
        if path not in kept and path != target and path.name not in _KEPT and not any(path.iterdir()):
            path.rmdir()


if __name__ == "__main__":
    unpack(Path(sys.argv[1]), sys.stdin.buffer)
