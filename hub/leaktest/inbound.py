"""Ways in: what listens in a cell, a Dask cluster too, must not be reached from outside its box."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator

from hub.leaktest.place import Place
from hub.leaktest.values import Found, Verdict

_SECONDS = 2.0
_LISTEN = """
import json, socket
from urllib.parse import urlsplit
from dask.distributed import LocalCluster
_cluster = LocalCluster(
    n_workers=1, threads_per_worker=1, processes=False, protocol="tcp", dashboard_address=":0"
)
_listener = socket.create_server(("0.0.0.0", 0))
_ports = {
    "listener": _listener.getsockname()[1],
    "dask_scheduler": urlsplit(_cluster.scheduler_address).port,
    "dask_dashboard": urlsplit(_cluster.dashboard_link).port,
}
def _reached(port):
    try:
        socket.create_connection(("127.0.0.1", port), 2).close()
    except OSError as error:
        return type(error).__name__
    return "connected"
print(json.dumps({name: [port, _reached(port)] for name, port in _ports.items()}))
"""


def inbound(place: Place) -> Iterator[Found]:
    """Each listener is asked from outside; the control asks it from within."""
    lines = [line for line in place.kernel.run(_LISTEN).text.splitlines() if line.startswith("{")]
    if not lines:
        yield Found("inbound.listener", Verdict.NOT_PROVEN, "nothing could be made to listen")
        return
    for name, (port, within) in json.loads(lines[-1]).items():
        asked = [_reached(host, port) for host in ("127.0.0.1", place.outside.given["address"])]
        if "connected" in asked:
            verdict = Verdict.OPEN
        else:
            verdict = Verdict.CLOSED if within == "connected" else Verdict.NOT_PROVEN
        yield Found(f"inbound.{name}", verdict, f"from outside: {' '.join(asked)}; from within: {within}")
    place.kernel.run("_cluster.close(); _listener.close()")


def _reached(host: str, port: int) -> str:
    try:
        socket.create_connection((host, port), _SECONDS).close()
    except OSError as error:
        return type(error).__name__
    return "connected"
