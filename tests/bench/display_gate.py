"""What the display gate costs: an Onggi session beside a plain JupyterHub single-user server, in one run.

The plain server has TCP_NODELAY (without it each cell of it waits 40 ms) and no rate limit on output, behind
the same kind of proxy, with kernels of the same environment.

    python -m tests.bench.display_gate [--cells 300]

Prints: the round trip of a cell; 10,000 printed lines in a cell; opening notebooks of 5 MB that a kernel
wrote, and opening them again; the memory of both servers after all that, with the process that decodes
images; and the round trip while another member's session does nothing but send output.
"""

from __future__ import annotations

import argparse
import os
import statistics
import threading
import time
from collections.abc import Callable
from pathlib import Path

from hub.tour import steps
from hub.tour.installation import fresh
from hub.tour.kernel import Kernel
from hub.tour.visitor import Visitor
from tests.bench.round_trip import measure, plain_hub

# A breath now and then: a kernel that never stops loses messages in its own socket, whoever listens. The one
# at the end lets the cell's last word through, which a plain server would wait for for ever; not counted.
LINES = """
import time
for number in range(10_000):
    print(number, flush=True)
    if number % 100 == 99: time.sleep(0.005)
time.sleep(0.5)
"""
NOTEBOOK = """
import json, random
cells = []
for number in range(100):
    words = ' '.join(random.choice(['mean', 'count', 'person', 'visit', '12.5', '403']) for _ in range(4500))
    rows = ''.join(f'<tr><th>{i}</th><td>{random.random():.6f}</td><td>{i * i}</td></tr>' for i in range(400))
    cells.append({'cell_type': 'code', 'id': f'c{number}', 'metadata': {}, 'source': f'run({number})',
                  'execution_count': number, 'outputs': [
        {'output_type': 'stream', 'name': 'stdout', 'text': words},
        {'output_type': 'display_data', 'metadata': {}, 'data': {'text/plain': 'table', 'text/html':
         '<table class="dataframe"><tbody>' + rows + '</tbody></table>'}}]})
with open('FOLDER' + 'NAME', 'w') as file:
    json.dump({'nbformat': 4, 'nbformat_minor': 5, 'metadata': {}, 'cells': cells}, file)
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


def timed(action: Callable[[], object]) -> float:
    """Milliseconds that an action takes."""
    begun = time.perf_counter()
    action()
    return (time.perf_counter() - begun) * 1000


def percentiles(values: list[float]) -> tuple[float, float]:
    """Median and 99th percentile."""
    cuts = statistics.quantiles(values, n=100)
    return cuts[49], cuts[98]


def server_processes(word: str) -> list[int]:
    """Python processes under this one whose command line holds `word`."""
    parents: dict[int, int] = {}
    lines: dict[int, str] = {}
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        lines[int(folder.name)] = line

    def ours(pid: int) -> bool:
        return pid == os.getpid() or (pid in parents and ours(parents[pid]))

    return [
        pid for pid, line in lines.items() if word in line and "python" in line.split(" ")[0] and ours(pid)
    ]


def resident_mib(pids: list[int]) -> float:
    """Memory of processes, as the kernel counts it, in MiB."""
    total = 0
    for pid in pids:
        for line in Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1])
    return total / 1024


def round_trips(kernels: dict[str, Kernel], cells: int) -> None:
    took = measure(kernels, cells)
    for name, values in took.items():
        p50, p99 = percentiles(values)
        print(f"round trip   {name:<6} p50 {p50:7.2f} ms   p99 {p99:7.2f} ms")
    (p50, p99), (plain50, plain99) = percentiles(took["onggi"]), percentiles(took["plain"])
    print(f"round trip   ratio  p50 {p50 / plain50:7.3f}      p99 {p99 / plain99:7.3f}")


def streams(kernels: dict[str, Kernel], rounds: int = 3) -> None:
    took: dict[str, list[float]] = {name: [] for name in kernels}
    for _ in range(rounds):
        for name, kernel in kernels.items():
            shown = kernel.run(LINES)
            if not shown.text.rstrip().endswith("9999"):
                print(f"10,000 lines {name}: not all arrived")
            took[name].append(shown.seconds - 0.5)
    best = {name: 10_000 / statistics.median(values) for name, values in took.items()}
    print(
        f"10,000 lines onggi {best['onggi']:8.0f}/s   plain {best['plain']:8.0f}/s   "
        f"ratio {best['onggi'] / best['plain']:.2f}"
    )


def plain_folder(kernel: Kernel) -> str:
    """The folder that a plain server shows: where its hub's configuration lies."""
    found = kernel.run("import os; print(os.environ['JUPYTER_PATH'].removesuffix('/share'))")
    return found.text.strip()


def notebooks(kernels: dict[str, Kernel], visitors: dict[str, tuple[Visitor, str]], rounds: int = 3) -> None:
    first: dict[str, list[float]] = {name: [] for name in kernels}
    again: dict[str, list[float]] = {name: [] for name in kernels}
    for number in range(rounds):
        for name, kernel in kernels.items():
            visitor, base = visitors[name]
            folder = "" if name == "onggi" else f"{plain_folder(kernel)}/"
            kernel.run(NOTEBOOK.replace("FOLDER", folder).replace("NAME", f"bench{number}.ipynb"))
            headers = {"Referer": f"{base}lab"}
            url = f"{base}api/contents/bench{number}.ipynb?content=1&type=notebook"

            def opened(visitor: Visitor = visitor, url: str = url, headers: dict[str, str] = headers) -> None:
                answer = visitor.web.get(url, headers=headers, timeout=60)
                if not answer.is_success or len(answer.content) < 4_000_000:
                    print(f"notebook: {answer.status_code}, {len(answer.content)} bytes: {answer.text[:200]}")

            first[name].append(timed(opened))
            again[name] += [timed(opened) for _ in range(3)]
    for label, took in (("first", first), ("again", again)):
        onggi, plain = statistics.median(took["onggi"]), statistics.median(took["plain"])
        print(f"notebook {label}  onggi {onggi:7.1f} ms   plain {plain:7.1f} ms   ratio {onggi / plain:.2f}")


def memory(kernels: dict[str, Kernel]) -> None:
    for kernel in kernels.values():
        kernel.run(PICTURE)
    onggi = resident_mib(server_processes("-m session"))
    redraw = resident_mib(server_processes("display/redraw.py"))
    plain = resident_mib(server_processes("bin/jupyterhub-singleuser"))
    print(
        f"memory       onggi {onggi:.0f} MiB + images {redraw:.0f} MiB   plain {plain:.0f} MiB   "
        f"more by {onggi + redraw - plain:.0f} MiB"
    )


def beside_a_flood(mine: Kernel, other: Kernel, cells: int) -> None:
    def p99() -> float:
        return percentiles([mine.run("1").seconds * 1000 for _ in range(cells)])[1]

    before = p99()
    flood = threading.Thread(target=other.run, args=(FLOOD.replace("SECONDS", "25"),))
    flood.start()
    time.sleep(2)
    beside = p99()
    flood.join()
    print(f"beside a flood  p99 {beside:.2f} ms   without {before:.2f} ms   ratio {beside / before:.2f}")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=300)
    cells = parser.parse_args().cells
    with fresh() as running, plain_hub(nodelay=True, rate_limited=False) as plain:
        journey = steps.Journey(running)
        steps.sign_in(journey)
        steps.open_session(journey)
        visitor = journey.visitor("researcher1")
        visitors = {
            "onggi": (visitor, f"{visitor.hub}/user/{visitor.name}/{steps.PROJECT}/"),
            "plain": (plain, f"{plain.hub}/user/{plain.name}/"),
        }
        kernels = {"onggi": Kernel(visitor, steps.PROJECT), "plain": Kernel(plain, "")}
        round_trips(kernels, cells)
        streams(kernels)
        notebooks(kernels, visitors)
        memory(kernels)
        other = journey.visitor("researcher2")
        steps.open_session_of(other, steps.PROJECT, running.origin("desk"))
        beside_a_flood(kernels["onggi"], Kernel(other, steps.PROJECT), cells)


if __name__ == "__main__":
    main()
