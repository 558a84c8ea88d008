"""Checks an export of the audit log with the public key alone, and names what does not hold.

Guarantees: without a finding, the events in the file are, byte for byte, in order and in number, those that
the key's owner signed in the newest checkpoint; and if earlier checkpoints were given, the log still begins
with them. Does not guarantee that the file goes as far as the log does: who cuts the file *and* its head back
to an older signed checkpoint is found out only by a checkpoint that was kept elsewhere (a certificate holds
one).

The file is read as a stream; at most the events between two checkpoints are held in memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import BinaryIO

from egress_review.audit.checkpoint import Checkpoint
from egress_review.audit.findings import Found, Proof
from egress_review.audit.interval import MAX_REMOVED, Interval, removed_before
from egress_review.audit.lines import EventLine, HeadLine, MarkLine, read_lines
from egress_review.audit.merkle import Frontier
from egress_review.audit.note import NoteVerifier

__all__ = ["AuditReport", "verify_export"]

MAX_FINDINGS = 200
MAX_INTERVAL_EVENTS = 100_000
# After these the numbers in the file run beside the true ones; that needs no second finding.
_SHIFTING = frozenset(
    {Proof.EVENT_ADDED, Proof.EVENT_REMOVED, Proof.EVENT_REPEATED, Proof.EVENTS_REMOVED_WITHIN}
)


@dataclass(frozen=True, slots=True)
class AuditReport:
    """The outcome.

    Attributes:
        size: events up to the last checkpoint that holds.
        events: lines of events in the file.
        newest: the newest checkpoint that the file's head shows, if it is signed.
        findings: what does not hold, at most `MAX_FINDINGS`; empty if everything does.
    """

    size: int
    events: int
    newest: Checkpoint | None
    findings: tuple[Found, ...]

    @property
    def ok(self) -> bool:
        """Whether everything holds."""
        return not self.findings and self.newest is not None


def verify_export(file: BinaryIO, verifier: NoteVerifier, earlier: Sequence[Checkpoint] = ()) -> AuditReport:
    """Check an export.

    Args:
        file: open for reading bytes.
        verifier: the log's public key (`egress_review.audit.note.read_verifier`).
        earlier: checkpoints of the same log that were kept elsewhere, already opened with the same key.
    """
    reading = _Reading(earlier)
    for line in read_lines(file, verifier):
        if isinstance(line, Found):
            reading.note(line)
        elif isinstance(line, HeadLine):
            reading.head(line)
        elif isinstance(line, EventLine):
            reading.event(line)
        else:
            reading.mark(line)
    reading.end()
    newest = reading.newest.checkpoint if reading.newest else None
    return AuditReport(reading.edge.size, reading.events, newest, tuple(reading.findings[:MAX_FINDINGS]))


@dataclass(slots=True)
class _Reading:
    """Where the reading stands.

    Attributes:
        edge: the authentic edge of the tree at the last checkpoint that could be used.
        held: events since then, in the order of the file.
        before: the last events before `edge`, for finding out what was removed there.
        moved_up: events were removed and the rest stand before the checkpoints that they belong behind.
        unjudged: what seems wrong with `held` where no edge to go on from was authentic.
        doubtful: where in `findings` an interval just before `edge` is said not to match.
    """

    earlier: Sequence[Checkpoint]
    newest: HeadLine | None = None
    edge: Frontier = field(default_factory=Frontier)
    held: list[EventLine] = field(default_factory=list)
    before: list[EventLine] = field(default_factory=list)
    doubtful: int | None = None
    findings: list[Found] = field(default_factory=list)
    events: int = 0
    marks: int = 0
    overfull: bool = False
    moved_up: bool = False
    unjudged: list[Found] = field(default_factory=list)

    def head(self, line: HeadLine) -> None:
        """The first line, and only the first."""
        if self.newest is not None or self.events or self.marks:
            self._say(Proof.LINE_UNREADABLE, line=1)
        self.newest = self.newest or line

    def event(self, line: EventLine) -> None:
        """One more event."""
        self.events += 1
        if len(self.held) < MAX_INTERVAL_EVENTS:
            self.held.append(line)
        else:
            self.overfull = True

    def mark(self, line: MarkLine) -> None:
        """A signed checkpoint: everything since the last one is held against it."""
        self.marks += 1
        checkpoint = line.checkpoint
        if line.frontier is None:
            self._say(Proof.CHECKPOINT_CHANGED, size=checkpoint.size)
        if checkpoint.size < self.edge.size or (checkpoint.size == self.edge.size and self.edge.size):
            self._say(Proof.CHECKPOINT_CONTRADICTED, size=checkpoint.size)
            return
        self._judge(checkpoint, line.frontier)

    def end(self) -> None:
        """What is missing or left over."""
        if self._foreign():
            self.findings = [Found(Proof.NO_EXPORT, {})]  # and not one for each line of it
            return
        if self.newest is None:
            self._say(Proof.LOG_UNKNOWN)
            return
        newest = self.newest.checkpoint
        if self.edge.size < newest.size <= self.edge.size + len(self.held):
            self._judge(newest, None)  # its own line is gone, but the head holds it too
        for found in self.unjudged:
            self.note(found)
        if self.edge.size + len(self.held) < newest.size:
            self._say(Proof.CUT_OFF, size=self.edge.size + len(self.held), expected=newest.size)
        elif self.held or self.overfull or self.edge.size > newest.size:
            self._say(Proof.NOT_COVERED, first=min(self.edge.size, newest.size), count=len(self.held))
        elif self.marks != self.newest.checkpoints:
            self._say(Proof.CHECKPOINT_MISSING, count=self.marks, expected=self.newest.checkpoints)
        for checkpoint in self.earlier:
            if checkpoint.size > newest.size:
                self._say(Proof.CUT_OFF, size=newest.size, expected=checkpoint.size)

    def _foreign(self) -> bool:
        """Whether not one line is in the form of an export, signed by whomever."""
        lines = self.newest is not None or self.events or self.marks
        return not lines and all(one.code is Proof.LINE_UNREADABLE for one in self.findings)

    def note(self, found: Found) -> None:
        """Keep a finding, as long as there is room."""
        if len(self.findings) < MAX_FINDINGS:
            self.findings.append(found)

    def _judge(self, checkpoint: Checkpoint, frontier: Frontier | None) -> None:
        """Hold the events since the last checkpoint against this one, and go on behind it if possible."""
        due = checkpoint.size - self.edge.size
        events = self.held[:due] if self.moved_up else self.held
        interval = Interval(self.edge, checkpoint.size, checkpoint.root, events)
        found, leaves = interval.explain()
        if leaves is None and frontier is None:
            self.unjudged = found
            return  # no authentic edge to go on from: the next checkpoint judges these events too
        self.unjudged = []
        if frontier is not None and leaves is None and self._shifted(interval):
            self._advance(interval, None, frontier, due)
            return
        if any(one.code in _SHIFTING for one in self.findings):
            found = [one for one in found if one.code is not Proof.NUMBERS_CHANGED]
        for one in found:
            self.note(one)
        last = self.findings[-1].code if self.findings else None
        self.doubtful = len(self.findings) - 1 if leaves is None and last is Proof.INTERVAL_CHANGED else None
        self._advance(interval, leaves, frontier, len(events))

    def _shifted(self, interval: Interval) -> bool:
        """Whether events were removed before this interval and the rest moved up; then it says so."""
        if self.doubtful is None:
            return False
        count = removed_before(interval, self.before)
        if not count:
            return False
        places = self.findings[self.doubtful].params
        self.findings[self.doubtful] = Found(Proof.EVENTS_REMOVED_WITHIN, {**places, "count": str(count)})
        self.doubtful = None
        self.held = [*self.before[-count:], *self.held]
        self.moved_up = True
        return True

    def _advance(
        self, interval: Interval, leaves: Sequence[bytes] | None, frontier: Frontier | None, taken: int
    ) -> None:
        """Go on behind the checkpoint; earlier checkpoints on the way are held against what is certain.

        Args:
            leaves: authentic ones of the interval, if they are known.
            taken: how many of the held events belong to the interval.
        """
        edge = interval.start.copy()
        for leaf in leaves or ():
            self._compare(edge)
            edge.add(leaf)
        self.before = self.held[:taken][-MAX_REMOVED:]
        self.held = self.held[taken:]
        self.edge = frontier or edge
        self._compare(self.edge)

    def _compare(self, edge: Frontier) -> None:
        for checkpoint in self.earlier:
            if checkpoint.size == edge.size and checkpoint.root != edge.root():
                self._say(Proof.CHECKPOINT_CONTRADICTED, size=checkpoint.size)

    def _say(self, code: Proof, **params: object) -> None:
        self.note(Found(code, {name: str(value) for name, value in params.items()}))
