"""The display gates of all kernels of a session, and what they report to the audit log."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

from egress_review.display.budget import Budget
from egress_review.display.gate import KernelGate
from egress_review.display.policy import DisplayPolicy
from egress_review.display.redrawing import ImageWorker
from egress_review.display.requests import Request
from egress_review.display.scope import Notice, Outcome
from onggi.errors import Unavailable
from onggi.reasons import Reason
from session.audit import AuditTrail
from session.meter import SessionMeter
from session.record import DisplayRecord, What, pieces_of

_REMEMBERED_OUTCOMES = 512
_REMEMBERED_CELLS = 2000
_THREADS = 2


@dataclass(slots=True)
class WatchedGate:
    """A kernel's gate, and its last decisions by message signature.

    Two browser tabs on one kernel receive the same messages; the second is shown what the first was, at the
    price of a message each.
    """

    kernel_id: str
    gate: KernelGate
    outcomes: OrderedDict[bytes, Outcome] = field(default_factory=OrderedDict)

    def remember(self, signature: bytes, outcome: Outcome) -> None:
        """Keep a decision for other connections to the same kernel."""
        self.outcomes[signature] = outcome
        if len(self.outcomes) > _REMEMBERED_OUTCOMES:
            self.outcomes.popitem(last=False)


class Gates:
    """One gate per kernel, one meter for the session.

    Args:
        redraw: decodes images and draws them anew; asked in `threads` only, ended with this.
        record: where it is written down what is shown.
    """

    def __init__(
        self,
        policy: DisplayPolicy,
        meter: SessionMeter,
        audit: AuditTrail,
        redraw: ImageWorker,
        record: DisplayRecord,
    ) -> None:
        self.policy = policy
        self.meter = meter
        self.redraw = redraw
        self.threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="display")
        self._audit = audit
        self._record = record
        self._cells: OrderedDict[str, What] = OrderedDict()
        self._gates: dict[str, WatchedGate] = {}

    def use(self, policy: DisplayPolicy) -> None:
        """Judge by another policy from now on, also what cells that run still show."""
        self.policy = policy
        for watched in self._gates.values():
            watched.gate.use(policy)

    def kernel(self, kernel_id: str) -> KernelGate:
        """The gate of a kernel."""
        return self.watched(kernel_id).gate

    def watched(self, kernel_id: str) -> WatchedGate:
        """The gate of a kernel with its remembered decisions."""
        if kernel_id not in self._gates:
            self._gates[kernel_id] = WatchedGate(kernel_id, KernelGate(self.policy, self.meter, self.redraw))
        return self._gates[kernel_id]

    def forget(self, kernel_id: str) -> None:
        """Report the rest of a kernel that is gone, and let go of it."""
        self.report_rest()
        self._gates.pop(kernel_id, None)

    def close(self) -> None:
        """Read no more, and end the process that draws images."""
        self.threads.shutdown(wait=False, cancel_futures=True)
        self.redraw.close()

    def executing(self, kernel_id: str, request: Request) -> None:
        """Write down that a cell is about to run.

        Raises:
            Unavailable: AUDIT_UNREACHABLE; then it must not run.
        """
        code = str(request.content["code"]).encode("utf-8", "replace")
        digest = hashlib.sha256(code).hexdigest()
        self._audit.record(
            "cell.execute",
            request.header["msg_id"],
            kernel=kernel_id,
            code_sha256=digest,
            code_bytes=len(code),
            policy=self.policy.version,
        )
        msg_id = request.header["msg_id"]
        self._cells[msg_id] = What("cell", msg_id, kernel_id, None, request.content["code"], digest)
        if len(self._cells) > _REMEMBERED_CELLS:
            self._cells.popitem(last=False)

    def before(self, kernel_id: str, outcome: Outcome) -> None:
        """Write down what is about to be shown, or else show nothing of it; add what the meter has to say."""
        outcome.notices[:] = [self._from_meter(notice) for notice in outcome.notices]
        try:
            self._record.before(self._what(kernel_id, outcome.request), pieces_of(outcome.answers))
        except Unavailable as error:
            outcome.answers[:] = []
            outcome.notices.append(Notice(error.reason, error.params))
        if outcome.answers:
            outcome.notices += self.meter.news()

    def report(self, kernel_id: str, request: Request) -> None:
        """Write down what a cell has shown since its last report."""
        if request.budget is not None:
            what = self._what(kernel_id, request)
            self._report(what, request.budget)
            self._cells[what.subject] = replace(what, code="")

    def report_rest(self) -> None:
        """Write down what was shown and not reported yet: late output, and output that no cell explains."""
        for kernel_id, watched in self._gates.items():
            for request in watched.gate.unreported():
                self.report(kernel_id, request)
            if watched.gate.background.dirty:
                self._report(What("background", kernel_id, kernel_id), watched.gate.background)

    def _report(self, what: What, budget: Budget) -> None:
        try:
            self._record.finish(what, budget.cuts)
        except Unavailable:
            return  # it stays to be reported, and no cell runs before events can be written down again
        budget.shown, budget.cuts = {}, 0

    def _what(self, kernel_id: str, request: Request | None) -> What:
        """What a message of a kernel belongs to: a cell, or the background of its kernel."""
        if request is None or request.budget is None:
            return What("background", kernel_id, kernel_id)
        msg_id = request.header["msg_id"]
        return replace(self._cells.get(msg_id) or What("cell", msg_id, kernel_id), number=request.number)

    def _from_meter(self, notice: Notice) -> Notice:
        """What was cut because nothing could be charged, with the limit that was in the way."""
        return self.meter.refusal if notice.reason is Reason.DISPLAY_SESSION_LIMIT else notice
