"""A kernel that speaks ZeroMQ's wire itself, as ill as it can: the server's memory is bounded, it goes on."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
import json
import re
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import zmq
from hypothesis import given
from hypothesis import strategies as st

from session.kernels import outgoing, zmtp
from session.kernels.sockets import MAX_MESSAGE_BYTES, KernelSocket

MIB = 1024 * 1024
KEY = b"the kernel's own key"
HANDSHAKE = zmtp.GREETING + zmtp.ready(b"PUB", b"")
GOOD = [b"topic", b"last"]
LONG_PART = b"\x02" + (15 * MIB).to_bytes(8, "big")
LONG_PART_AND_MORE = b"\x03" + (15 * MIB).to_bytes(8, "big")


def signing() -> hmac.HMAC:
    return hmac.new(KEY, digestmod=hashlib.sha256)


def signed(content: bytes) -> list[bytes]:
    header = json.dumps({"msg_type": "stream"}).encode()
    parts = [header, b'{"msg_id":"cell-1"}', b"{}", content]
    signature = hmac.new(KEY, b"".join(parts), hashlib.sha256).hexdigest().encode()
    return [b"topic", b"<IDS|MSG>", signature, *parts]


def sign(parts: list[bytes]) -> bytes:
    return hmac.new(KEY, b"".join(parts), hashlib.sha256).hexdigest().encode()


# the form on the wire


def pieces(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@given(
    messages=st.lists(st.lists(st.binary(max_size=400), min_size=1, max_size=9), max_size=5),
    size=st.integers(1, 300),
)
def test_messages_are_the_same_however_they_are_cut_up_on_the_way(
    messages: list[list[bytes]], size: int
) -> None:
    reader = zmtp.Reader(1 * MIB)
    wire = HANDSHAKE + b"".join(map(zmtp.frames, messages))
    assert [message for piece in pieces(wire, size) for message in reader.feed(piece)] == messages


@given(data=st.binary(max_size=600), greeted=st.booleans())
def test_any_bytes_are_messages_or_refused(data: bytes, greeted: bool) -> None:
    reader = zmtp.Reader(200)
    with contextlib.suppress(ValueError):
        for message in reader.feed((HANDSHAKE if greeted else b"") + data):
            assert sum(map(len, message)) <= 200


def test_who_does_not_greet_first_is_refused() -> None:
    for wrong in (b"GET / HTTP/1.1\r\n" + bytes(64), zmtp.GREETING[:10] + b"\x01" + bytes(53)):
        with pytest.raises(ValueError, match="greeting"):
            zmtp.Reader(100).feed(wrong)
    with pytest.raises(ValueError, match="handshake"):
        zmtp.Reader(100).feed(zmtp.GREETING + zmtp.frames(GOOD))


@pytest.mark.parametrize("size", [1000, 65_536, 10_000_000])
def test_a_content_that_is_too_long_is_cut_and_still_known_by_its_signature(size: int) -> None:
    content = b'{"name":"stdout","text":"' + b"x" * 300_000 + b'"}'
    for forged in (False, True):
        reader = zmtp.Reader(100_000, signing)
        parts = signed(content)
        sent = [*parts[:-1], content[:-3] + b'y"}'] if forged else parts
        wire = HANDSHAKE + zmtp.frames([*sent, b"buffer" * 100_000]) + zmtp.frames(GOOD)
        found = [message for piece in pieces(wire, size) for message in reader.feed(piece)]
        assert found[1:] == [GOOD]
        assert sum(map(len, found[0])) == 100_000
        frames = outgoing.take_apart(found[0])
        assert frames is not None
        assert frames.authentic(sign) is not forged
        read = outgoing.read(frames, 1000, 1000)
        assert 900 < len(read.content["text"]) <= 1000


def test_what_is_too_long_elsewhere_is_lost_whole() -> None:
    reader = zmtp.Reader(1000, signing)
    short = signed(b"{}")
    for message in ([b"x" * 1001], [*short, b"x" * 1001], [b"x"] * 200, [b"<IDS|MSG>", b"x" * 1001]):
        losses = reader.losses
        assert reader.feed((b"" if losses else HANDSHAKE) + zmtp.frames(message)) == []
        assert reader.losses == losses + 1
    assert reader.feed(zmtp.frames(GOOD)) == [GOOD]


# a socket of a real process


def resident(name: str = "VmRSS") -> int:
    found = re.search(rf"{name}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    if found is None:
        raise LookupError(name)
    return int(found[1]) * 1024


@contextlib.contextmanager
def hostile(folder: Path, *scripts: Callable[[socket.socket], None]) -> Iterator[str]:
    """A listener that plays one script to each connection, one after the other."""
    path = folder / "ipc-2"

    def play() -> None:
        for script in scripts:
            with contextlib.suppress(OSError):
                other, _ = listener.accept()
                with other:
                    script(other)

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(20)
        thread = threading.Thread(target=play)
        thread.start()
        try:
            yield path.name
        finally:
            thread.join(30)


def rubbish(*wire: bytes, times: int) -> Callable[[socket.socket], None]:
    def play(other: socket.socket) -> None:
        other.settimeout(20)
        other.sendall(HANDSHAKE)
        for _ in range(times):
            for piece in wire:
                other.sendall(piece)
        other.shutdown(socket.SHUT_WR)
        with contextlib.suppress(OSError):
            while other.recv(65_536):
                pass

    return play


def good(other: socket.socket) -> None:
    other.settimeout(20)
    other.sendall(HANDSHAKE + zmtp.frames(GOOD))
    with contextlib.suppress(OSError):
        while other.recv(65_536):
            pass


async def received(folder: Path, name: str, until: Any = GOOD, held: float = 0.0) -> KernelSocket:
    """What a page's socket takes until one message has come; it is held first for a while."""
    done, ours = asyncio.Event(), KernelSocket(folder, name, "SUB", signing=signing)
    if held:
        ours.hold()
    ours.on_recv(lambda parts: done.set() if parts == until else None)
    if held:
        await asyncio.sleep(held)
        ours.go_on()
    try:
        await asyncio.wait_for(done.wait(), 60)
    finally:
        ours.close()
        await asyncio.sleep(0)
    return ours


@pytest.mark.parametrize(
    ("wire", "times"),
    [
        pytest.param((LONG_PART_AND_MORE, bytes(15 * MIB)), 25, id="a message that does not end"),
        pytest.param((LONG_PART, bytes(15 * MIB)), 25, id="many long messages"),
        pytest.param((b"\x01\x01x" * 10_000,), 60, id="parts without end"),
        pytest.param((b"\x03" + b"\x7f" * 8, bytes(15 * MIB)), 25, id="a part of eight exabytes"),
    ],
)
@pytest.mark.parametrize("held", [0.0, 1.0])
def test_memory_is_bounded_and_what_comes_later_is_heard(
    tmp_path: Path, wire: tuple[bytes, ...], times: int, held: float
) -> None:
    async def story() -> int:
        Path("/proc/self/clear_refs").write_text("5")  # proc_pid_clear_refs(5)
        before = resident()
        with hostile(tmp_path, rubbish(*wire, times=times), good) as name:
            await received(tmp_path, name, held=held)
        return resident("VmHWM") - before

    assert asyncio.run(story()) < 4 * MAX_MESSAGE_BYTES


WITHOUT_END = """
import socket, sys
with socket.socket(socket.AF_UNIX) as listener:
    listener.bind(sys.argv[1])
    listener.listen()
    print(flush=True)
    other, _ = listener.accept()
    other.sendall(bytes.fromhex(sys.argv[2]))
    while True:
        other.sendall(bytes(1_000_000))
"""


def test_reading_what_no_message_comes_of_is_followed_by_rest(tmp_path: Path) -> None:
    begins = (HANDSHAKE + b"\x03" + b"\x7f" * 8).hex()

    async def story() -> float:
        """The share of the time in which nothing is read, apart from short waits."""
        ours = KernelSocket(tmp_path, "ipc-2", "SUB", signing=signing)
        ours.on_recv(lambda _: None)
        begun = last = time.monotonic()
        rests, heard = 0.0, 0
        while time.monotonic() < begun + 6:
            await asyncio.sleep(0.02)
            if ours.heard > heard:
                now, heard = time.monotonic(), ours.heard
                rests += now - last if now - last > 0.3 else 0.0
                last = now
        ours.close()
        await asyncio.sleep(0)
        return rests / (last - begun)

    argv = [sys.executable, "-c", WITHOUT_END, str(tmp_path / "ipc-2"), begins]
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as kernel:
        if kernel.stdout is None:
            raise ValueError(kernel)
        kernel.stdout.readline()
        try:
            assert asyncio.run(story()) > 0.3
        finally:
            kernel.kill()


def test_a_side_that_breaks_the_rules_is_left_and_tried_again(tmp_path: Path) -> None:
    async def story() -> None:
        wrong = [b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(64), HANDSHAKE + b"\x80\x00", b""]
        scripts = [lambda other, sent=sent: other.sendall(sent) for sent in wrong]
        with hostile(tmp_path, *scripts, good) as name:
            await received(tmp_path, name)

    asyncio.run(story())


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    async def story() -> None:
        with hostile(tmp_path, good) as name:
            (tmp_path / "link").symlink_to(tmp_path / name)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(received(tmp_path, "link"), 1)
            await received(tmp_path, name)

    asyncio.run(story())


def test_libzmq_and_we_understand_each_other(tmp_path: Path) -> None:
    async def story() -> None:
        with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
            router.linger = 0
            ours = KernelSocket(tmp_path, "ipc-1", "DEALER", identity=b"page")
            heard: asyncio.Queue[list[bytes]] = asyncio.Queue()
            ours.on_recv(heard.put_nowait)
            sent = [b"a question", b"", b"x" * 300, b"y" * 3_000_000]
            ours.send_multipart(sent)  # before there is anybody
            await asyncio.sleep(0.2)
            router.bind(f"ipc://{tmp_path}/ipc-1")
            asked = await asyncio.to_thread(router.recv_multipart)
            assert asked == [b"page", *sent]
            await asyncio.to_thread(router.send_multipart, asked)
            assert await asyncio.wait_for(heard.get(), 10) == sent
            ours.close()
            await asyncio.sleep(0.05)

    asyncio.run(story())
