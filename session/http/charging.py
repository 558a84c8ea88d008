"""Every byte that the session server answers over HTTP, counted before it is written.

Guarantees: each answer passes here, whichever handler or error made it: headers, cookies and body are charged
to the page's purse before the first byte is written, and what cannot be paid is replaced by one fixed
refusal. Free are only files of the installation, which are the same for everybody; an answer (or its headers)
that this browser was given before costs the price of a message. Of a file that is opened, what the gate has
counted is not counted twice; the file is in the record before it is on the wire. Does not count: TLS, TCP,
the few bytes of a websocket frame's head, and the fixed line with which Tornado answers what is not HTTP.
"""

from __future__ import annotations

import hashlib
import json
from asyncio import Future
from collections import OrderedDict
from collections.abc import Awaitable
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qs, unquote

from tornado.httputil import (
    HTTPConnection,
    HTTPHeaders,
    HTTPMessageDelegate,
    HTTPServerConnectionDelegate,
    RequestStartLine,
    ResponseStartLine,
)

from onggi.errors import Unavailable
from onggi.reasons import Reason
from onggi.words import explain
from session.context import SessionContext
from session.http.headers import SECURITY_HEADERS
from session.http.routes import AllowList
from session.tab import Tab, Written, open_tab
from web.reason_headers import REASON_HEADER

__all__ = ["ChargedServer", "Prices", "digest_of", "text_in_json"]

_KNOWN_ANSWERS = 2000
_FOLLOWS = frozenset({"content-length", "date", "etag"})
"""Headers that say nothing which the rest of the answer, or a clock, does not."""
_LINE_BYTES = 24
_CONTENTS = "api/contents/"


class Prices:
    """What answers cost: in full the first time, flat when the browser has had the same before."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, None] = OrderedDict()

    def of(self, digest: bytes, full: int, flat: int) -> int:
        """The price of a piece of an answer that costs `full` bytes when it is new."""
        return min(full, flat) if digest in self._known else full

    def paid(self, *digests: bytes) -> None:
        """The browser gets these; not to be said before they are paid."""
        for digest in digests:
            self._known[digest] = None
            self._known.move_to_end(digest)
        while len(self._known) > _KNOWN_ANSWERS:
            self._known.popitem(last=False)


def digest_of(content: bytes) -> bytes:
    """What a piece of an answer is known by."""
    return hashlib.sha256(content).digest()[:16]


def text_in_json(body: bytes, counted: int) -> int:
    r"""What `counted` bytes of text take in a JSON body at most, with the escapes that are in it.

    JSON writes a Korean character, 3 bytes, as the 6 of `\uXXXX`, and a line end as 2.
    """
    escapes = 3 * body.count(b"\\u") + body.count(b"\\n") + body.count(b'\\"')
    return counted + min(escapes, counted)


class ChargedServer(HTTPServerConnectionDelegate):
    """Stands between Tornado's server and the guard.

    Args:
        inner: what answers requests.
    """

    def __init__(self, inner: HTTPServerConnectionDelegate, context: SessionContext) -> None:
        self.inner = inner
        self.context = context
        self.prices = Prices()
        self.allow_list = AllowList()

    def start_request(self, server_conn: object, request_conn: HTTPConnection) -> HTTPMessageDelegate:
        """One request, on a connection that counts."""
        charged = ChargedConnection(request_conn, self, open_tab())
        return _Messages(self.inner.start_request(server_conn, charged), charged)

    def on_close(self, server_conn: object) -> None:
        """A connection is gone."""
        self.inner.on_close(server_conn)


class _Messages(HTTPMessageDelegate):
    """Tells the counting connection what was asked for."""

    def __init__(self, inner: HTTPMessageDelegate, charged: ChargedConnection) -> None:
        self._inner = inner
        self._charged = charged

    def headers_received(
        self, start_line: RequestStartLine | ResponseStartLine, headers: HTTPHeaders
    ) -> Awaitable[None] | None:
        if isinstance(start_line, RequestStartLine):
            self._charged.asked(start_line.method, start_line.path)
        return self._inner.headers_received(start_line, headers)

    def data_received(self, chunk: bytes) -> Awaitable[None] | None:
        return self._inner.data_received(chunk)

    def finish(self) -> None:
        self._inner.finish()

    def on_connection_close(self) -> None:
        self._inner.on_connection_close()


class ChargedConnection(HTTPConnection):
    """A connection of which each byte that is written is paid first."""

    def __init__(self, inner: HTTPConnection, server: ChargedServer, tab: Tab) -> None:
        self._inner = inner
        self._server = server
        self._context = server.context
        self._tab = tab
        self._method = self._path = self._query = ""
        self._free = self._refused = False

    def __getattr__(self, name: str) -> Any:
        """What Tornado's own connection has besides (its stream, limits, `detach`)."""
        return getattr(self._inner, name)

    def asked(self, method: str, address: str) -> None:
        """What this connection is to answer."""
        self._method = method
        self._path, _, self._query = address.partition("?")

    def write_headers(
        self,
        start_line: RequestStartLine | ResponseStartLine,
        headers: HTTPHeaders,
        chunk: bytes | None = None,
    ) -> Any:
        """Pay and write the beginning of an answer, or a refusal in its place."""
        if not isinstance(start_line, ResponseStartLine):
            raise TypeError("a server writes answers")
        self._free = self._is_installed_file(start_line.code)
        body = chunk or b""
        refusal = None if self._free else self._refusal(start_line.code, headers, body)
        self._tab.written = None  # megabytes, and what follows a request may outlive it
        if refusal is None:
            return self._inner.write_headers(start_line, headers, chunk)
        self._refused = True
        return self._inner.write_headers(*self._in_place(refusal))

    def write(self, chunk: bytes) -> Any:
        """Pay and write more of a body; without means the connection ends in the middle."""
        if not self._refused and (self._free or self._context.meter.page(len(chunk))):
            return self._inner.write(chunk)
        if not self._refused:
            self._refused = True
            self._inner.close()  # type: ignore[attr-defined]  # Tornado's connections have it
        return _done()

    def finish(self) -> None:
        """The answer is complete."""
        self._inner.finish()

    def _refusal(self, status: int, headers: HTTPHeaders, body: bytes) -> Reason | None:
        """Pay for an answer and put the file that it shows on record; why it cannot be given, or None."""
        if not self._pay(status, headers, body):
            lent = self._context.meter.day is not None and not self._context.meter.unreachable
            return Reason.DISPLAY_PAGE_LIMIT if lent else Reason.DISPLAY_METER_UNREACHABLE
        if status == HTTPStatus.OK and self._shows_a_file(body):
            written = self._written(body)
            try:
                name = unquote(self._rest().removeprefix(_CONTENTS))
                hashed = None if written is None else written.hash
                self._context.record.file_before(name, "application/json", body, hashed)
            except Unavailable as error:
                return error.reason
        return None

    def _pay(self, status: int, headers: HTTPHeaders, body: bytes) -> bool:
        flat = self._context.gates.policy.message_bytes
        lines = [f"{name}: {value}" for name, value in headers.get_all() if name.lower() not in _FOLLOWS]
        head = "\n".join(lines).encode("utf-8", "replace")
        written, counted = self._written(body), self._tab.counted
        if written is not None:
            rest, known_by = max(0, written.plain - counted), written.hash.digest()[:16]
        else:
            rest = max(0, len(body) - (text_in_json(body, counted) if counted else 0))
            known_by = digest_of(body)
        head = f"{status}\n".encode() + head
        prices, pieces = self._server.prices, (digest_of(head), known_by)
        price = prices.of(pieces[0], len(head) + 2 * len(lines) + _LINE_BYTES, flat)
        if not self._context.meter.page(price + prices.of(pieces[1], rest, flat)):
            return False
        prices.paid(*pieces)
        return True

    def _written(self, body: bytes) -> Written | None:
        """What is at hand about a body, if it is the one that was written for this request."""
        written = self._tab.written
        return written if written is not None and written.body is body else None

    def _is_installed_file(self, status: int) -> bool:
        if status not in {HTTPStatus.OK, HTTPStatus.NOT_MODIFIED}:
            return False
        rules = self._server.allow_list.matching(self._context.settings.prefix, self._method, self._path)
        return any(rule.kind.static for rule in rules)

    def _shows_a_file(self, body: bytes) -> bool:
        if self._method != "GET" or not self._rest().startswith(_CONTENTS):
            return False
        asked = parse_qs(self._query)
        # In a JSON string a quotation mark is escaped, so this is no part of a name.
        folder = b'"type": "directory"' in body[:2000]
        return asked.get("content") != ["0"] and not folder and "/checkpoints" not in self._path

    def _rest(self) -> str:
        return self._path.removeprefix(self._context.settings.prefix)

    def _in_place(self, reason: Reason) -> tuple[ResponseStartLine, HTTPHeaders, bytes]:
        """The one answer that costs nothing: it depends on a reason code alone."""
        message = explain(self._context.settings.plan.language, reason, {})
        error = {"error": {"reason": reason.value, "params": {}}, "message": message}
        body = json.dumps(error, ensure_ascii=False).encode()
        headers = HTTPHeaders(SECURITY_HEADERS)
        headers["Content-Type"] = "application/json; charset=UTF-8"
        headers["Content-Length"] = str(len(body))
        headers["Cache-Control"] = "no-store"
        headers[REASON_HEADER] = reason.value
        body = b"" if self._method == "HEAD" else body
        return (
            ResponseStartLine("HTTP/1.1", HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable"),
            headers,
            body,
        )


def _done() -> Future[None]:
    done: Future[None] = Future()
    done.set_result(None)
    return done
