"""The signing key of egress review, in one file that nobody else may read.

Guarantees: the file is made with mode 0600 before anything is written to it, is complete or absent (a crash
leaves no half key), and is refused if its mode or owner would let anyone else read it. It is not encrypted:
who can read the files of egress review's user can sign.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from egress_review.audit.note import NoteSigner
from onggi.errors import Unavailable
from onggi.reasons import Reason

__all__ = ["DEFAULT_ORIGIN", "load_or_create_signer"]

DEFAULT_ORIGIN = "onggi/audit-log"
_OTHERS = stat.S_IRWXG | stat.S_IRWXO
_MAX_BYTES = 4096


def load_or_create_signer(path: Path, origin: str = DEFAULT_ORIGIN) -> NoteSigner:
    """The signing key in `path` (PEM, PKCS 8); made on the first start.

    Args:
        origin: the name of the log, without spaces or plus signs.

    Raises:
        Unavailable: SIGNING_KEY_EXPOSED if others may read it; SIGNING_KEY_UNREADABLE if it is no Ed25519
            key.
    """
    if not path.exists():
        _create(path)
    return NoteSigner(origin, _load(path))


def _load(path: Path) -> Ed25519PrivateKey:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as error:
        raise Unavailable(Reason.SIGNING_KEY_UNREADABLE, path=path) from error
    with os.fdopen(fd, "rb") as file:
        status = os.fstat(fd)
        if status.st_mode & _OTHERS or status.st_uid != os.geteuid():
            raise Unavailable(Reason.SIGNING_KEY_EXPOSED, path=path)
        try:
            key = load_pem_private_key(file.read(_MAX_BYTES), password=None)
        except (ValueError, TypeError) as error:
            raise Unavailable(Reason.SIGNING_KEY_UNREADABLE, path=path) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise Unavailable(Reason.SIGNING_KEY_UNREADABLE, path=path)
    return key


def _create(path: Path) -> None:
    """Write a fresh key beside its place and link it there: of two at once, the first one's stays."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    try:
        with os.fdopen(
            os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb"
        ) as file:
            file.write(pem)
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
