"""Signs checkpoints of the log, and never two that contradict each other.

Guarantees: before it signs, the log must begin with what was signed last, and the events added since must
hash to the stored tree; otherwise it refuses and keeps refusing. The last checkpoint is kept twice: in the
database and in a file beside the signing key, written after the database has committed. So a database that
was rolled back, cut off or swapped is noticed at the next start. Who can replace both database and file is
noticed only by somebody who kept a checkpoint, for instance in a certificate.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime, timedelta
from pathlib import Path

from egress_review.audit.checkpoint import Checkpoint, open_checkpoint
from egress_review.audit.merkle import Frontier, frontier_of, leaf_hash, root_hash
from egress_review.audit.note import NoteSigner
from egress_review.audit.protocol import AuditLog, StoredCheckpoint
from onggi.clock import from_text, to_text
from onggi.errors import Tampered, Unavailable
from onggi.events import event_from_json
from onggi.reasons import Reason

__all__ = ["CLOCK_TOLERANCE", "EVERY_EVENTS", "Notary", "check_clock"]

EVERY_EVENTS = 64
CLOCK_TOLERANCE = timedelta(minutes=5)

Transaction = Callable[[], AbstractContextManager[AuditLog]]


class Notary:
    """The hand that signs.

    Args:
        signer: the log's key.
        transaction: begins a writing transaction on the log and commits it at the end of its block.
        guard: the file that remembers the last checkpoint outside the database.
        every: events between two checkpoints at most; damage is located between two of them.
    """

    def __init__(
        self, signer: NoteSigner, transaction: Transaction, guard: Path, every: int = EVERY_EVENTS
    ) -> None:
        self._signer = signer
        self._transaction = transaction
        self._guard = guard
        self._every = every

    @property
    def public_key(self) -> str:
        """What third parties verify with: `origin+key id+base64`."""
        return self._signer.verifier.text

    @property
    def origin(self) -> str:
        """The name of the log, that of its key."""
        return self._signer.name

    def checkpoint(self) -> StoredCheckpoint:
        """A signed checkpoint of everything that is committed now; the last one if nothing was added.

        Raises:
            Tampered: AUDIT_TAMPERED if the log contradicts what was signed; SIGNATURE_INVALID if a kept
                checkpoint is not of this key.
        """
        with self._alone():
            with self._transaction() as log:
                trusted, note = self._trusted(log)
                if note and log.size() == trusted.size:
                    newest = StoredCheckpoint(trusted.size, note)
                else:
                    newest = self._sign(log, trusted)
            self._remember(newest)
            return newest

    def check_at_start(self, now: datetime) -> None:
        """Refuse to start on a log that contradicts what was signed, or with a clock that runs behind it.

        Raises:
            Tampered: as `checkpoint`.
            Unavailable: CLOCK_WRONG.
        """
        with self._transaction() as log:
            last = next(log.events(log.size() - 1), None) if log.size() else None
        if last is not None:
            check_clock(last.body, now)
        self.checkpoint()

    def _trusted(self, log: AuditLog) -> tuple[Checkpoint, str]:
        """The newest checkpoint that was signed, after the log was held against it."""
        if next(log.events(log.size(), log.size() + 1), None) is not None:
            raise Tampered(Reason.AUDIT_TAMPERED, detail=str(log.size()))
        kept = self._guard.read_text("utf-8") if self._guard.exists() else ""
        known = [open_checkpoint(kept, self._signer.verifier)] if kept else []
        notes = {known[0].size: kept} if known else {}
        for stored in log.checkpoints(after=known[0].size if known else -1):
            known.append(open_checkpoint(stored.note, self._signer.verifier))
            notes[known[-1].size] = stored.note
        for signed in known:
            if signed.size > log.size():
                raise Tampered(Reason.AUDIT_TAMPERED, detail=f"{log.size()} < {signed.size}")
            if root_hash(signed.size, log.subtree) != signed.root:
                raise Tampered(Reason.AUDIT_TAMPERED, detail=f"0–{signed.size - 1}")
        if not known:
            return Checkpoint(self._signer.name, 0, Frontier().root()), ""
        return known[-1], notes[known[-1].size]

    def _sign(self, log: AuditLog, trusted: Checkpoint) -> StoredCheckpoint:
        frontier = frontier_of(trusted.size, log.subtree)
        size = log.size()
        due: list[StoredCheckpoint] = []
        for logged in log.events(trusted.size, size):
            if logged.index != frontier.size:
                raise Tampered(Reason.AUDIT_TAMPERED, detail=str(frontier.size))
            frontier.add(leaf_hash(logged.body))
            if frontier.size % self._every == 0 and frontier.size < size:
                due.append(self._signed(frontier))
        if frontier.size != size or frontier.root() != root_hash(size, log.subtree):
            raise Tampered(Reason.AUDIT_TAMPERED, detail=f"{trusted.size}–{size - 1}")
        due.append(self._signed(frontier))
        for checkpoint in due:
            log.add_checkpoint(checkpoint)
        return due[-1]

    def _signed(self, frontier: Frontier) -> StoredCheckpoint:
        head = Checkpoint(self._signer.name, frontier.size, frontier.root())
        return StoredCheckpoint(frontier.size, self._signer.sign(head.text))

    def _remember(self, checkpoint: StoredCheckpoint) -> None:
        fresh = self._guard.with_name(f"{self._guard.name}.new")
        with fresh.open("w", encoding="utf-8") as file:
            file.write(checkpoint.note)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._guard)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One signer at a time: the service and the command line share the file."""
        self._guard.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with self._guard.with_name(f"{self._guard.name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def check_clock(last_event: bytes, now: datetime) -> None:
    """Refuse a clock that runs more than `CLOCK_TOLERANCE` behind the newest event.

    Args:
        last_event: canonical bytes.

    Raises:
        Unavailable: CLOCK_WRONG.
    """
    last = from_text(event_from_json(json.loads(last_event)).time)
    if now < last - CLOCK_TOLERANCE:
        raise Unavailable(Reason.CLOCK_WRONG, now=to_text(now), last=to_text(last))
