"""A kernel that sends as much as it can: order is kept, its cell ends, and other kernels go on."""

from __future__ import annotations

import asyncio
import time
from typing import Any

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
