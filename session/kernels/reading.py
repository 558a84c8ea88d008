"""Taking what a kernel says to a page: in order, verified, and no faster than it is worth.

Guarantees: each message that is signed and readable is handed to `_judge` once, in the order of its channel;
what takes time is read in a thread while the messages behind it wait in their socket, so that other kernels
are not held up; work that shows nothing takes a share of the processor and no more (`Pace`).
"""

from __future__ import annotations

import asyncio
import time
from typing import Any

from jupyter_server.services.kernels.connection.channels import ZMQChannelsWebsocketConnection

from onggi.reasons import Reason
from session.context import SessionContext
from session.kernels import wire
from session.kernels.backlog import Backlog
from session.kernels.outgoing import Frames, Message, needs_drawing, read, take_apart, weigh
from session.kernels.pace import Pace
from session.kernels.signatures import Signatures

__all__ = ["ReadingConnection"]

SLICE_SECONDS = 0.002
"""How long messages of one kernel are worked on before anything else has its turn."""
_CHANNELS = ("shell", "iopub", "stdin", "control")


class ReadingConnection(ZMQChannelsWebsocketConnection):
    """The reading half of a websocket's connection to a kernel.

    Attributes:
        _shown: how many messages showed something.
        _cutting: whether the last message showed nothing.
        _left: whether the page is gone.
    """

    _backlogs: dict[str, Backlog]
    _seen: Signatures
    _working: set[asyncio.Task[None]]

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._seen = Signatures()
        self._backlogs = {channel: Backlog() for channel in _CHANNELS}
        self._pace = Pace()
        self._working = set()
        self._parent: tuple[bytes, Any] = b"", None
        self._left = self._cutting = False
        self._shown = 0

    @property
    def onggi(self) -> SessionContext:
        """The session this belongs to."""
        context: SessionContext = self.multi_kernel_manager.parent.onggi
        return context

    def _judge(self, channel: str, frames: Frames, message: Message) -> None:
        """Decide about a message and do what is decided."""
        raise NotImplementedError

    def _shown_elsewhere(self, channel: str, frames: Frames) -> bool:
        """Whether it was decided about for another page; then that is done here too."""
        raise NotImplementedError

    def handle_outgoing_message(self, stream: Any, outgoing_msg: list[bytes]) -> None:
        """Take a kernel's message: now, or behind those of its channel that are being read."""
        channel = stream if isinstance(stream, str) else getattr(stream, "channel", None)
        if channel not in _CHANNELS or self.onggi.closed is not None:
            return
        backlog = self._backlogs[channel]
        backlog.append(outgoing_msg)
        if backlog.full and stream is not channel:
            stream.hold()
        if not backlog.taken:
            backlog.taken = True
            asyncio.get_running_loop().call_soon(self._work, channel)  # with what came along

    def _work(self, channel: str) -> None:
        """Decide about messages of a channel, in order, until its slice of time is over."""
        backlog = self._backlogs[channel]
        backlog.taken = False
        begun, before = time.perf_counter(), self._shown
        while backlog and not backlog.taken and not self._left:
            if time.perf_counter() - begun > SLICE_SECONDS:
                break
            frames = take_apart(backlog.pop())
            if frames is None or frames.signature in self._seen:
                self._refuse()
            elif self._cut_unread(channel, frames):
                pass
            elif frames.small:
                self._read_now(channel, frames)
            else:
                self._read_in_thread(channel, frames)
        if not backlog.taken:
            self._rest(channel, time.perf_counter() - begun, shown=self._shown > before)

    def _rest(self, channel: str, worked: float, *, shown: bool) -> None:
        """Go on with a channel: at once, or after a while in which nothing is read from it."""
        stream, backlog = self.channels.get(channel), self._backlogs[channel]
        if self._left or stream is None:
            return
        worked, stream.spent = worked + stream.spent, 0.0
        pause = self._pace.rest(worked, shown=shown)
        backlog.taken = bool(pause or backlog)
        if pause:
            stream.hold()
            asyncio.get_running_loop().call_later(pause, self._work, channel)
        elif backlog:
            asyncio.get_running_loop().call_soon(self._work, channel)
        else:
            stream.go_on()

    def _cut_unread(self, channel: str, frames: Frames) -> bool:
        """Whether a text cannot be shown whatever it is, known without reading it: in a flood that is cut."""
        if channel != "iopub" or not self._cutting or b'"stream"' not in frames.header:
            return False
        if frames.parent != self._parent[0]:
            try:
                self._parent = frames.parent, wire.load(frames.parent)
            except ValueError:
                return False
        cut = self.onggi.gates.kernel(self.kernel_id).cut_unread(self._parent[1])
        if cut:
            self.onggi.audit.refused(f"shown:{channel}", Reason.DISPLAY_MESSAGE_DROPPED)
        return cut

    def _read_now(self, channel: str, frames: Frames) -> None:
        if not frames.authentic(self.session.sign):
            self._refuse()
            return
        if self._shown_elsewhere(channel, frames):
            return
        gate = self.onggi.gates.kernel(self.kernel_id)
        try:
            message = read(frames, len(frames.content), len(frames.content))
        except ValueError:
            self._refuse()
            return
        if needs_drawing(gate, message):
            self._read_in_thread(channel, frames)
        else:
            self._judge(channel, frames, message)

    def _read_in_thread(self, channel: str, frames: Frames) -> None:
        self._backlogs[channel].taken = True
        task = asyncio.get_running_loop().create_task(self._read_slowly(channel, frames))
        self._working.add(task)
        task.add_done_callback(self._working.discard)

    async def _read_slowly(self, channel: str, frames: Frames) -> None:
        gates = self.onggi.gates
        gate = gates.kernel(self.kernel_id)
        begun, before = time.perf_counter(), self._shown
        try:
            message = await asyncio.get_running_loop().run_in_executor(
                gates.threads, weigh, gate, frames, self.session.sign
            )
            if message is None:
                self._refuse()
            elif not self._shown_elsewhere(channel, frames):
                self._judge(channel, frames, message)
        finally:  # whatever became of it, the messages behind it are next
            self._rest(channel, time.perf_counter() - begun, shown=self._shown > before)

    def _refuse(self) -> None:
        self.onggi.audit.refused("kernel.message", Reason.DISPLAY_MESSAGE_DROPPED)
