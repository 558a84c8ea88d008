"""What a real kernel can and cannot do in the compute of a real session."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from spawner.compute_box import KOREAN_FONT

pytestmark = [pytest.mark.sandbox, pytest.mark.slow]
KERNEL_ID = "00000000-0000-4000-8000-00000000000a"
IN_BOX = f"/run/onggi/k/kernels/{KERNEL_ID}/ipc"
Run = Callable[[str], str]


class Kernel:
    """A kernel of a session, spoken to over its ipc sockets from the host's side."""

    def __init__(self, broker: Any, folder: Path) -> None:
        self.agent, self.folder = broker.agent(folder), folder
        home = folder / "k" / "kernels" / KERNEL_ID
        home.mkdir(parents=True)
        ports = {
            f"{name}_port": number
            for number, name in enumerate(("shell", "iopub", "stdin", "control", "hb"), 1)
        }
        info: Any = {"transport": "ipc", "ip": IN_BOX, "key": "k", "signature_scheme": "hmac-sha256", **ports}
        (home / "connection.json").write_text(json.dumps(info))
        answer = self.agent.ask(op="start", kernel_id=KERNEL_ID, env={})
        assert answer["ok"], answer
        _until(lambda: all((home / f"ipc-{number}").exists() for number in ports.values()), 30)
        self.client = BlockingKernelClient()
        self.client.load_connection_info(info | {"ip": f"k/kernels/{KERNEL_ID}/ipc"})
        self.client.start_channels()
        self.client.wait_for_ready(timeout=30)

    def run(self, code: str) -> str:
        said: list[str] = []

        def hear(message: dict[str, Any]) -> None:
            content = message["content"]
            said.append(content.get("text") or "\n".join(content.get("traceback", ())))

        self.client.execute_interactive(code, output_hook=hear, timeout=60)
        return "".join(said)

    def exit_status(self) -> int | None:
        status = self.agent.ask(op="poll", kernel_id=KERNEL_ID)["exit"]
        return None if status is None else int(status)


@pytest.fixture
def kernel_of(broker: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Path], Kernel]]:
    kernels: list[Kernel] = []
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)

    def start(folder: Path) -> Kernel:
        monkeypatch.chdir(folder)  # relative paths keep the sockets' names short
        kernels.append(Kernel(broker, folder))
        return kernels[-1]

    yield start
    for kernel in kernels:
        kernel.client.stop_channels()
        kernel.client.context.destroy(linger=0)
    loop.close()
    asyncio.set_event_loop(None)


def test_a_kernel_sees_its_session_and_nothing_else(broker: Any, kernel_of: Callable[[Path], Kernel]) -> None:
    (broker.state / "data" / "nafld" / "1" / "t").write_text("rows")
    other = broker.start(broker.plan("lungs"))
    folder = broker.start(broker.plan())
    kernel = kernel_of(folder)
    code = f"""
import os, onggi
print(os.getcwd(), open("/data/nafld/1/t").read(), os.path.dirname(onggi.__file__))
print(sum(name.isdigit() for name in os.listdir("/proc")))
for path in ("/run/onggi/k", "/run/onggi/server", "/project/../data/other", "{other}", "/opt/platform"):
    try: print(os.listdir(path))
    except OSError as error: print(type(error).__name__)
for target in (1, os.getppid()):
    try: os.kill(target, 9); print("killed")
    except PermissionError: print("refused")
"""
    said = kernel.run(code).splitlines()
    assert said[0] == "/project rows /opt/onggi/onggi"
    assert set(said[2:7]) <= {"PermissionError", "FileNotFoundError"}
    assert said[7:] == ["refused", "refused"]
    assert int(said[1]) <= 5
    assert kernel.exit_status() is None


PLOT = """
import io, warnings; warnings.simplefilter("error")
import matplotlib; matplotlib.use("Agg"); import matplotlib.pyplot as plt
plt.title("나이"); plt.savefig(io.BytesIO()); print("drawn")
"""


@pytest.mark.skipif(not KOREAN_FONT.exists(), reason="needs Debian's fonts-nanum")
def test_korean_can_be_plotted_and_progress_is_seen(broker: Any, kernel_of: Callable[[Path], Kernel]) -> None:
    """The page has no widgets: a bar that asked for one would stand at 0 %."""
    kernel = kernel_of(broker.start(broker.plan()))
    assert kernel.run(PLOT).strip() == "drawn"
    shown = kernel.run("from tqdm.auto import tqdm\nfor _ in tqdm(range(20)): pass")
    assert "20/20" in shown
    assert "Warning" not in shown


def test_a_link_that_the_compute_plants_leads_nowhere(start_broker: Callable[..., Any]) -> None:
    code = (
        "import os,time\n"
        "while not os.path.lexists('/run/onggi/k/link'): time.sleep(0.05)\n"
        "print(os.path.exists('/run/onggi/k/link'), os.path.exists('/project/link'), flush=True)\n"
        "time.sleep(300)"
    )
    second = start_broker(code)
    secret = second.state / "secrets" / "hub.token"
    plan = second.plan()
    folder = second.start(plan)
    (second.state / "projects" / "heart" / "link").symlink_to(secret)
    (folder / "k" / "link").symlink_to(secret)
    log = second.state / "logs" / f"session-{plan.session_id}.log"
    _until(lambda: bool(log.read_text()))
    assert log.read_text() == "False False\n"
    assert secret.exists()


def test_memory_of_all_processes_together_is_held(broker: Any, kernel_of: Callable[[Path], Kernel]) -> None:
    plan = broker.plan()
    kernel = kernel_of(broker.start(plan))
    code = """
import os, time
for _ in range(3):
    if os.fork() == 0:
        held = bytearray(450 << 20)  # each alone is within the limit of a process, all three are not
        held[::4096] = b"x" * (len(held) // 4096)
        time.sleep(100); os._exit(0)
"""
    kernel.client.execute(code)
    _until(lambda: "memory" in [one["what"] for one in broker.get(plan)["incidents"]], 60)
    assert broker.get(plan)["state"] == "running"
    assert kernel.agent.ask(op="list")["ok"]


def test_the_project_folder_cannot_grow_beyond_its_quota(
    broker: Any, kernel_of: Callable[[Path], Kernel]
) -> None:
    plan = broker.plan()
    kernel = kernel_of(broker.start(plan))
    code = """
import time
for number in range(1000):
    open(f"/project/{number}", "wb").write(bytes(1 << 20)); time.sleep(0.1)
"""
    kernel.client.execute(code)
    _until(lambda: kernel.exit_status() is not None, 25)
    assert [one["what"] for one in broker.get(plan)["incidents"]] == ["disk"]
    written = sum(path.stat().st_size for path in Path(plan.project_folder).iterdir())
    assert 1 << 24 < written < 1 << 28
    assert broker.get(plan)["state"] == "running"


def test_killing_a_kernel_kills_what_it_started(broker: Any, kernel_of: Callable[[Path], Kernel]) -> None:
    seconds = secrets.randbelow(1_000_000) + 7000  # told apart from those of tests that run beside this one
    kernel = kernel_of(broker.start(broker.plan()))
    said = kernel.run(
        f"import subprocess;print(subprocess.Popen(['/usr/bin/setsid', '/usr/bin/sleep', '{seconds}']).pid)"
    )
    assert said.strip().isdigit()
    _until(lambda: _sleepers(seconds) == 1)
    assert kernel.agent.ask(op="kill", kernel_id=KERNEL_ID)["ok"]
    assert kernel.exit_status() == -9
    _until(lambda: _sleepers(seconds) == 0)


def _sleepers(seconds: int) -> int:
    found = 0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += path.read_bytes() == f"/usr/bin/sleep\0{seconds}\0".encode()
        except OSError:
            continue
    return found


def _until(condition: Callable[[], bool], seconds: float = 10) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
