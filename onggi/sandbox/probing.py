"""Whether boxes work on this machine: one is launched, and looks at itself from within.

Guarantees: `working` is said only if a box was made, ran, and found itself closed
(`onggi.sandbox.selfcheck`).
"""

from __future__ import annotations

import json
import secrets
import socket
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import onggi
from onggi.errors import Unavailable
from onggi.sandbox import landlock
from onggi.sandbox.box import Bind, Box
from onggi.sandbox.bwrap import launch
from onggi.sandbox.cgroup import find_home
from onggi.sandbox.findings import WEAKER, Finding
from onggi.sandbox.limits import Limits

TIME_LIMIT_S = 20.0
_PACKAGE = "/opt/onggi/onggi"


@dataclass(frozen=True, slots=True)
class Probe:
    """What was found."""

    findings: tuple[Finding, ...]

    @property
    def working(self) -> bool:
        """Whether hostile code may be put in a box here."""
        return WEAKER.issuperset(self.findings)

    @property
    def worst(self) -> str:
        """The first finding for which compute is not started, or nothing."""
        return next((one.value for one in self.findings if one not in WEAKER), "")


@cache
def probe() -> Probe:
    """Launch a box and look; the answer is kept for the life of the process, since it cannot change in it."""
    return Probe((*_closed(), *_weaker()))


def _closed() -> tuple[Finding, ...]:
    name = f"onggi-probe-{secrets.token_hex(8)}"
    with (
        socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as abstract,
        socket.create_server(("127.0.0.1", 0)) as tcp,
    ):
        abstract.bind(f"\0{name}")
        abstract.listen()
        return _look(name, int(tcp.getsockname()[1]))


def _look(name: str, port: int) -> tuple[Finding, ...]:
    try:
        launched = launch(_box(name, port), stdout=subprocess.PIPE)
    except Unavailable as error:
        return (Finding(error.params["finding"]),)
    try:
        said, _ = launched.process.communicate(timeout=TIME_LIMIT_S)
    except subprocess.TimeoutExpired:
        launched.process.kill()
        launched.process.wait()
        return (Finding.SELFCHECK_FAILED,)
    if launched.process.returncode != 0:
        return (Finding.SELFCHECK_FAILED,)
    return tuple(Finding(code) for code in json.loads(said))


def _box(name: str, port: int) -> Box:
    interpreter = Path(sys.executable).resolve()
    binds = [Bind(str(Path(onggi.__file__).parent), _PACKAGE)]
    if not interpreter.is_relative_to("/usr"):
        base = str(interpreter.parent.parent)
        binds.append(Bind(base, base))
    return Box(
        argv=(str(interpreter), "-B", "-m", "onggi.sandbox.selfcheck", name, str(port)),
        binds=tuple(binds),
        env={"PYTHONPATH": str(Path(_PACKAGE).parent)},
        limits=Limits(memory_bytes=1024**3, processes=16, open_files=64, file_bytes=1024**2),
    )


def _weaker() -> tuple[Finding, ...]:
    home = find_home()
    held = home.parents if home is not None else {}
    found = {
        Finding.CPU_BY_AFFINITY: "cpu" not in held,
        Finding.DISK_WATCHED: True,
        Finding.LANDLOCK_MISSING: not landlock.usable(),
        Finding.MEMORY_WATCHED: "memory" not in held,
    }
    return tuple(finding for finding, is_so in found.items() if is_so)
