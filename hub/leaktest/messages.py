"""Kernel messages over the real websocket, in both forms of its protocol: what comes out, and is it paid?"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from hub.leaktest.carrying import copies
from hub.leaktest.meter import Meter
from hub.leaktest.place import Place
from hub.leaktest.timing import timing
from hub.leaktest.values import Found, Verdict
from hub.leaktest.vectors import ANSWERS, SCREEN, Vector
from hub.leaktest.wire import Wire
from hub.tour.kernel import Kernel

_LIAR = Path(__file__).with_name("inside").joinpath("kernel_side.py")
_INSTALL = (
    "import types as _t; _m = _t.ModuleType('kernel_side'); exec({source!r}, _m.__dict__);"
    " png = _m.png; liar = _m.Liar(get_ipython())"
)
_LEFT = re.compile(rb"left:([01]+):")
_REPEATED = 8
_FLOOD_MESSAGES = 100_000


@dataclass(slots=True)
class _Line:
    """A lying kernel, the browser's connection to it, and the meter."""

    wire: Wire
    meter: Meter

    def send(self, vector: Vector, token: str, *, repeated: int = 1) -> None:
        """Let the kernel send `token` by a vector. The cell's own code does not hold it in plain."""
        text = f"int({token[::-1]!r}[::-1])" if vector.number else f"{token[::-1]!r}[::-1]*{repeated}"
        self.wire.run(f"T = {text}\n{vector.code}", stdin=vector.stdin)
        if vector.asks is not None:
            self.wire.ask(*vector.asks)
        if vector.waits_s:
            self.wire.quiet(vector.waits_s)

    def left(self, tokens: list[str]) -> list[bool]:
        """Which tokens left the kernel, by its own account."""
        backwards = json.dumps([token[::-1] for token in tokens])
        self.wire.run(
            "print('left:' + ''.join(str(int(one)) for one in"
            f" liar.left([token[::-1] for token in {backwards}])) + ':')"
        )
        self.wire.quiet()
        found = _LEFT.findall(b"".join(self.wire.frames[-20:]))
        return [digit == ord("1") for digit in found[-1]] if found else [False] * len(tokens)


def messages(place: Place) -> Iterator[Found]:
    """Every vector in the default protocol and in the binary one."""
    for form, binary in (("json", False), ("binary", True)):
        with _line(place, binary=binary) as line:
            yield from _vectors(line, f"messages_{form}", {**SCREEN, **ANSWERS})


def floods(place: Place) -> Iterator[Found]:
    """Many small messages, and the time that cells take."""
    with _line(place, binary=True) as line:
        yield _flood(line)
    yield timing(place)


@contextlib.contextmanager
def _line(place: Place, *, binary: bool) -> Iterator[_Line]:
    kernel = Kernel(place.visitor, place.member.project)
    kernel.close()  # the kernel goes on; this connection would only double what is shown
    with Wire(place.visitor, place.base, kernel.id, binary=binary) as wire:
        wire.run(_INSTALL.format(source=_LIAR.read_text("utf-8")))
        yield _Line(wire, Meter(place.kernel))
        place.ask("DELETE", f"api/kernels/{kernel.id}")


def _vectors(line: _Line, group: str, vectors: Mapping[str, Vector]) -> Iterator[Found]:
    tokens = {name: _token(vector) for name, vector in vectors.items()}
    for name, vector in vectors.items():
        line.send(vector, tokens[name])
    line.wire.quiet()
    arrived = {name: copies(line.wire.frames, token) for name, token in tokens.items()}
    left = dict(zip(tokens, line.left(list(tokens.values())), strict=True))
    for name, vector in vectors.items():
        channel = f"{group}.{name}"
        if arrived[name]:
            yield _paid(line, channel, vector)
        elif left[name]:
            yield Found(channel, Verdict.CLOSED, "left the kernel, did not come out", name)
        else:
            yield Found(channel, Verdict.NOT_PROVEN, "did not leave the kernel", name)


def _paid(line: _Line, channel: str, vector: Vector) -> Found:
    """What came out once comes out again, longer: is the meter charged for at least that?"""
    token = _token(vector)
    reading, before, start = line.meter.price_of_reading(), line.meter.used(), len(line.wire.frames)
    line.send(vector, token, repeated=_REPEATED)
    line.wire.quiet()
    charged = line.meter.used() - before - reading
    out = copies(line.wire.frames[start:], token) * len(token)
    verdict = Verdict.METERED if charged >= out else Verdict.OPEN
    day = line.meter.day_bytes() if verdict is Verdict.METERED else None
    return Found(channel, verdict, f"{out} bytes out, {charged} charged", bytes_a_day=day)


def _flood(line: _Line) -> Found:
    """100,000 messages in one cell."""
    token = secrets.token_hex(4)
    reading, before = line.meter.price_of_reading(), line.meter.used()
    began, start = time.monotonic(), len(line.wire.frames)
    line.wire.run(f"liar.flood({_FLOOD_MESSAGES}, {token[::-1]!r}[::-1])")
    line.wire.quiet(1.0)
    took = time.monotonic() - began
    charged = line.meter.used() - before - reading
    out = sum(len(frame) for frame in line.wire.frames[start:] if token.encode() in frame)
    texts = copies(line.wire.frames[start:], token)
    said = f"{_FLOOD_MESSAGES} sent, {texts} out, {out} bytes of frames, {charged} charged, {took:.0f} s"
    if not texts:
        return Found("floods.messages", Verdict.NOT_PROVEN, said)
    verdict = Verdict.METERED if charged >= texts * len(token) else Verdict.OPEN
    return Found("floods.messages", verdict, said, bytes_a_day=line.meter.day_bytes())


def _token(vector: Vector) -> str:
    return str(10**8 + secrets.randbelow(9 * 10**8)) if vector.number else f"Lk{secrets.token_hex(5)}"
