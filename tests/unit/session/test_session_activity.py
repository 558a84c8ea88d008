"""A kernel is busy if it says so itself, in a signed message about what somebody asked."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from jupyter_client.session import Session

from session.kernels.activity import Activity

KEY = b"a key that only the kernel and the server have"


class Kernel:
    """What a kernel's messages do to Jupyter's manager of it."""

    def __init__(self, state: str = "idle") -> None:
        self.speaks = Session(key=KEY)
        self.kernel = SimpleNamespace(session=Session(key=KEY), execution_state=state, last_activity=None)
        self.manager = SimpleNamespace(
            track_message_type=lambda kind: kind == "execute_request", last_kernel_activity=None
        )
        self.activity = Activity(self.manager, self.kernel)

    def says(self, kind: str, content: Any, asked: str = "execute_request", session: Any = None) -> str:
        speaks = session or self.speaks
        message = speaks.msg(kind, content, parent=speaks.msg(asked))
        frames = [b"topic", *speaks.serialize(message)]

        async def hear() -> None:
            self.activity.heard(frames)

        asyncio.run(hear())
        state: str = self.kernel.execution_state
        return state


def test_busy_and_idle_are_noted_with_the_moment() -> None:
    kernel = Kernel()
    assert kernel.says("status", {"execution_state": "busy"}) == "busy"
    first = kernel.manager.last_kernel_activity
    assert first == kernel.kernel.last_activity is not None
    assert kernel.says("status", {"execution_state": "idle"}) == "idle"
    assert kernel.manager.last_kernel_activity > first


def test_what_the_server_asked_for_itself_is_no_work() -> None:
    kernel = Kernel("starting")
    assert kernel.says("status", {"execution_state": "busy"}, "kernel_info_request") == "idle"
    assert kernel.says("status", {"execution_state": "busy"}, "kernel_info_request") == "idle"
    assert kernel.manager.last_kernel_activity is None


def test_output_of_a_busy_kernel_is_activity_and_of_an_idle_one_is_not() -> None:
    kernel = Kernel()
    kernel.says("stream", {"name": "stdout", "text": '"status"'})
    assert kernel.manager.last_kernel_activity is None
    kernel.kernel.execution_state = "busy"
    kernel.says("stream", {"name": "stdout", "text": "a"})
    assert kernel.manager.last_kernel_activity is not None


@pytest.mark.parametrize(
    "content",
    [{"execution_state": "SECRET"}, {"execution_state": ["busy"]}, {}, b"[]", {"x": "y" * 99_999}],
)
def test_a_state_that_is_none_changes_nothing(content: Any) -> None:
    assert Kernel().says("status", content) == "idle"


def test_an_unsigned_state_changes_nothing() -> None:
    assert Kernel().says("status", {"execution_state": "busy"}, session=Session(key=b"another")) == "idle"


@pytest.mark.parametrize(
    "frames", [[], [b"<IDS|MSG>"], [b"a", b"<IDS|MSG>", b"s", b'"status"', b"", b"", b"{"]]
)
def test_what_is_no_message_is_passed_over(frames: list[bytes]) -> None:
    kernel = Kernel()
    kernel.activity.heard(frames)
    assert kernel.kernel.execution_state == "idle"
