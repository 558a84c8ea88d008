"""Execute round trip: an Onggi session against a plain JupyterHub single-user server, side by side.

All run at the same time on this machine behind the same kind of proxy; cells alternate between them. A
plain server leaves Nagle's algorithm on, which costs it about 40 ms a cell; so a second plain server with
TCP_NODELAY runs beside them, and the ratio to that one is the honest one.

    python -m tests.bench.round_trip [--cells 400]

Prints p50, p90 and p99 of each in milliseconds and the ratios of the medians.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2 as httpx

from hub.tour import steps
from hub.tour.installation import free_base_port, fresh
from hub.tour.kernel import Kernel
from hub.tour.visitor import Visitor
from web.settings import default_home

PLAIN_CONFIG = """
c.JupyterHub.bind_url = "http://127.0.0.1:{public}"
c.JupyterHub.hub_port = {hub}
c.JupyterHub.hub_ip = "127.0.0.1"
c.ConfigurableHTTPProxy.api_url = "http://127.0.0.1:{api}"
c.ConfigurableHTTPProxy.command = {proxy!r}
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.Spawner.notebook_dir = {folder!r}
c.Spawner.cmd = [{singleuser!r}]
c.Spawner.args = {arguments!r}
c.Spawner.environment = {{"JUPYTER_PATH": {kernels!r}, "PYTHONPATH": {python_path!r}}}
"""
NODELAY = """
import tornado.iostream
plain = tornado.iostream.IOStream.set_nodelay
tornado.iostream.IOStream.set_nodelay = lambda self, value: plain(self, True)
"""


@contextlib.contextmanager
def plain_hub(*, nodelay: bool, rate_limited: bool = True) -> Iterator[Visitor]:
    """A plain JupyterHub with local kernels of the same compute environment; yields its signed-in user.

    Args:
        rate_limited: whether Jupyter drops output that comes faster than 1,000 messages a second.
    """
    base, home = free_base_port(), default_home()
    with tempfile.TemporaryDirectory(prefix="plain-hub-") as name:
        folder = Path(name)
        config = folder / "jupyterhub_config.py"
        _kernelspec(folder / "share", home / "env" / "compute" / "bin" / "python")
        proxy = home / "env" / "node" / "node_modules" / ".bin" / "configurable-http-proxy"
        values = {
            "public": base,
            "hub": base + 1,
            "api": base + 2,
            "proxy": [str(proxy)],
            "folder": str(folder),
            "arguments": [] if rate_limited else ["--ZMQChannelsWebsocketConnection.limit_rate=False"],
            "singleuser": str(Path(sys.prefix) / "bin" / "jupyterhub-singleuser"),
            "kernels": str(folder / "share"),
            "python_path": str(folder / "site"),
        }
        (folder / "site").mkdir()
        if nodelay:
            (folder / "site" / "sitecustomize.py").write_text(NODELAY)
        config.write_text(PLAIN_CONFIG.format(**values))
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "jupyterhub", "-f", str(config)],
                cwd=folder,
                env={**os.environ, "PATH": f"{sys.prefix}/bin:{os.environ['PATH']}"},
                stdout=log,
                stderr=subprocess.STDOUT,
            )
        try:
            with contextlib.closing(plain_visitor(f"http://127.0.0.1:{base}", "someone")) as visitor:
                yield visitor
        finally:
            process.terminate()
            process.wait(30)


def _kernelspec(share: Path, python: Path) -> None:
    folder = share / "kernels" / "python3"
    folder.mkdir(parents=True)
    argv = f'["{python}", "-m", "ipykernel_launcher", "-f", "{{connection_file}}"]'
    (folder / "kernel.json").write_text(
        f'{{"argv": {argv}, "display_name": "Python 3", "language": "python"}}'
    )


def plain_visitor(hub: str, name: str) -> Visitor:
    """A person of a plain hub, signed in, whose server is up."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        with contextlib.suppress(httpx.HTTPError):
            if httpx.get(f"{hub}/hub/login", timeout=2).is_success:
                break
        time.sleep(0.2)
    visitor = Visitor(name, "anything", hub)
    visitor.sign_in()
    visitor.get(f"{hub}/hub/spawn")
    while "jupyter-config-data" not in visitor.get(f"{hub}/user/{name}/lab").text:
        time.sleep(0.3)
    return visitor


def measure(kernels: dict[str, Kernel], cells: int, warm_up: int = 20) -> dict[str, list[float]]:
    """Milliseconds of each cell, alternating between the kernels."""
    took: dict[str, list[float]] = {name: [] for name in kernels}
    for kernel in kernels.values():
        for _ in range(warm_up):
            kernel.run("1")
    for _ in range(cells):
        for name, kernel in kernels.items():
            took[name].append(kernel.run("1").seconds * 1000)
    return took


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--cells", type=int, default=400)
    cells = parser.parse_args().cells
    with fresh() as running, plain_hub(nodelay=False) as plain, plain_hub(nodelay=True) as nodelay:
        journey = steps.Journey(running)
        steps.sign_in(journey)
        steps.open_session(journey)
        kernels = {
            "onggi": Kernel(journey.visitor("researcher1"), steps.PROJECT),
            "plain": Kernel(plain, ""),
            "plain, TCP_NODELAY": Kernel(nodelay, ""),
        }
        took = measure(kernels, cells)
    for name, values in took.items():
        cuts = statistics.quantiles(values, n=100)
        print(f"{name:<18} p50 {cuts[49]:7.2f} ms   p90 {cuts[89]:7.2f} ms   p99 {cuts[98]:7.2f} ms")
    for name in ("plain", "plain, TCP_NODELAY"):
        ratio = statistics.median(took["onggi"]) / statistics.median(took[name])
        print(f"ratio of medians, onggi / {name}: {ratio:.3f}")


if __name__ == "__main__":
    main()
