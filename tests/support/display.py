"""A display gate with a cell running, and what a kernel sends to it."""

from __future__ import annotations

import base64
from typing import Any

from egress_review.display.budget import CountingMeter
from egress_review.display.gate import KernelGate
from egress_review.display.policy import DisplayPolicy
from egress_review.display.requests import Request
from egress_review.display.scope import Outcome

POLICY = DisplayPolicy()


def make_gate(policy: DisplayPolicy = POLICY) -> KernelGate:
    return KernelGate(policy, CountingMeter(policy.session_bytes))


def execute(gate: KernelGate, msg_id: str = "cell-1", code: str = "1") -> Request:
    request = gate.forward("shell", {"msg_id": msg_id, "msg_type": "execute_request"}, {"code": code})
    assert isinstance(request, Request)
    return request


def show(
    gate: KernelGate, kind: str, content: Any, parent: str = "cell-1", channel: str = "iopub"
) -> Outcome:
    return gate.show(channel, {"msg_type": kind, "msg_id": "k"}, {"msg_id": parent}, content)


def png(size: int = 100) -> str:
    return base64.b64encode(b"\x89PNG\r\n\x1a\n" + b"\0" * size).decode()
