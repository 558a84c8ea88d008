"""Whether a kernel is busy and when it last did something, for the list of kernels.

Listens beside the pages, with or without one. Only messages about the kernel's state are read, and only if
they are signed; of all others it is enough that they came.
"""

from __future__ import annotations

from typing import Any

from jupyter_server._tz import utcnow
from tornado.ioloop import IOLoop

from egress_review.display.values import one_of
from session.kernels.outgoing import Frames, Message, read, take_apart

__all__ = ["STATES", "Activity"]

STATES = frozenset({"starting", "idle", "busy", "restarting", "dead", "unknown"})
_EVERY_SECONDS = 1.0
"""How exact the moment of the last activity is."""


class Activity:
    """Hears what a kernel says and notes its state on it, and the moment on it and its manager.

    Args:
        manager, kernel: Jupyter's.
    """

    def __init__(self, manager: Any, kernel: Any) -> None:
        self._manager = manager
        self._kernel = kernel
        self._noted = 0.0

    def heard(self, parts: list[bytes]) -> None:
        """A message came, whole."""
        frames = take_apart(parts)
        if frames is None:
            return
        if self._kernel.execution_state == "busy" and IOLoop.current().time() - self._noted > _EVERY_SECONDS:
            self._note()
        if b'"status"' in frames.header and frames.small:
            message = self._read(frames)
            if message is not None and message.kind == "status":
                self._change(message)

    def _read(self, frames: Frames) -> Message | None:
        if not frames.authentic(self._kernel.session.sign):
            return None
        try:
            return read(frames, len(frames.content), len(frames.content))
        except ValueError:
            return None

    def _change(self, message: Message) -> None:
        state = message.content.get("execution_state") if isinstance(message.content, dict) else None
        asked = message.parent.get("msg_type") if isinstance(message.parent, dict) else None
        if not one_of(state, STATES):
            return
        if isinstance(asked, str) and self._manager.track_message_type(asked):
            self._kernel.execution_state = state
            self._note()
        elif self._kernel.execution_state == "starting" and state != "starting":
            self._kernel.execution_state = "idle"  # what a kernel says of itself is not work

    def _note(self) -> None:
        self._noted = IOLoop.current().time()
        self._manager.last_kernel_activity = self._kernel.last_activity = utcnow()
