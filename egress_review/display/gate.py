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
from typing import Any

from egress_review.display.answers import BUILDERS
from egress_review.display.budget import Budget, Meter, background_budget, cell_budget
from egress_review.display.bundle import Prepared, prepare
from egress_review.display.comms import Comms, target
from egress_review.display.images import Redraw, refuse_all
from egress_review.display.policy import DisplayPolicy
from egress_review.display.requests import FORWARDED, Request, rebuild_header, rebuild_request
from egress_review.display.scope import Outcome, Scope
from onggi.reasons import Reason


class KernelGate:
    """What was asked of one kernel, and what its answers may still show.

    Args:
        redraw: decodes images and draws them anew; without it none is shown.
    """

    def __init__(self, policy: DisplayPolicy, meter: Meter, redraw: Redraw = refuse_all) -> None:
        self.policy = policy
        self.redraw = redraw
        self.meter = meter
        self.background: Budget = background_budget(policy)
        self._requests: OrderedDict[str, Request] = OrderedDict()
        self._display_ids: dict[str, str] = {}
        self._comms = Comms()
        self._numbers = count(1)
        self._forgotten: list[Request] = []

    def use(self, policy: DisplayPolicy) -> None:
        """Judge by another policy from now on; of what a cell has shown, nothing is forgotten.

        What is left to cells that run, and to the background, becomes what the new policy gives less what
        they have shown. It may become less than nothing.
        """
        before, self.policy = self.policy, policy
        self.background.move(background_budget(before), background_budget(policy))
        for request in self._requests.values():
            if request.budget is not None:
                request.budget.move(cell_budget(before), cell_budget(policy))

    def forward(self, channel: str, header: object, content: object) -> Request | Reason:
        """Whether a browser's message goes to the kernel: the rebuilt request, or why not.

        A message id is taken once: a second execution under the same id would share, not renew, a budget.
        """
        kind = header.get("msg_type") if isinstance(header, Mapping) else None
        if not isinstance(kind, str) or kind not in FORWARDED.get(channel, ()):
            return Reason.DISPLAY_MESSAGE_DROPPED
        rebuilt_header = rebuild_header(header, kind)
        rebuilt = self._content(kind, content)
        if rebuilt_header is None or rebuilt is None or rebuilt_header["msg_id"] in self._requests:
            return Reason.DISPLAY_MESSAGE_DROPPED
        request = Request(kind, channel, rebuilt_header, rebuilt)
        if kind == "execute_request":
            request.budget = cell_budget(self.policy)
        if channel != "stdin":
            self._remember(request)
        return request

    def prepare(self, parent: object, content: object) -> Prepared:
        """Make the output in a message harmless beforehand; touches nothing else, so a thread may do it."""
        request = self.request(parent)
        budget = request.budget if request is not None and request.budget is not None else self.background
        data, metadata = (
            (content.get("data"), content.get("metadata")) if isinstance(content, Mapping) else (None, None)
        )
        return prepare(self.policy, self.redraw, budget.images, data, metadata)

    def refuse_unread(self, parent: object) -> Outcome:
        """What is said of a message that is too long to be looked at."""
        request = self.request(parent)
        outcome = Outcome(request=request, dropped=Reason.DISPLAY_MESSAGE_TOO_LARGE)
        self._scope(request, outcome).cut(Reason.DISPLAY_MESSAGE_TOO_LARGE)
        (request.budget if request and request.budget else self.background).cuts += 1
        return outcome

    def show(
        self,
        channel: str,
        header: object,
        parent: object,
        content: object,
        *,
        prepared: Prepared | None = None,
        joined: bool = False,
        buffers: tuple[bytes, ...] = (),
    ) -> Outcome:
        """What of a kernel's message may be shown.

        Args:
            prepared: what `prepare` made of it, if it was asked.
            joined: whether this text will reach the page in one message with the text before it, and so
                tells nothing by coming apart from it.
            buffers: what the message carries beside its content.
        """
        kind = header.get("msg_type") if isinstance(header, Mapping) else None
        build = BUILDERS.get(channel, {}).get(kind) if isinstance(kind, str) else None
        request = self.request(parent)
        outcome = Outcome(request=request)
        if build is None or not isinstance(content, Mapping) or not self._expected(channel, kind, request):
            (request.budget if request and request.budget else self.background).cuts += 1
            outcome.dropped = Reason.DISPLAY_MESSAGE_DROPPED
            return outcome
        scope = self._scope(request, outcome)
        scope.prepared, scope.joined, scope.buffers = prepared, joined, buffers
        answer = build(scope, content)
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

    def cut_unread(self, parent: object) -> bool:
        """Whether a text would be cut whole, which its reader was told; then it counts as cut.

        Nothing of it is shown, so nobody needs to know more of it than what it says it belongs to.
        """
        request = self.request(parent)
        budget = request.budget if request is not None and request.budget is not None else self.background
        if budget.text >= self.policy.message_bytes or Reason.DISPLAY_CELL_LIMIT not in budget.told:
            return False
        budget.cuts += 1
        return True

    def unreported(self) -> list[Request]:
        """Executions that have shown or lost something since they were last reported."""
        forgotten, self._forgotten = self._forgotten, []
        return [item for item in (*forgotten, *self._requests.values()) if item.budget and item.budget.dirty]

    def restarted(self) -> None:
        """A fresh kernel gets a fresh background."""
        self.background = background_budget(self.policy)
        self._display_ids.clear()
        self._comms.clear()
        self._numbers = count(1)

    def request(self, parent: object) -> Request | None:
        """The forwarded request that a message says it belongs to."""
        msg_id = parent.get("msg_id") if isinstance(parent, Mapping) else None
        return self._requests.get(msg_id) if isinstance(msg_id, str) else None

    def _scope(self, request: Request | None, outcome: Outcome) -> Scope:
        budget = request.budget if request is not None and request.budget is not None else self.background
        return Scope(
            policy=self.policy,
            meter=self.meter,
            budget=budget,
            request=request,
            outcome=outcome,
            display_ids=self._display_ids,
            numbers=self._numbers,
            comms=self._comms,
            redraw=self.redraw,
        )

    def _content(self, kind: str, content: object) -> dict[str, Any] | None:
        """A request's content from known keys; what is about a comm only for a target that is named."""
        rebuilt = rebuild_request(kind, content)
        if rebuilt is None or not kind.startswith("comm_") or kind == "comm_info_request":
            return rebuilt
        if kind == "comm_open":
            named = target(rebuilt, self.policy.comm_targets)
            name = self._comms.opened_by_page(rebuilt["comm_id"]) if named is not None else None
        else:
            name = self._comms.kernel_name(rebuilt["comm_id"])
            if kind == "comm_close":
                self._comms.close(str(rebuilt["comm_id"]))
        return None if name is None else rebuilt | {"comm_id": name}

    def _remember(self, request: Request) -> None:
        self._requests[request.header["msg_id"]] = request
        while len(self._requests) > self.policy.remembered_requests:
            _, oldest = self._requests.popitem(last=False)
            if oldest.budget is not None and oldest.budget.dirty:
                self._forgotten.append(oldest)

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
