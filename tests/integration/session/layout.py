"""Starts a session server, an agent and the stand-in the way the broker would, without boxes.

`python layout.py ROOT PORT STANDIN_PORT` keeps them running for a person to look at.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from onggi.plan import SessionPlan, plan_from_json

HERE = Path(__file__).resolve().parent
REPO = HERE.parents[2]
PREFIX = "/user/researcher1/nafld/"
COMPUTE_PYTHON = Path(sys.prefix).parent / "compute" / "bin" / "python"


@dataclass
class Layout:
    root: Path
    port: int
    stand_in_port: int
    language: str = "en"
    server_pid: int = field(default=0, init=False)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stand_in(self) -> str:
        return f"http://127.0.0.1:{self.stand_in_port}"

    @property
    def url(self) -> str:
        return self.origin + PREFIX

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def run(self) -> Path:
        return self.root / "run"

    def prepare(self) -> None:
        for name in ("project", "run/api", "run/k", "run/server"):
            (self.root / name).mkdir(parents=True, exist_ok=True)
        plan: dict[str, Any] = {
            "session_id": "s-0123456789abcdef",
            "member": "researcher1",
            "project": "nafld",
            "language": self.language,
            "until": None,
            "session_key": "session-key",
            "project_folder": str(self.project),
            "datasets": [{"name": "nafld", "version": "1", "path": "/data/nafld/1"}],
            "limits": {},
        }
        (self.run / "server" / "plan.json").write_text(json.dumps(plan))
        self.write_hub_variables()

    @property
    def plan(self) -> SessionPlan:
        return plan_from_json(json.loads((self.run / "server" / "plan.json").read_bytes()))

    def write_hub_variables(self) -> None:
        hub = {
            "JUPYTERHUB_API_TOKEN": "server-token",
            "JUPYTERHUB_API_URL": f"{self.stand_in}/hub/api",
            "JUPYTERHUB_ACTIVITY_URL": f"{self.stand_in}/hub/api/users/researcher1/activity",
            "JUPYTERHUB_BASE_URL": "/",
            "JUPYTERHUB_CLIENT_ID": "jupyterhub-user-researcher1-nafld",
            "JUPYTERHUB_HOST": self.stand_in,
            "JUPYTERHUB_OAUTH_ACCESS_SCOPES": json.dumps(["access:servers!server=researcher1/nafld"]),
            "JUPYTERHUB_OAUTH_SCOPES": json.dumps(["access:servers!server=researcher1/nafld"]),
            "JUPYTERHUB_OAUTH_CALLBACK_URL": f"{self.url}oauth_callback",
            "JUPYTERHUB_SERVER_NAME": "nafld",
            "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
            "JUPYTERHUB_SERVICE_URL": f"http://127.0.0.1:{self.port}{PREFIX}",
            "JUPYTERHUB_USER": "researcher1",
        }
        (self.run / "server" / "environ.json").write_text(json.dumps(hub))

    def environment(self) -> dict[str, str]:
        return {
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(REPO),
            "PYTHONDONTWRITEBYTECODE": "1",
            "HOME": str(self.root),
            "ONGGI_SESSION_PLAN": str(self.run / "server" / "plan.json"),
            "ONGGI_SESSION_ENVIRON": str(self.run / "server" / "environ.json"),
            "ONGGI_RUN_DIR": str(self.run),
            "ONGGI_COMPUTE_RUN_DIR": str(self.run),
            "ONGGI_PROJECT_DIR": str(self.project),
            "ONGGI_HUB_ORIGIN": self.origin,
            "ONGGI_DESK_URL": self.stand_in,
            "ONGGI_REVIEW_URL": self.stand_in,
            **{name: value for name, value in os.environ.items() if name == "COVERAGE_PROCESS_CONFIG"},
        }


_LIBC = ctypes.CDLL(None)


def _die_with_parent() -> None:
    _LIBC.prctl(1, signal.SIGKILL, 0, 0, 0)


def _start(argv: list[str], log: Path, environment: Mapping[str, str], cwd: Path) -> subprocess.Popen[bytes]:
    with log.open("ab") as output:
        return subprocess.Popen(
            argv,
            env=dict(environment),
            cwd=cwd,
            stdout=output,
            stderr=output,
            stdin=subprocess.DEVNULL,
            preexec_fn=_die_with_parent,  # noqa: PLW1509 - tests start these from their one thread
        )


def start_stand_in(layout: Layout) -> subprocess.Popen[bytes]:
    argv = [sys.executable, str(HERE / "stand_in.py"), str(layout.stand_in_port)]
    environment = {"PATH": "/usr/bin", "PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(REPO)}
    return _start(argv, layout.root / "stand_in.log", environment, layout.root)


def tell_stand_in(layout: Layout, control: Mapping[str, Any]) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            urllib.request.urlopen(f"{layout.stand_in}/control", json.dumps(control).encode(), 5).close()
        except (urllib.error.URLError, ConnectionError):
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def start_agent(layout: Layout) -> subprocess.Popen[bytes]:
    argv = [
        str(COMPUTE_PYTHON),
        "-m",
        "onggi.agent",
        "--runtime",
        str(layout.run / "k"),
        "--project",
        str(layout.project),
        "--unsafe-no-landlock",
    ]
    environment = {
        "PATH": "/usr/bin:/bin",
        "PYTHONPATH": str(REPO),
        "HOME": str(layout.root),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    return _start(argv, layout.root / "agent.log", environment, layout.project)


def start_server(layout: Layout) -> subprocess.Popen[bytes]:
    return _start(
        [sys.executable, "-m", "session"], layout.root / "server.log", layout.environment(), layout.root
    )


def wait_until_up(layout: Layout, seconds: float = 60) -> float:
    begun = time.monotonic()
    while time.monotonic() - begun < seconds:
        with contextlib.suppress(urllib.error.URLError, ConnectionError):
            with urllib.request.urlopen(f"{layout.url}api", timeout=5) as answer:
                answer.read()
            return time.monotonic() - begun
        time.sleep(0.05)
    raise TimeoutError((layout.root / "server.log").read_text()[-4000:])


def end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextlib.contextmanager
def running(layout: Layout, control: Mapping[str, Any] | None = None) -> Iterator[Layout]:
    """Everything, until the end.

    Args:
        control: changes to the stand-in, made before the server starts. If they keep the server from lending,
            it is not waited for.
    """
    layout.prepare()
    processes = [start_stand_in(layout)]
    try:
        if control:
            tell_stand_in(layout, control)
        processes += [start_agent(layout), start_server(layout)]
        layout.server_pid = processes[-1].pid
        if (control or {}).get("lend", 200) == 200:
            print(f"up after {wait_until_up(layout):.2f} s: {layout.url}")
        yield layout
    finally:
        for process in reversed(processes):
            end(process)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with (
        running(Layout(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])),
        contextlib.suppress(KeyboardInterrupt),
    ):
        while True:
            time.sleep(3600)
