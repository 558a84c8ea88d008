"""A browser's connection to a kernel, with the display gate in it.

Guarantees: nothing goes from a kernel to the browser but what `KernelGate.show` rebuilt, in frames made here,
with ids and dates of ours; nothing goes to the kernel but what `KernelGate.forward` rebuilt, signed here,
after its audit event was written down. A message with a wrong signature, seen before on this connection, or
unreadable is dropped. What takes time is read in a thread while the messages behind it wait in their socket,
so that order is kept and other kernels are not held up. Text that comes within a moment (`Gathering`) goes
out as one message. Jupyter's own rate limiter is off: the budgets are stricter.
"""

from __future__ import annotations

import contextlib
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClosedError

from egress_review.display.requests import Request
from egress_review.display.scope import Answer, Outcome
from onggi.clock import to_text
from onggi.errors import Unavailable
from onggi.reasons import Reason
from onggi.words import explain
from session.kernels import wire
from session.kernels.gathering import Gathering
from session.kernels.outgoing import Frames, Message
from session.kernels.reading import ReadingConnection

_SETTLE_SECONDS = 5.0
_SETTLE_TIMES = 12
_EMPTY = b"{}"


class GatedConnection(ReadingConnection):
    """One websocket of a browser to one kernel."""

    limit_rate = False
    open_connections: ClassVar[set[GatedConnection]] = set()
    _ids: count[int]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._ids = count(1)
        self._stem = self.session.session[:8].encode("ascii", "replace").hex()
        self._gathering = Gathering(self._send_text)
        self._losses = 0

    def connect(self) -> Any:
        """Begin, and be known to the grant check."""
        self.open_connections.add(self)
        self.websocket_handler.set_nodelay(
            True
        )  # answers are small and many: waiting to fill packets costs 40 ms
        return super().connect()

    def disconnect(self) -> None:  # type: ignore[override]  # the base class declares a coroutine and has none
        """End, and report what was not reported yet."""
        self._left = True
        self.open_connections.discard(self)
        for stream in self.channels.values():
            stream.go_on()  # whoever keeps them next is not to inherit a rest
        super().disconnect()  # type: ignore[no-untyped-call]  # Jupyter's, not annotated

    # browser → kernel

    def handle_incoming_message(self, incoming_msg: Any) -> None:
        """Rebuild, write down and forward a browser's message."""
        if not self.channels:
            return
        try:
            message = (wire.read_v1 if self.subprotocol == wire.V1 else wire.read_default)(incoming_msg)
        except (ValueError, UnicodeDecodeError):
            self.onggi.audit.refused("kernel.frame", Reason.DISPLAY_MESSAGE_DROPPED)
            return
        if self.onggi.closed is not None:
            return
        gate = self.onggi.gates.kernel(self.kernel_id)
        request = gate.forward(message.channel, message.header, message.content)
        if isinstance(request, Reason):
            kind = message.header.get("msg_type") if isinstance(message.header, dict) else ""
            self.onggi.audit.refused(f"request:{str(kind)[:40]}", request)
            return
        request.packed = wire.pack(request.header)  # also what a refusal answers to
        if request.kind == "execute_request" and not self._written_down(request):
            return
        parts = [request.packed, _EMPTY, _EMPTY, wire.pack(request.content)]
        if request.kind in {"comm_open", "comm_msg"}:
            parts += message.buffers
        self.session.send_raw(self.channels[message.channel], parts)

    def _written_down(self, request: Request) -> bool:
        try:
            self.onggi.gates.executing(self.kernel_id, request)
        except Unavailable as error:
            self._tell(request, error.reason, error.params)
            self._send("shell", request, Answer("execute_reply", {"status": "aborted"}))
            self._send("iopub", request, Answer("status", {"execution_state": "idle"}))
            return False
        return True

    # kernel → browser

    def _shown_elsewhere(self, channel: str, frames: Frames) -> bool:
        """Show what another page on this kernel was shown: at the price of a message, its bytes to the page.

        A kernel that sends it again chooses what to repeat, and in which order, to each page that is opened;
        so it costs the price of a message also where it joins the text before it.
        """
        watched = self.onggi.gates.watched(self.kernel_id)
        outcome = watched.outcomes.get(frames.signature) if channel == "iopub" else None
        if outcome is None:
            return False
        self._seen.add(frames.signature)
        meter, price = self.onggi.meter, self.onggi.gates.policy.message_bytes
        if meter.page(sum(map(_content_bytes, outcome.answers))) and meter.take(price):
            self._carry_out(channel, outcome)
        else:
            self._refuse()
        return True

    def _judge(self, channel: str, frames: Frames, message: Message) -> None:
        self._seen.add(frames.signature)
        watched = self.onggi.gates.watched(self.kernel_id)
        gate = watched.gate
        if message.content is None:
            outcome = gate.refuse_unread(message.parent)
        else:
            outcome = gate.show(
                channel,
                message.header,
                message.parent,
                message.content,
                prepared=message.prepared,
                joined=message.kind == "stream" and self._would_join(gate.request(message.parent), message),
                buffers=frames.buffers,
            )
        if not _is_text_alone(outcome):  # which is written down when it is sent
            self.onggi.gates.before(self.kernel_id, outcome)
        if channel == "iopub":
            watched.remember(frames.signature, replace(outcome, finished=False))
        self._carry_out(channel, outcome, unwritten=_is_text_alone(outcome))

    def _carry_out(self, channel: str, outcome: Outcome, *, unwritten: bool = False) -> None:
        """Send what may be shown, say what was cut, report a cell that is done."""
        self._cutting = not outcome.answers
        self._shown += bool(outcome.answers or outcome.notices)
        if outcome.dropped is not None:
            self.onggi.audit.refused(f"shown:{channel}", outcome.dropped)
        if outcome.finished and outcome.request is not None and self._lost():
            self._tell_lost(outcome.request)
        for answer in outcome.answers:
            if answer.kind == "stream":
                self._gathering.add(outcome.request, answer, unwritten=unwritten)
            else:
                self._send(channel, outcome.request, answer)
        for notice in outcome.notices:
            self._tell(outcome.request, notice.reason, notice.params)
        if outcome.finished and outcome.request is not None:
            self.onggi.gates.report(self.kernel_id, outcome.request)
        if channel == "shell" and outcome.request is not None and outcome.answers:
            self._settle_later(outcome.request, _SETTLE_TIMES)

    # text that comes together goes together

    def _would_join(self, request: Request | None, message: Message) -> bool:
        name = message.content.get("name") if isinstance(message.content, dict) else None
        return self._gathering.takes(request, name)

    def _send_text(self, outcome: Outcome, *, unwritten: bool) -> None:
        """Write down and send text that was gathered."""
        if unwritten:
            self.onggi.gates.before(self.kernel_id, outcome)
        for answer in outcome.answers:
            self._send("iopub", outcome.request, answer)
        for notice in outcome.notices:
            self._tell(outcome.request, notice.reason, notice.params)

    def _settle_later(self, request: Request, times: int) -> None:
        IOLoop.current().call_later(_SETTLE_SECONDS, self._settle, request, times, self._heard())

    def _heard(self) -> int:
        listening = self.channels.get("iopub")
        return 0 if listening is None else int(listening.heard)

    def _settle(self, request: Request, times: int, heard: int) -> None:
        """Tell the page that an answered request is done, if the kernel's own word was lost in a flood.

        Args:
            times: how often to go on waiting while a flood is still coming: that word may be at its end.
            heard: how many bytes had come when this was last looked at; one message can be long in coming.
        """
        goes_on = self._backlogs["iopub"].busy or self._heard() > heard
        if goes_on and times and not (request.idle or self._left):
            self._settle_later(request, times - 1)
        elif self.channels and self.onggi.gates.kernel(self.kernel_id).settle(request):
            if request.kind == "execute_request":
                self._lost()
                self._tell_lost(request)
                self.onggi.gates.report(self.kernel_id, request)
            self._send("iopub", request, Answer("status", {"execution_state": "idle"}))

    def _lost(self) -> bool:
        """Whether something of the kernel's was too large to be received since this was last asked."""
        listening, before = self.channels.get("iopub"), self._losses
        self._losses = before if listening is None else listening.losses
        return self._losses > before

    def _tell_lost(self, request: Request) -> None:
        if request.budget is not None:
            request.budget.cuts += 1
        self._tell(request, Reason.DISPLAY_OUTPUT_LOST, {})

    def _finish_kernel_info(self, info: Any) -> None:  # noqa: ARG002 - Jupyter's signature
        """What a kernel says about its protocol is not used: frames are made and read here."""
        if not self._kernel_info_future.done():
            self._kernel_info_future.set_result({})

    def _tell(self, request: Request | None, reason: Reason, params: Any) -> None:
        text = explain(self.onggi.settings.plan.language, reason, params)
        self._send("iopub", request, Answer("stream", {"name": "stderr", "text": f"\n[{text}]\n"}))

    def _send(self, channel: str, request: Request | None, answer: Answer) -> None:
        self._gathering.let_go()  # what came before goes before
        write = wire.write_v1 if self.subprotocol == wire.V1 else wire.write_default
        header = wire.header_bytes(f"{self._stem}-{next(self._ids)}", answer.kind, self._stem, _now())
        parent, content = _EMPTY if request is None else request.packed, wire.pack(answer.content)
        frame = write(channel, header, parent, wire.pack(answer.metadata), content, answer.buffers)
        charged = len(content) + sum(map(len, answer.buffers))  # by the gate
        if not self.onggi.meter.page(len(frame) - charged):
            self.onggi.audit.refused("kernel.frame", Reason.DISPLAY_PAGE_LIMIT)
            return
        with contextlib.suppress(WebSocketClosedError):
            self.write_message(frame, binary=isinstance(frame, bytes))

    def _send_status_message(self, status: str) -> None:
        """Tell the page that the kernel restarts or is dead: the server's own words."""
        if status in {"restarting", "dead"}:
            self._send("iopub", None, Answer("status", {"execution_state": status}))


def _now() -> str:
    return to_text(datetime.now(UTC))


def _is_text_alone(outcome: Outcome) -> bool:
    """Whether an outcome is one piece of text and nothing else, as almost all are in a flood."""
    return len(outcome.answers) == 1 and outcome.answers[0].kind == "stream" and not outcome.notices


def _content_bytes(answer: Answer) -> int:
    """What an answer shows, in bytes on the wire."""
    return len(wire.pack(answer.content)) + sum(map(len, answer.buffers))
