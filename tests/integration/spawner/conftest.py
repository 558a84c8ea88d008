"""A real broker process with real boxes; only the session server is a stand-in that sleeps."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from onggi.plan import ComputeLimits, DatasetMount, SessionPlan
from tests.support.measured import measured

ROOT = Path(__file__).resolve().parents[3]
COMPUTE_ENV = Path(sys.prefix).parent / "compute"
KERNEL_ID = "00000000-0000-4000-8000-000000000001"
HUB_TOKEN, SESSION_KEY = "hub-token-of-this-test", "session-key-of-this-test"
SERVER = "import os, time; print(sorted(os.listdir('/')), flush=True); time.sleep(300)"


def until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.02)


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def descendants(pid: int) -> set[int]:
    table: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(entry.read_text().rpartition(") ")[2].split()[1])
        except OSError:
            continue
        table.setdefault(parent, []).append(int(entry.parent.name))
    found, waiting = set(), [pid]
    while waiting:
        children = table.get(waiting.pop(), [])
        found.update(children)
        waiting += children
    return found


class Agent:
    """A connection to a session's agent, from the host's side."""

    def __init__(self, folder: Path) -> None:
        before = Path.cwd()
        os.chdir(folder / "k")  # the path of the socket may be long
        try:
            self._socket = socket.socket(socket.AF_UNIX)
            self._socket.settimeout(10)
            self._socket.connect("agent.sock")
        finally:
            os.chdir(before)
        self._file = self._socket.makefile("rwb")

    def ask(self, **question: Any) -> dict[str, Any]:
        self._file.write(json.dumps({"id": 1, **question}).encode() + b"\n")
        self._file.flush()
        answer = json.loads(self._file.readline())
        assert isinstance(answer, dict)
        return answer

    def close(self) -> None:
        self._file.close()
        self._socket.close()


@dataclass
class Broker:
    state: Path
    process: subprocess.Popen[bytes]
    client: httpx.Client
    agents: list[Agent] = field(default_factory=list)

    def plan(self, project: str = "heart", **fields: Any) -> SessionPlan:
        (self.state / "projects" / project).mkdir(exist_ok=True)
        values: dict[str, Any] = {
            "session_id": f"s-{secrets.token_hex(8)}",
            "member": "researcher1",
            "project": project,
            "language": "en",
            "until": None,
            "session_key": SESSION_KEY,
            "project_folder": str(self.state / "projects" / project),
            "datasets": (DatasetMount("nafld", "1", str(self.state / "data" / "nafld" / "1")),),
            "limits": ComputeLimits(
                memory_bytes=1 << 30, cpus=1, processes=100, open_files=512, disk_bytes=1 << 24
            ),
        }
        return SessionPlan(**(values | fields))

    def put(self, plan: SessionPlan, **server: Any) -> httpx.Response:
        body = {"env": {"JUPYTERHUB_API_TOKEN": HUB_TOKEN}, "port": 12345} | server
        return self.client.put(f"/sessions/{plan.session_id}", json={"plan": plan.to_json(), "server": body})

    def start(self, plan: SessionPlan) -> Path:
        before = set(self.folders())
        answer = self.put(plan)
        assert answer.status_code == 201, answer.text
        (folder,) = set(self.folders()) - before
        until((folder / "k" / "agent.sock").exists)
        return folder

    def folders(self) -> list[Path]:
        return list((self.state / "run" / "s").glob("*"))

    def get(self, plan: SessionPlan) -> dict[str, Any]:
        answer = self.client.get(f"/sessions/{plan.session_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    def ended(self, plan: SessionPlan, seconds: float = 15) -> dict[str, Any]:
        until(lambda: self.get(plan)["state"] == "ended", seconds)
        return self.get(plan)

    def agent(self, folder: Path) -> Agent:
        self.agents.append(Agent(folder))
        return self.agents[-1]


@pytest.fixture
def start_broker(tmp_path: Path) -> Iterator[Callable[..., Broker]]:
    """`start_broker(server_code=…, unsafe=…)`."""
    if os.geteuid() == 0:
        pytest.skip("sandboxes need an ordinary user")
    if not COMPUTE_ENV.is_dir():
        pytest.skip("no compute environment beside the platform's")
    brokers: list[Broker] = []

    def start(server_code: str = SERVER, *, unsafe: bool = False) -> Broker:
        for name in ("projects", "data/nafld/1", "secrets", "run"):
            (tmp_path / name).mkdir(mode=0o700, parents=True, exist_ok=True)
        (tmp_path / "secrets").chmod(0o700)
        argv = ("/opt/platform/bin/python", "-c", server_code)
        process = subprocess.Popen(
            [sys.executable, "-c", f"from spawner.broker.__main__ import main; main({argv!r})"],
            cwd=ROOT,
            env={
                "ONGGI_STATE": str(tmp_path),
                "ONGGI_PLATFORM_ENV": sys.prefix,
                "ONGGI_COMPUTE_ENV": str(COMPUTE_ENV),
                "ONGGI_SOURCE": str(ROOT),
                "ONGGI_UNSAFE_NO_SANDBOX": str(int(unsafe)),
                "PATH": "/usr/bin:/bin",
                "PYTHONDONTWRITEBYTECODE": "1",
                **measured(),
            },
        )
        transport = httpx.HTTPTransport(uds=str(tmp_path / "run" / "broker.sock"))
        client = httpx.Client(transport=transport, base_url="http://broker", timeout=20)
        brokers.append(Broker(tmp_path, process, client))
        until(lambda: _answers(tmp_path / "run" / "broker.sock"), 60)
        assert client.get("/healthz").is_success
        token = (tmp_path / "secrets" / "hub.token").read_text()
        client.headers["Authorization"] = f"Bearer {token}"
        return brokers[-1]

    yield start
    for broker in brokers:
        for agent in broker.agents:
            agent.close()
        broker.client.close()
        broker.process.send_signal(signal.SIGTERM)
        try:
            broker.process.wait(15)
        except subprocess.TimeoutExpired:
            broker.process.kill()
            broker.process.wait()


def _answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as link:
        try:
            link.connect(str(path))
        except OSError:
            return False
    return True


@pytest.fixture
def broker(start_broker: Callable[..., Broker]) -> Broker:
    return start_broker()
