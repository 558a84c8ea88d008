"""The display gate of one kernel: every message between browser and kernel is decided here.

Guarantees: a message type, channel, mime type or key that is not named in the policy's tables does not pass;
the budget of a cell belongs to an execution that the gate itself forwarded, once; everything shown is charged
to the cell (or the background) and to the session's meter before it is handed out. Does not hide how long
things take, nor what little a status or a number carries; those cost a flat price a message.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from itertools import count

from egress_review.display.answers import BUILDERS
from egress_review.display.budget import Budget, Meter, background_budget, cell_budget
from egress_review.display.policy import DisplayPolicy
from egress_review.display.requests import FORWARDED, Request, rebuild_header, rebuild_request
from egress_review.display.scope import Outcome, Scope
from onggi.reasons import Reason


class KernelGate:
    """What was asked of one kernel, and what its answers may still show."""

    def __init__(self, policy: DisplayPolicy, meter: Meter) -> None:
        self.policy = policy
        self.meter = meter
        self.background: Budget = background_budget(policy)
        self._requests: OrderedDict[str, Request] = OrderedDict()
        self._display_ids: dict[str, str] = {}
        self._numbers = count(1)
        self._forgotten: list[Request] = []

    def forward(self, channel: str, header: object, content: object) -> Request | Reason:
        """Whether a browser's message goes to the kernel: the rebuilt request, or why not.

        A message id is taken once: a second execution under the same id would share, not renew, a budget.
        """
        kind = header.get("msg_type") if isinstance(header, Mapping) else None
        if not isinstance(kind, str) or kind not in FORWARDED.get(channel, ()):
            return Reason.DISPLAY_MESSAGE_DROPPED
        rebuilt_header = rebuild_header(header, kind)
        rebuilt = rebuild_request(kind, content)
        if rebuilt_header is None or rebuilt is None or rebuilt_header["msg_id"] in self._requests:
            return Reason.DISPLAY_MESSAGE_DROPPED
        request = Request(kind, channel, rebuilt_header, rebuilt)
        if kind == "execute_request":
            request.budget = cell_budget(self.policy)
        if channel != "stdin":
            self._remember(request)
        return request

    def show(self, channel: str, header: object, parent: object, content: object) -> Outcome:
        """What of a kernel's message may be shown."""
        kind = header.get("msg_type") if isinstance(header, Mapping) else None
        build = BUILDERS.get(channel, {}).get(kind) if isinstance(kind, str) else None
        request = self._request(parent)
        outcome = Outcome(request=request)
        if build is None or not isinstance(content, Mapping) or not self._expected(channel, kind, request):
            (request.budget if request and request.budget else self.background).cuts += 1
            outcome.dropped = Reason.DISPLAY_MESSAGE_DROPPED
            return outcome
        budget = request.budget if request is not None and request.budget is not None else self.background
        scope = Scope(self.policy, self.meter, budget, request, outcome, self._display_ids, self._numbers)
        answer = build(scope, content, {})
        if answer is not None:
            outcome.answers.append(answer)
        elif not outcome.notices:
            outcome.dropped = Reason.DISPLAY_MESSAGE_DROPPED
        return outcome

    def settle(self, request: Request) -> bool:
        """Close a request that was answered and whose `idle` never came: floods are lost on the way.

        Returns:
            Whether it was still open; then the page is to be told `idle`, and the cell can be reported.
        """
        if request.idle or not request.answered:
            return False
        request.busy = request.idle = True
        request.content = {}
        return True

    def unreported(self) -> list[Request]:
        """Executions that have shown or lost something since they were last reported."""
        forgotten, self._forgotten = self._forgotten, []
        return [item for item in (*forgotten, *self._requests.values()) if item.budget and item.budget.dirty]

    def restarted(self) -> None:
        """A fresh kernel gets a fresh background."""
        self.background = background_budget(self.policy)
        self._display_ids.clear()
        self._numbers = count(1)

    def _remember(self, request: Request) -> None:
        self._requests[request.header["msg_id"]] = request
        while len(self._requests) > self.policy.remembered_requests:
            _, oldest = self._requests.popitem(last=False)
            if oldest.budget is not None and oldest.budget.dirty:
                self._forgotten.append(oldest)

    def _request(self, parent: object) -> Request | None:
        msg_id = parent.get("msg_id") if isinstance(parent, Mapping) else None
        return self._requests.get(msg_id) if isinstance(msg_id, str) else None

    @staticmethod
    def _expected(channel: str, kind: object, request: Request | None) -> bool:
        """A reply must answer a forwarded request of its kind, on its channel, for the first time."""
        if channel in {"iopub", "stdin"}:
            return True
        if request is None or request.channel != channel or request.answered:
            return False
        if kind != request.kind.removesuffix("_request") + "_reply":
            return False
        request.answered = True
        return True
