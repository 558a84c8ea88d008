"""A kernel's output socket that goes on listening after a message that was too large.

ZeroMQ ends a connection on which a message comes that is longer than the socket takes, and does not come back
to it: everything that the kernel says from then on would be lost without a word. So the end is watched for,
and the socket is connected anew at once, when what came before is read; its subscription goes with it. What
the kernel says in between, some milliseconds, is lost like the message itself: `losses` of the stream counts
how often that was.
"""

from __future__ import annotations

from itertools import count
from typing import Any

import zmq
from tornado.ioloop import IOLoop
from zmq.eventloop.zmqstream import ZMQStream
from zmq.utils.monitor import parse_monitor_message

__all__ = ["keep_listening"]

PAUSE_SECONDS = 0.02
"""Between two looks at what is not read yet, and between two connections: a kernel can end each at once."""
_WATCHED = zmq.EVENT_DISCONNECTED | zmq.EVENT_CONNECT_RETRIED | zmq.EVENT_MONITOR_STOPPED
_names = count(1)


def keep_listening(stream: Any, context: Any, address: str) -> None:
    """Connect a stream's socket to `address` again whenever ZeroMQ gives that up, until it is closed."""
    stream.losses = 0
    name = f"inproc://onggi-listening-{next(_names)}"
    stream.socket.monitor(name, _WATCHED)
    watcher = zmq.Socket(context, zmq.PAIR)
    watcher.linger = 0
    watcher.connect(name)
    _Watch(stream, ZMQStream(watcher, stream.io_loop), address)


class _Watch:
    def __init__(self, stream: Any, monitor: ZMQStream, address: str) -> None:
        self._stream = stream
        self._monitor = monitor
        self._address = address
        self._waits = self._retried = False
        monitor.on_recv(self._heard)

    def _heard(self, parts: list[bytes]) -> None:
        event = parse_monitor_message(parts)["event"]
        if event == zmq.EVENT_MONITOR_STOPPED:
            self._monitor.close()
        elif event == zmq.EVENT_CONNECT_RETRIED:  # a kernel that went away: ZeroMQ waits for it by itself
            self._retried = True
        else:
            self._retried = False
            if not self._waits:
                self._waits = True
                IOLoop.current().call_later(PAUSE_SECONDS, self._again)

    def _again(self) -> None:
        if self._stream.closed():
            return
        socket = self._stream.socket
        if socket.getsockopt(zmq.EVENTS) & zmq.POLLIN:  # to disconnect throws away what is not read
            self._stream._handle_events(socket, 0)  # noqa: SLF001 - looked at, it is not signalled again
            IOLoop.current().call_later(PAUSE_SECONDS, self._again)
            return
        self._waits = False
        if not self._retried:
            self._stream.losses += 1
            socket.disconnect(self._address)
            socket.connect(self._address)
