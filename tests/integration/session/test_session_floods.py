"""A kernel that sends as much as it can: order is kept, its cell ends, and other kernels go on."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path
from typing import Any

import pytest

from egress_review.display.policy import DisplayPolicy
from session.kernels.backlog import MAX_BYTES
from session.kernels.sockets import MAX_MESSAGE_BYTES

PICTURE = """
import struct, zlib
from IPython.display import Image, display
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
rows = b''.join(b'\\0' + bytes([(x * y) % 251 for x in range(640)]) for y in range(480))
raw = (b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 640, 480, 8, 0, 0, 0, 0))
       + chunk(b'tEXt', b'secret\\0SECRET') + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b''))
print('before', flush=True)
display(Image(raw))
print('between', flush=True)
display(Image(raw))
print('after', flush=True)
"""
FLOOD = """
kernel = get_ipython().kernel
for _ in range(30_000):
    kernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'x' * 20},
                        parent=kernel.get_parent(), ident=b'stream')
"""


def test_what_is_drawn_anew_keeps_its_place(new_kernel: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            found = await kernel.run(PICTURE)
            order = [
                content["text"].strip() if kind == "stream" else kind
                for kind, content in found
                if kind in {"stream", "display_data"}
            ]
            assert order == ["before", "display_data", "between", "display_data", "after"]
            shown = [content["data"]["image/png"] for kind, content in found if kind == "display_data"]
            assert shown[0] == shown[1]
            assert "U0VDUkVU" not in shown[0]

    asyncio.run(story())


def test_a_flood_ends_no_cell_and_no_other_kernel(new_kernel: Any, said: Any) -> None:
    async def story() -> None:
        async with new_kernel() as loud, new_kernel() as quiet:
            flood = asyncio.create_task(loud.run(FLOOD))
            waits: list[float] = []
            while not flood.done() and len(waits) < 40:
                begun = time.monotonic()
                assert said(await quiet.run("1 + 1")) == "2"
                waits.append(time.monotonic() - begun)
                await asyncio.sleep(0.05)
            shown = said(await flood)
            assert shown.count("x") <= 65_536
            assert sorted(waits)[len(waits) // 2] < 1
            assert said(await loud.run("1 + 1")) == "2"

    asyncio.run(story())


PRICE = DisplayPolicy().message_bytes
GROWTH = MAX_BYTES + 4 * MAX_MESSAGE_BYTES
"""What the server may grow by: what waits to be decided about; one message that comes, one that is read, each
in pieces and whole."""


class Server:
    """What the server has used: memory since the last look, and the session's bytes."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._proc = Path("/proc") / str(browser.place.server_pid)

    def _memory(self, name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", (self._proc / "status").read_text())
        if found is None:
            raise LookupError(name)
        return int(found[1]) * 1024

    def forget_peak(self) -> int:
        (self._proc / "clear_refs").write_text("5")  # proc_pid_clear_refs(5)
        return self._memory("VmRSS")

    def peak(self) -> int:
        return self._memory("VmHWM")

    def used(self) -> int:
        return int(self._browser.api("GET", "onggi/status")["budget"]["session_bytes_used"])


def printed(messages: list[dict[str, Any]]) -> list[str]:
    """Text of the kernel's, wherever it belongs; what the server says stands in brackets."""
    texts = [one["content"]["text"] for one in messages if one["header"]["msg_type"] == "stream"]
    return [text for text in texts if not text.startswith("\n[")]


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("code", "shown"),
    [
        pytest.param("print('x ' * 250_000_000)", 60_000, id="500 MB at once"),
        pytest.param(
            "for _ in range(500):\n    print('x ' * 500_000, flush=True)",
            60_000,
            id="500 times 1 MB",
        ),
        pytest.param(FLOOD.replace("30_000", "100_000"), 60_000, id="100000 messages"),
    ],
)
def test_a_flood_costs_bounded_memory_and_exactly_what_it_shows(
    kernel_of: Any, browser: Any, said: Any, code: str, shown: int
) -> None:
    server = Server(browser)

    async def beside(quiet: Any, flood: asyncio.Task[Any]) -> int:
        """Cells of another kernel, answered one after the other while the flood runs."""
        cells = 0
        while not flood.done():
            assert said(await quiet.run("1 + 1")) == "2"
            cells += 1
            await asyncio.sleep(0.2)
        return cells

    async def cost(kernel: Any, cell: str) -> int:
        """Of one cell; the less of two, since a kernel that begins still says something of its own."""
        costs = []
        for _ in range(2):
            before = server.used()
            await kernel.run(cell)
            costs.append(server.used() - before)
        return min(costs)

    async def story() -> None:
        async with kernel_of(browser, v1=True) as loud, kernel_of(browser, v1=True) as quiet:
            await quiet.run("1 + 1")
            nothing, one = await cost(loud, "pass"), await cost(quiet, "1 + 1")
            used, memory, begun = server.used(), server.forget_peak(), len(loud.messages)
            flood = asyncio.create_task(loud.run(code))
            cells = await beside(quiet, flood)
            await flood
            growth, charged = server.peak() - memory, server.used() - used - cells * one
            texts = printed(loud.messages[begun:])
            print(f"{growth / 2**20:.1f} MiB, {cells} cells beside, {len(texts)} messages, {charged} bytes")
            assert growth <= GROWTH
            assert sum(map(len, texts)) >= shown
            expected = nothing + sum(len(text.encode()) + PRICE for text in texts)
            # The kernel's own word that the cell is done may be lost; the server's costs nothing.
            assert charged in {expected, expected - PRICE}
            assert charged <= DisplayPolicy().cell_text_bytes + nothing
            assert said(await loud.run("1 + 1")) == "2"

    asyncio.run(story())


UNSIGNED = """
import time
kernel = get_ipython().kernel
big = bytes(15_000_000)
for _ in range(60):
    kernel.iopub_socket.send_multipart([b'x', b'<IDS|MSG>', b'0' * 64, b'{}', b'{}', b'{}', big], copy=False)
    time.sleep(0.01)
print('done')
"""
ENDLESS = """
while True:
    for number in range(1000):
        print(number)
"""


@pytest.mark.slow
def test_unsigned_messages_of_15_mb_cost_bounded_memory(kernel_of: Any, browser: Any, said: Any) -> None:
    server = Server(browser)

    async def story() -> None:
        async with kernel_of(browser, v1=True) as loud, kernel_of(browser, v1=True) as quiet:
            await quiet.run("1 + 1")
            memory = server.forget_peak()
            loud.patience_s = 120.0  # 900 MB that show nothing are read on a fifth of a processor
            flood = asyncio.create_task(loud.run(UNSIGNED))
            while not flood.done():
                assert said(await quiet.run("1 + 1")) == "2"
            await flood
            growth = server.peak() - memory
            print(f"{growth / 2**20:.1f} MiB")
            assert growth <= GROWTH
            assert said(await loud.run("1 + 1")) == "2"

    asyncio.run(story())


def test_a_cell_that_prints_without_end_is_stopped_at_once(new_kernel: Any, browser: Any, said: Any) -> None:
    async def story() -> None:
        async with new_kernel() as kernel:
            running = asyncio.create_task(kernel.run(ENDLESS))
            await asyncio.sleep(3)
            begun = time.monotonic()
            await asyncio.to_thread(browser.api, "POST", f"api/kernels/{kernel.id}/interrupt")
            found = await running
            took = time.monotonic() - begun
            print(f"stopped after {took:.1f} s")
            assert "error" in {kind for kind, _ in found}
            assert took < 5
            assert said(await kernel.run("1 + 1")) == "2"

    asyncio.run(story())
