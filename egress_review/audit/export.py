"""The audit log as one file that a third party can verify without us.

JSON lines, each canonical JSON: a head with the newest checkpoint; then the events in order, each with its
leaf hash as stored when it was appended; among them, after the event that each one covers last, every
signed checkpoint with the subtree hashes of its size. Leaf and subtree hashes are not signed, but they must
combine to the signed roots: so a verifier can say which event was changed, and go on behind the damage.
"""

from __future__ import annotations

import contextlib
import errno
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

from egress_review.audit.merkle import subtrees_of
from egress_review.audit.protocol import AuditLog, Logged, StoredCheckpoint
from onggi.errors import Invalid, Unavailable
from onggi.events import canonical_json
from onggi.reasons import Reason

__all__ = ["FORMAT", "checkpoint_line", "event_line", "export_lines", "head_line", "write_export"]

FORMAT = "onggi-audit-log-1"
_FULL = frozenset((errno.ENOSPC, errno.EDQUOT, errno.EFBIG))


def export_lines(log: AuditLog, origin: str, newest: StoredCheckpoint) -> Iterator[bytes]:
    """The file, line by line.

    Args:
        log: in a transaction that lasts as long as the iteration.
        origin: the log's name, that of its key.
        newest: the checkpoint up to which the file goes (`Notary.checkpoint`).
    """
    due = [one for one in log.checkpoints() if one.size < newest.size]
    due.append(newest)
    yield head_line(origin, newest, len(due))
    for logged in log.events(0, newest.size):
        while due and due[0].size <= logged.index:
            yield _checkpoint(log, due.pop(0))
        yield event_line(logged)
    for checkpoint in due:
        yield _checkpoint(log, checkpoint)


def write_export(path: Path, lines: Iterable[bytes]) -> int:
    """Write the file in one step: it is complete or absent; its bytes.

    Raises:
        Unavailable: DISK_FULL.
        Invalid: FILE_NOT_WRITABLE.
    """
    fresh = path.with_name(f".{path.name}.new")
    try:
        with fresh.open("wb") as file:
            for line in lines:
                file.write(line)
            file.flush()
            os.fsync(file.fileno())
            size = file.tell()
        fresh.replace(path)
    except OSError as error:
        if error.errno in _FULL:
            raise Unavailable(Reason.DISK_FULL, path=path) from error
        raise Invalid(Reason.FILE_NOT_WRITABLE, name=path) from error
    finally:
        with contextlib.suppress(OSError):
            fresh.unlink(missing_ok=True)
    return size


def head_line(origin: str, newest: StoredCheckpoint, checkpoints: int) -> bytes:
    """The first line: which log it is, how far it goes, how many checkpoint lines follow."""
    return _line(
        {
            "kind": "head",
            "format": FORMAT,
            "origin": origin,
            "checkpoint": newest.note,
            "checkpoints": checkpoints,
        }
    )


def event_line(logged: Logged) -> bytes:
    """An event with its place and its leaf hash; the event's own bytes are in it as they were hashed."""
    return b'{"event":%b,"index":%d,"kind":"event","leaf":"%b"}\n' % (
        logged.body,
        logged.index,
        logged.leaf.hex().encode(),
    )


def checkpoint_line(size: int, note: str, subtrees: Iterable[bytes]) -> bytes:
    """A checkpoint with the hashes of `subtrees_of(size)`."""
    hashes = [one.hex() for one in subtrees]
    return _line({"kind": "checkpoint", "size": size, "note": note, "subtrees": hashes})


def _checkpoint(log: AuditLog, checkpoint: StoredCheckpoint) -> bytes:
    subtrees = [log.subtree(*one) for one in subtrees_of(checkpoint.size)]
    return checkpoint_line(checkpoint.size, checkpoint.note, subtrees)


def _line(body: object) -> bytes:
    return canonical_json(body) + b"\n"
