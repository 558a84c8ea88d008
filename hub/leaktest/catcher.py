"""A second origin on loopback that remembers what a browser asks it: the other end of every way out.

It also serves the control: a page without any policy, with the same pieces of HTML.
"""

from __future__ import annotations

import contextlib
import http.server
import socket
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

_CLICKS = (
    "<script>addEventListener('load',()=>setTimeout(()=>document.querySelectorAll("
    "'a,button,input[type=image]').forEach(e=>e.dispatchEvent(new MouseEvent('click',"
    "{bubbles:true,cancelable:true}))),200))</script>"
)


@dataclass(slots=True)
class Catcher:
    """What was asked.

    Attributes:
        port: of the listener.
        paths: of all requests so far.
        udp: port by vector, of listeners for datagrams; `datagrams` holds the vectors that reached one.
    """

    port: int
    paths: list[str] = field(default_factory=list)
    pages: dict[str, str] = field(default_factory=dict)
    udp: dict[str, int] = field(default_factory=dict)
    datagrams: set[str] = field(default_factory=set)

    @property
    def origin(self) -> str:
        """The catcher's origin."""
        return f"http://127.0.0.1:{self.port}"

    def fill(self, html: str, name: str) -> str:
        """A piece of HTML with this catcher's addresses for the vector `name`."""
        return html.format(
            u=f"{self.origin}/{name}", ws=f"ws://127.0.0.1:{self.port}/{name}", udp=self.udp.get(name, 9)
        )

    def caught(self, name: str) -> bool:
        """Whether anything came for the vector `name`."""
        asked = {path.partition("?")[0].strip("/").partition("/")[0] for path in self.paths}
        return name in self.datagrams or name in asked


@contextlib.contextmanager
def catching(datagrams: Iterable[str]) -> Iterator[Catcher]:
    """A catcher that listens.

    Args:
        datagrams: vectors that get a listener for datagrams of their own.
    """
    with contextlib.ExitStack() as stack:
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _handler())
        stack.callback(server.server_close)
        stack.callback(server.shutdown)
        catcher = Catcher(server.server_port)
        server.catcher = catcher  # type: ignore[attr-defined]  # for the handler
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for name in datagrams:
            receiver = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            receiver.bind(("127.0.0.1", 0))
            catcher.udp[name] = receiver.getsockname()[1]
            threading.Thread(target=_hear, args=(receiver, name, catcher), daemon=True).start()
        yield catcher


def _hear(receiver: socket.socket, name: str, catcher: Catcher) -> None:
    with contextlib.suppress(OSError):
        receiver.recv(2048)
        catcher.datagrams.add(name)


def _handler() -> type[http.server.BaseHTTPRequestHandler]:
    class Remembering(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            catcher: Catcher = self.server.catcher  # type: ignore[attr-defined]  # ours
            catcher.paths.append(self.path)
            page = catcher.pages.get(self.path.partition("?")[0])
            self.send_response(200 if page is not None else 204)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if page is not None:
                self.wfile.write(f"<!doctype html>{page}{_CLICKS}".encode())

        do_POST = do_GET  # noqa: N815 - http.server's name

        def log_message(self, *_: object) -> None:
            """Nothing is printed."""

    return Remembering
