"""A browser's connection to a kernel, with the display gate in it.

Guarantees: nothing goes from a kernel to the browser but what `KernelGate.show` rebuilt, in frames made here,
with ids and dates of ours; nothing goes to the kernel but what `KernelGate.forward` rebuilt, signed here,
after its audit event was written down. A message with a wrong signature, seen before on this connection, or
unreadable is dropped. Jupyter's own rate limiter is off: the budgets are stricter.
"""

from __future__ import annotations

import hmac
from collections import OrderedDict
from dataclasses import replace
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection
from tornado.ioloop import IOLoop
from tornado.websocket import WebSocketClosedError

from egress_review.display.requests import Request
from egress_review.display.scope import Answer, Outcome
from onggi.clock import to_text
from onggi.errors import Unavailable
from onggi.reasons import Reason
from onggi.words import explain
from session.context import SessionContext
from session.kernels import wire

_CHANNELS = ("shell", "iopub", "stdin", "control")
_SEEN_SIGNATURES = 4096
_SETTLE_SECONDS = 5.0
_EMPTY = b"{}"
_DELIMITER = b"<IDS|MSG>"


class GatedConnection(ZMQChannelsWebsocketConnection):
    """One websocket of a browser to one kernel."""

    limit_rate = False
    open_connections: ClassVar[set[GatedConnection]] = set()
    _seen: OrderedDict[bytes, None]
    _ids: count[int]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._seen = OrderedDict()
        self._ids = count(1)
        self._stem = self.session.session[:8].encode("ascii", "replace").hex()

    @property
    def onggi(self) -> SessionContext:
        """The session this belongs to."""
        context: SessionContext = self.multi_kernel_manager.parent.onggi
        return context

    def connect(self) -> Any:
        """Begin, and be known to the grant check."""
        self.open_connections.add(self)
        self.websocket_handler.set_nodelay(
            True
        )  # answers are small and many: waiting to fill packets costs 40 ms
        return super().connect()

    def disconnect(self) -> None:  # type: ignore[override]  # the base class declares a coroutine and has none
        """End, and report what was not reported yet."""
        self.open_connections.discard(self)
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

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[bytes]) -> None:
        """Decide about a kernel's message and send what may be shown."""
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", None)
        if channel not in _CHANNELS or self.onggi.closed is not None:
            return
        outcome = self._decide(channel, outgoing_msg)
        if outcome is None:
            self.onggi.audit.refused("kernel.message", Reason.DISPLAY_MESSAGE_DROPPED)
            return
        if outcome.dropped is not None:
            self.onggi.audit.refused(f"shown:{channel}", outcome.dropped)
        for answer in outcome.answers:
            self._send(channel, outcome.request, answer)
        for notice in outcome.notices:
            self._tell(outcome.request, notice.reason, notice.params)
        if outcome.finished and outcome.request is not None:
            self.onggi.gates.report(self.kernel_id, outcome.request)
        if channel == "shell" and outcome.request is not None and outcome.answers:
            IOLoop.current().call_later(_SETTLE_SECONDS, self._settle, outcome.request)

    def _settle(self, request: Request) -> None:
        """Tell the page that an answered request is done, if the kernel's own word was lost in a flood."""
        if self.channels and self.onggi.gates.kernel(self.kernel_id).settle(request):
            if request.kind == "execute_request":
                self._tell(request, Reason.DISPLAY_OUTPUT_LOST, {})
                self.onggi.gates.report(self.kernel_id, request)
                self._listen_again()
            self._send("iopub", request, Answer("status", {"execution_state": "idle"}))

    def _listen_again(self) -> None:
        """Subscribe anew: ZeroMQ does not come back after a message that was too large."""
        before = self.channels.pop("iopub")
        stream = self.kernel_manager.connect_iopub(identity=self.session.bsession)
        stream.channel = "iopub"
        stream.on_recv_stream(self.handle_outgoing_message)
        self.channels["iopub"] = stream
        before.on_recv(None)
        before.close()

    def _decide(self, channel: str, frames: list[bytes]) -> Outcome | None:
        """The gate's word on a message, or None if it is not a message at all."""
        try:
            signature, header, parent, metadata, content = frames[frames.index(_DELIMITER) + 1 :][:5]
        except ValueError:
            return None
        expected = self.session.sign([header, parent, metadata, content])
        if not hmac.compare_digest(signature, expected) or signature in self._seen:
            return None
        self._seen[signature] = None
        if len(self._seen) > _SEEN_SIGNATURES:
            self._seen.popitem(last=False)
        watched = self.onggi.gates.watched(self.kernel_id)
        outcome = watched.outcomes.get(signature) if channel == "iopub" else None
        # Shown before on another connection: a kernel that sends it again still chooses what to repeat.
        if outcome is not None and not self.onggi.meter.take(self.onggi.gates.policy.message_bytes):
            return None
        if outcome is None:
            try:
                parts = [self.session.unpack(part) for part in (header, parent, content)]
            except (ValueError, RecursionError):
                return None
            outcome = watched.gate.show(channel, *parts)
            if channel == "iopub":
                watched.remember(signature, replace(outcome, finished=False))
        return outcome

    def _finish_kernel_info(self, info: Any) -> None:  # noqa: ARG002 - Jupyter's signature
        """What a kernel says about its protocol is not used: frames are made and read here."""
        if not self._kernel_info_future.done():
            self._kernel_info_future.set_result({})

    def _tell(self, request: Request | None, reason: Reason, params: Any) -> None:
        text = explain(self.onggi.settings.plan.language, reason, params)
        self._send("iopub", request, Answer("stream", {"name": "stderr", "text": f"\n[{text}]\n"}))

    def _send(self, channel: str, request: Request | None, answer: Answer) -> None:
        write = wire.write_v1 if self.subprotocol == wire.V1 else wire.write_default
        header = wire.header_bytes(
            f"{self._stem}-{next(self._ids)}", answer.kind, self._stem, to_text(datetime.now(UTC))
        )
        parent = request.packed if request is not None else _EMPTY
        frame = write(channel, header, parent, wire.pack(answer.metadata), wire.pack(answer.content))
        try:
            self.write_message(frame, binary=isinstance(frame, bytes))
        except WebSocketClosedError:
            self.log.debug("websocket closed")

    def _send_status_message(self, status: str) -> None:
        """Tell the page that the kernel restarts or is dead: the server's own words."""
        if status in {"restarting", "dead"}:
            self._send("iopub", None, Answer("status", {"execution_state": status}))
