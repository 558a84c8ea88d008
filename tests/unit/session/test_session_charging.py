"""Each byte of an answer is paid before it is written, and what cannot be paid is one fixed refusal."""

from __future__ import annotations

import asyncio
import json
from asyncio import Future
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tornado.httputil import HTTPConnection, HTTPHeaders, HTTPServerConnectionDelegate, ResponseStartLine

from onggi.errors import Unavailable
from onggi.reasons import Reason
from session.contents.opened import OpenedNotebook
from session.http.charging import ChargedConnection, ChargedServer
from session.tab import Tab, Written
from tests.support.session_meter import MIB, meter_with

PREFIX = "/user/researcher1/nafld/"
SECRET = b'{"name": "person-12-has-diabetes"}'


class Wire(HTTPConnection):
    """What would be on the wire."""

    def __init__(self) -> None:
        self.status = 0
        self.headers = HTTPHeaders()
        self.body = b""
        self.closed = False

    def write_headers(
        self, start_line: Any, headers: HTTPHeaders, chunk: bytes | None = None
    ) -> Future[None]:
        self.status, self.headers, self.body = start_line.code, headers, chunk or b""
        return Future()

    def write(self, chunk: bytes) -> Future[None]:
        self.body += chunk
        return Future()

    def finish(self) -> None:
        """Nothing more."""

    def close(self) -> None:
        self.closed = True


class Record:
    """Takes files as the display record does, unless it is full."""

    def __init__(self) -> None:
        self.files: list[tuple[str, bytes]] = []
        self.hashed: list[Any] = []
        self.full = False

    def file_before(self, path: str, mime: str, raw: bytes, hashed: Any = None) -> None:
        if self.full:
            raise Unavailable(Reason.AUDIT_UNREACHABLE)
        self.files.append((path, raw))
        self.hashed.append(hashed)


class World:
    def __init__(self, folder: Path, lent: int) -> None:
        self.meter = meter_with(folder / "meter", MIB, lent)
        self.record = Record()
        settings = SimpleNamespace(prefix=PREFIX, plan=SimpleNamespace(language="en"))
        policy = SimpleNamespace(message_bytes=16)
        context: Any = SimpleNamespace(
            meter=self.meter, record=self.record, settings=settings, gates=SimpleNamespace(policy=policy)
        )
        self.server = ChargedServer(HTTPServerConnectionDelegate(), context)

    def answer(
        self,
        path: str,
        body: bytes,
        *,
        method: str = "GET",
        status: int = 200,
        tab: int = 0,
        written: Written | None = None,
        **headers: str,
    ) -> tuple[Wire, ChargedConnection]:
        wire = Wire()
        charged = ChargedConnection(wire, self.server, Tab(tab, written))
        charged.asked(method, PREFIX + path)
        head = HTTPHeaders({name.replace("_", "-"): value for name, value in headers.items()})
        charged.write_headers(ResponseStartLine("HTTP/1.1", status, ""), head, body)
        return wire, charged

    def cost(self, *args: Any, **kwargs: Any) -> int:
        before = self.meter.purse.page
        self.answer(*args, **kwargs)
        return before - self.meter.purse.page


@pytest.fixture(autouse=True)
def loop() -> Iterator[None]:
    """Futures belong to a loop, as they do in the server."""
    with asyncio.Runner() as runner:
        asyncio.set_event_loop(runner.get_loop())
        yield
        asyncio.set_event_loop(None)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, MIB)


def test_headers_cookies_and_body_are_paid_once_in_full(world: World) -> None:
    first = world.cost("api/kernels", SECRET, Set_Cookie="x" * 100, Date="now")
    assert first >= len(SECRET) + 100
    assert world.cost("api/kernels", SECRET, Set_Cookie="x" * 100, Date="later") == 32
    assert world.cost("api/kernels", SECRET, Set_Cookie="y" * 100, Date="later") >= 100
    assert world.cost("api/kernels", SECRET, status=404) >= 16  # another status says something too


def test_files_of_the_installation_are_free_and_errors_in_their_place_are_not(world: World) -> None:
    assert world.cost("static/lab/main.js", b"x" * 100_000) == 0
    assert world.cost("static/lab/main.js", b"y" * 1000, status=500) >= 1000
    assert world.cost("api/static/lab/main.js", b"z" * 1000) >= 1000


def test_what_cannot_be_paid_is_one_fixed_refusal(tmp_path: Path) -> None:
    world = World(tmp_path, 40)
    refusals = [world.answer(path, SECRET, X_Secret="abc")[0] for path in ("api/kernels", "lab", "api/me")]
    assert {one.status for one in refusals} == {503}
    assert len({one.body for one in refusals}) == 1
    assert json.loads(refusals[0].body)["error"] == {"reason": "display_page_limit", "params": {}}
    for wire in refusals:
        assert "X-Secret" not in wire.headers
        assert wire.headers["Content-Length"] == str(len(wire.body))
    head, charged = world.answer("api/kernels", b"", method="HEAD", X_Long="z" * 100)
    assert (head.status, head.body) == (503, b"")
    charged.write(SECRET)
    assert SECRET not in head.body
    assert world.answer("static/lab/main.js", b"free")[0].status == 200


def test_more_of_a_body_is_paid_as_it_comes(tmp_path: Path) -> None:
    world = World(tmp_path, 5000)
    wire, charged = world.answer("lab/api/settings/x", b"")
    charged.write(b"a" * 3000)
    charged.write(b"b" * 3000)
    charged.write(b"c")
    assert wire.body == b"a" * 3000
    assert wire.closed


def test_what_the_gate_has_counted_is_not_paid_twice(world: World) -> None:
    body = json.dumps({"type": "notebook", "content": "가" * 10_000}).encode()
    assert len(body) > 60_000
    assert world.cost("api/contents/n.ipynb", body, tab=30_000) < 200


def test_a_notebook_written_beside_the_loop_costs_what_is_not_content_and_is_hashed_once(
    world: World,
) -> None:
    text = "가\n" * 5000
    one = OpenedNotebook({"type": "notebook", "content": {"cells": [text]}}).written
    assert json.loads(one.body)["content"] == {"cells": [text]}
    counted = len(text.encode())
    assert world.cost("api/contents/n.ipynb", one.body, tab=counted, written=one) <= 80
    assert world.record.hashed == [one.hash]
    assert world.cost("api/contents/n.ipynb", one.body, tab=0, written=one) == 32  # the browser has it
    other = OpenedNotebook({"type": "notebook", "content": {"cells": [text, "x"]}}).written
    assert world.cost("api/contents/n.ipynb", other.body, tab=0, written=other) >= counted


def test_a_body_is_let_go_of_when_it_is_paid(world: World) -> None:
    one = OpenedNotebook({"type": "notebook", "content": {"cells": []}}).written
    _, charged = world.answer("api/contents/n.ipynb", one.body, written=one)
    assert charged._tab.written is None


def test_another_body_than_the_one_written_is_counted_and_hashed_itself(world: World) -> None:
    small = OpenedNotebook({"type": "notebook", "content": {"cells": []}}).written
    assert world.cost("api/contents/n.ipynb", b"x" * 50_000, written=small) >= 50_000
    assert world.record.hashed == [None]


@pytest.mark.parametrize(
    ("path", "body", "shown"),
    [
        ("api/contents/a%20b.py", b'{"type": "file", "content": "1"}', "a b.py"),
        ("api/contents/a.py?content=1", b'{"type": "file", "content": "1"}', "a.py"),
        ("api/contents/a.py?content=0", b'{"type": "file", "content": null}', None),
        ("api/contents/folder", b'{"name": "folder", "type": "directory", "content": []}', None),
        ("api/contents/x", b'{"name": "\\"type\\": \\"directory\\"", "type": "file"}', "x"),
        ("api/contents/a.py/checkpoints", b"[]", None),
        ("api/sessions", b"[]", None),
    ],
)
def test_a_file_is_in_the_record_before_it_is_on_the_wire(
    world: World, path: str, body: bytes, shown: str | None
) -> None:
    wire, _ = world.answer(path, body)
    assert wire.body == body
    assert [name for name, _ in world.record.files] == ([] if shown is None else [shown])
    world.record.full = True
    wire, _ = world.answer(path, body)
    assert (wire.status == 503) is (shown is not None)
    assert (wire.body == body) is (shown is None)
