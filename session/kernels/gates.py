"""The display gates of all kernels of a session, and what they report to the audit log."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from dataclasses import dataclass, field

from egress_review.display.budget import Budget, Meter
from egress_review.display.gate import KernelGate
from egress_review.display.policy import DisplayPolicy
from egress_review.display.requests import Request
from egress_review.display.scope import Outcome
from onggi.errors import Unavailable
from session.audit import AuditTrail

_REMEMBERED_OUTCOMES = 512


@dataclass(slots=True)
class WatchedGate:
    """A kernel's gate, and its last decisions by message signature.

    Two browser tabs on one kernel receive the same messages; the second is shown what the first was, at no
    price.
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
    """One gate per kernel, one meter for the session."""

    def __init__(self, policy: DisplayPolicy, meter: Meter, audit: AuditTrail) -> None:
        self.policy = policy
        self.meter = meter
        self._audit = audit
        self._gates: dict[str, WatchedGate] = {}

    def kernel(self, kernel_id: str) -> KernelGate:
        """The gate of a kernel."""
        return self.watched(kernel_id).gate

    def watched(self, kernel_id: str) -> WatchedGate:
        """The gate of a kernel with its remembered decisions."""
        if kernel_id not in self._gates:
            self._gates[kernel_id] = WatchedGate(kernel_id, KernelGate(self.policy, self.meter))
        return self._gates[kernel_id]

    def forget(self, kernel_id: str) -> None:
        """Report the rest of a kernel that is gone, and let go of it."""
        self.report_rest()
        self._gates.pop(kernel_id, None)

    def executing(self, kernel_id: str, request: Request) -> None:
        """Write down that a cell is about to run.

        Raises:
            Unavailable: AUDIT_UNREACHABLE; then it must not run.
        """
        code = str(request.content["code"]).encode("utf-8", "replace")
        self._audit.record(
            "cell.execute",
            request.header["msg_id"],
            kernel=kernel_id,
            code_sha256=hashlib.sha256(code).hexdigest(),
            code_bytes=len(code),
            policy=self.policy.version,
        )

    def report(self, kernel_id: str, request: Request) -> None:
        """Write down what a cell has shown since its last report."""
        if request.budget is not None:
            self._report(kernel_id, request.header["msg_id"], "cell.shown", request.budget)

    def report_rest(self) -> None:
        """Write down what was shown and not reported yet: late output, and output that no cell explains."""
        for kernel_id, watched in self._gates.items():
            for request in watched.gate.unreported():
                self.report(kernel_id, request)
            if watched.gate.background.dirty:
                self._report(kernel_id, kernel_id, "background.shown", watched.gate.background)

    def _report(self, kernel_id: str, subject: str, action: str, budget: Budget) -> None:
        try:
            self._audit.record(
                action,
                subject,
                kernel=kernel_id,
                shown_bytes=budget.shown,
                cut=budget.cuts,
                shown_sha256=budget.digest.hexdigest(),
                policy=self.policy.version,
            )
        except Unavailable:
            return  # it stays to be reported, and no cell runs before events can be written down again
        budget.shown, budget.cuts = {}, 0
