"""A display gate with a cell running, and what a kernel sends to it."""

from __future__ import annotations

import base64
import io
import random
from typing import Any

from PIL import Image

from egress_review.display.budget import CountingMeter
from egress_review.display.gate import KernelGate
from egress_review.display.policy import DisplayPolicy
from egress_review.display.redrawing import ImageWorker
from egress_review.display.requests import Request
from egress_review.display.scope import Outcome

POLICY = DisplayPolicy()
WORKER = ImageWorker()  # a process; it ends by itself when nobody asks


def make_gate(policy: DisplayPolicy = POLICY) -> KernelGate:
    return KernelGate(policy, CountingMeter(policy.session_bytes), WORKER)


def execute(gate: KernelGate, msg_id: str = "cell-1", code: str = "1") -> Request:
    request = gate.forward("shell", {"msg_id": msg_id, "msg_type": "execute_request"}, {"code": code})
    assert isinstance(request, Request)
    return request


def show(
    gate: KernelGate, kind: str, content: Any, parent: str = "cell-1", channel: str = "iopub"
) -> Outcome:
    return gate.show(channel, {"msg_type": kind, "msg_id": "k"}, {"msg_id": parent}, content)


def picture(form: str = "PNG", width: int = 20, height: int = 10, *, noise: bool = False) -> bytes:
    """An image of one colour, or of noise, which does not compress."""
    image = Image.new("RGB", (width, height), "red")
    if noise:
        image = Image.frombytes("RGB", (width, height), random.Random(1).randbytes(width * height * 3))
    written = io.BytesIO()
    image.save(written, form)
    return written.getvalue()


def png(width: int = 20, height: int = 10, *, noise: bool = False) -> str:
    return base64.b64encode(picture("PNG", width, height, noise=noise)).decode()
