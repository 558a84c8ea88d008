"""What the display gate costs: an Onggi session beside plain JupyterHub single-user servers, in one run.

Two plain servers stand beside it, behind the same kind of proxy, with kernels of the same environment:
`plain` as it ships, which waits 40 ms a cell (Nagle) and drops output faster than 1,000 messages a second;
and `nodelay`, with TCP_NODELAY and no limit on output, which is the fair one to be compared with.

    python -m tests.bench.display_gate [--cells 300] [--only cells,lines,tables,figures,memory,flood]

Prints: the round trip of a cell, and the processor time of the server for it; 10,000 printed lines in a cell;
opening notebooks of 5 MB (`tests.bench.notebooks`), and opening them again; the memory of the servers after
all that, with the process that decodes images; and the round trip while another member's session does nothing
but send output, beside the same with plain servers.
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from hub.tour import steps
from hub.tour.installation import Running, fresh
from hub.tour.kernel import Kernel
from hub.tour.visitor import Visitor
from tests.bench.notebooks import COPY, FIGURES, TABLES, open_notebook, save_notebook, with_figures
from tests.bench.processes import memory, processor_seconds, python_processes
from tests.bench.round_trip import measure, plain_hub, plain_visitor

# A breath now and then: a kernel that never stops loses messages in its own socket, whoever listens. The one
# at the end lets the cell's last word through, which a plain server would wait for for ever; not counted.
LINES = """
import time
for number in range(10_000):
    print(number, flush=True)
    if number % 100 == 99: time.sleep(0.005)
time.sleep(0.5)
"""
PICTURE = """
import base64, struct, zlib
from IPython.display import Image, display
def chunk(kind, data):
    return struct.pack('>I', len(data)) + kind + data + struct.pack('>I', zlib.crc32(kind + data))
rows = b''.join(b'\\0' + bytes([(x * y) % 251 for x in range(640)]) for y in range(480))
display(Image(b'\\x89PNG\\r\\n\\x1a\\n' + chunk(b'IHDR', struct.pack('>IIBBBBB', 640, 480, 8, 0, 0, 0, 0))
              + chunk(b'IDAT', zlib.compress(rows)) + chunk(b'IEND', b'')))
"""
FLOOD = """
import time
kernel = get_ipython().kernel
end = time.monotonic() + SECONDS
while time.monotonic() < end:
    kernel.session.send(kernel.iopub_socket, 'stream', {'name': 'stdout', 'text': 'x' * 200},
                        parent=kernel.get_parent(), ident=b'stream')
"""
FLOOD_SECONDS = 12
OTHER_MEMBER, OTHER_PROJECT = "researcher2", "claims-study"
ALL = ("cells", "lines", "tables", "figures", "memory", "flood")


@dataclass(frozen=True, slots=True)
class Server:
    """One server that is measured: who speaks to it, where, through which kernel; and its own processes."""

    visitor: Visitor
    base: str
    kernel: Kernel
    pids: frozenset[int]
    folder: str = ""

    @classmethod
    def plain(cls, visitor: Visitor, before: set[int]) -> Server:
        """A plain server that was started after `before` was looked up."""
        kernel = Kernel(visitor, "")
        pids = python_processes("bin/jupyterhub-singleuser") - before
        found = kernel.run("import os; print(os.environ['JUPYTER_PATH'].removesuffix('/share'))")
        folder = f"{found.text.strip()}/"
        return cls(visitor, f"{visitor.hub}/user/{visitor.name}/", kernel, frozenset(pids), folder)


Servers = dict[str, Server]


def percentiles(values: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[98]


def round_trips(servers: Servers, cells: int) -> None:
    """The round trip of a cell, and what the server itself computes for it."""
    kernels = {name: server.kernel for name, server in servers.items()}
    measure(kernels, 0)  # to warm up
    spent = {name: processor_seconds(server.pids) for name, server in servers.items()}
    took = measure(kernels, cells, warm_up=0)
    spent = {name: processor_seconds(server.pids) - spent[name] for name, server in servers.items()}
    for name, values in took.items():
        p50, p99 = percentiles(values)
        cost = 1000 * spent[name] / cells
        print(f"round trip   {name:<8} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms   CPU {cost:5.2f} ms a cell")
    (p50, p99), mine = percentiles(took["onggi"]), spent["onggi"]
    for name in ("plain", "nodelay"):
        other50, other99 = percentiles(took[name])
        print(
            f"round trip   to {name:<8} p50 {p50 / other50:.3f}   p99 {p99 / other99:.3f}   "
            f"CPU {mine / spent[name]:.2f}"
        )


def lines(servers: Servers, rounds: int = 3) -> None:
    """10,000 small stream messages in a cell."""
    took: dict[str, list[float]] = {name: [] for name in servers}
    lost: dict[str, int] = dict.fromkeys(servers, 0)
    for _ in range(rounds):
        for name, server in servers.items():
            shown = server.kernel.run(LINES)
            lost[name] += not shown.text.rstrip().endswith("9999")
            took[name].append(shown.seconds - 0.5)
    rate = {name: 10_000 / statistics.median(values) for name, values in took.items()}
    for name, found in rate.items():
        print(f"10,000 lines {name:<8} {found:8.0f}/s   lost lines in {lost[name]} of {rounds} runs")
    print(f"10,000 lines to nodelay {rate['onggi'] / rate['nodelay']:.2f}")


def tables(servers: Servers) -> None:
    """Opening a notebook of text and tables that the gate has never seen, and opening it again."""
    _notebooks("tables", servers, TABLES, rounds=3)


def figures(servers: Servers) -> None:
    """The same with one of figures that no session ever drew; and with one as a page saves what it was shown.

    The second: its figures are as cells of this session would have shown them, and its text is changed, so
    that nothing of it is known but the figures.
    """
    for server in servers.values():
        server.kernel.run(FIGURES.replace("FOLDER", server.folder))
    _notebooks("new figures", servers, COPY, rounds=3)
    for name, server in servers.items():
        begun = time.perf_counter()
        content = open_notebook(server.visitor, server.base, "figures.ipynb").json()["content"]
        count = with_figures(server.visitor, server.base, content)
        wall = 1000 * (time.perf_counter() - begun)
        print(f"figures      {name:<8} {wall:7.1f} ms   with each of {count} figures asked for, one by one")
        save_notebook(server.visitor, server.base, "figures.ipynb", content)
    _notebooks("figures", servers, COPY, rounds=2)  # more would use the session's budget up


def _notebooks(label: str, servers: Servers, code: str, rounds: int) -> None:
    took: dict[str, dict[str, list[tuple[float, float]]]] = {
        name: {"first": [], "again": []} for name in servers
    }
    for number in range(rounds):
        for name, server in servers.items():
            file = f"{label}{number}.ipynb"
            server.kernel.run(code.replace("FOLDER", server.folder).replace("NAME", file))
            time.sleep(1.5)  # what was printed is on its way to egress review
            for at in ("first", "again", "again"):
                took[name][at].append(_opened(server, file)[:2])
                time.sleep(1.5)
    for moment in ("first", "again"):
        wall, spent = (
            {name: statistics.median(one[at] for one in took[name][moment]) for name in servers}
            for at in (0, 1)
        )
        for name in servers:
            print(f"{label} {moment}  {name:<8} {wall[name]:7.1f} ms   CPU {spent[name]:6.1f} ms")
        for name in ("plain", "nodelay"):
            print(
                f"{label} {moment}  to {name:<8} {wall['onggi'] / wall[name]:.2f}   "
                f"CPU {spent['onggi'] / spent[name]:.2f}"
            )


def _opened(server: Server, file: str) -> tuple[float, float, dict[str, Any]]:
    """Milliseconds until a notebook is here, and of the server's processor for it; and the notebook."""
    before, begun = processor_seconds(server.pids), time.perf_counter()
    answer = open_notebook(server.visitor, server.base, file)
    wall = time.perf_counter() - begun
    spent = processor_seconds(server.pids) - before
    return 1000 * wall, 1000 * spent, answer.json()


def memories(servers: Servers) -> None:
    """What the servers hold; of Onggi's, with the process that draws images."""
    for server in servers.values():
        server.kernel.run(PICTURE)
    found = {name: memory(server.pids) for name, server in servers.items()}
    images = memory(python_processes("display/redraw.py"))
    for name, one in found.items():
        print(f"memory       {name:<8} {one.rss:.0f} MiB RSS, {one.pss:.0f} MiB PSS")
    print(f"memory       images   {images.rss:.0f} MiB RSS, {images.pss:.0f} MiB PSS")
    for name in ("plain", "nodelay"):
        mine, other = found["onggi"], found[name]
        print(
            f"memory       more than {name:<8} {mine.rss + images.rss - other.rss:+.0f} MiB RSS, "
            f"{mine.pss + images.pss - other.pss:+.0f} MiB PSS"
        )


def beside_floods(pairs: dict[str, tuple[Kernel, Kernel]], cells: int) -> None:
    """The round trip of one person while another's server is flooded by its kernel.

    Idle and flooded phases alternate. The flood is read by another process, so that reading it holds up the
    clock of nobody.
    """
    for name, (mine, other) in pairs.items():
        idle: list[float] = []
        beside: list[float] = []
        for _ in range(3):
            idle += _round_trips_of(mine, cells // 3)
            code = FLOOD.replace("SECONDS", str(FLOOD_SECONDS))
            flood = multiprocessing.get_context("fork").Process(target=other.run, args=(code,))
            flood.start()
            time.sleep(1)
            beside += _round_trips_of(mine, cells // 3, until=time.monotonic() + FLOOD_SECONDS - 2)
            flood.join(FLOOD_SECONDS)
            flood.terminate()  # a plain server loses the word that its cell is done
            flood.join()
            time.sleep(2)
        (p50, p99), (flood50, flood99) = percentiles(idle), percentiles(beside)
        print(
            f"beside a flood  {name:<8} p50 {flood50:.1f} ms ({flood50 / p50:.2f} × idle)   "
            f"p99 {flood99:.1f} ms ({flood99 / p99:.2f} × idle, {p99:.1f} ms)   {len(beside)} cells"
        )


def _round_trips_of(kernel: Kernel, cells: int, until: float = float("inf")) -> list[float]:
    took: list[float] = []
    while len(took) < cells and time.monotonic() < until:
        took.append(1000 * kernel.run("1").seconds)
    return took


@contextlib.contextmanager
def all_servers() -> Iterator[tuple[Running, steps.Journey, Servers]]:
    """An Onggi session and both plain servers, running at once."""
    with contextlib.ExitStack() as stack:
        running = stack.enter_context(fresh())
        journey = steps.Journey(running)
        steps.sign_in(journey)
        steps.open_session(journey)
        visitor = journey.visitor("researcher1")
        base = f"{visitor.hub}/user/{visitor.name}/{steps.PROJECT}/"
        onggi = Server(
            visitor, base, Kernel(visitor, steps.PROJECT), frozenset(python_processes("-m session"))
        )
        shipped = stack.enter_context(plain_hub(nodelay=False))
        plain = Server.plain(shipped, set())
        quick = stack.enter_context(plain_hub(nodelay=True, rate_limited=False))
        nodelay = Server.plain(quick, set(plain.pids))
        yield running, journey, {"onggi": onggi, "plain": plain, "nodelay": nodelay}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=300)
    parser.add_argument("--only", default=",".join(ALL))
    arguments = parser.parse_args()
    wanted = arguments.only.split(",")
    with all_servers() as (running, journey, servers):
        print(f"load {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores")
        parts: dict[str, Callable[[], None]] = {
            "cells": lambda: round_trips(servers, arguments.cells),
            "lines": lambda: lines(servers),
            "tables": lambda: tables(servers),
            "figures": lambda: figures(servers),
            "memory": lambda: memories(servers),
        }
        for name, part in parts.items():
            if name in wanted:
                part()
        if "flood" in wanted:
            other = journey.visitor(OTHER_MEMBER)
            steps.open_session_of(other, OTHER_PROJECT, running.origin("desk"))
            quick = servers["nodelay"]
            pairs = {
                "onggi": (servers["onggi"].kernel, Kernel(other, OTHER_PROJECT)),
                "nodelay": (quick.kernel, Kernel(plain_visitor(quick.visitor.hub, "another"), "")),
            }
            beside_floods(pairs, arguments.cells)
        print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
