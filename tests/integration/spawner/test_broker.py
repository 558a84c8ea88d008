"""The broker: what it starts, what it refuses, and that nothing of a session is left behind."""

from __future__ import annotations

import json
import os
import signal
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx2 as httpx
import pytest

from onggi.clock import to_text
from onggi.plan import DatasetMount

pytestmark = pytest.mark.sandbox
KERNEL_ID = "00000000-0000-4000-8000-000000000001"


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    except OSError:
        return False


def test_a_session_from_start_to_end(broker: Any) -> None:
    plan = broker.plan()
    folder = broker.start(plan)
    assert broker.agent(folder).ask(op="list") == {"id": 1, "ok": True, "kernels": []}
    said = broker.get(plan)
    assert (said["state"], said["exit"], said["unsafe"]) == ("running", None, False)
    assert said["limits"]["processes"] in {"rlimit", "cgroup1", "cgroup2"}
    assert said["limits"]["disk"] == "watched"
    assert alive(said["compute_pid"])
    assert broker.client.delete(f"/sessions/{plan.session_id}").status_code == 204
    assert not folder.exists()
    assert not alive(said["compute_pid"])
    assert not alive(said["server_pid"])
    after = broker.get(plan)
    assert (after["state"], after["cause"]) == ("ended", "stopped")
    assert [one["session_id"] for one in broker.client.get("/sessions").json()["sessions"]] == [
        plan.session_id
    ]


def test_nobody_without_the_hubs_token(broker: Any) -> None:
    for token in ("x", "wrong", "é"):
        headers = {b"Authorization": b"Bearer " + token.encode()}
        assert broker.client.get("/sessions", headers=headers).status_code == 403
        answer = broker.client.put("/sessions/s-0000000000000000", headers=headers, json={})
        assert answer.status_code == 403
    assert broker.client.get("/healthz", headers={"Authorization": ""}).status_code == 200


def test_the_sandbox_is_told_of(broker: Any) -> None:
    said = broker.client.get("/sandbox").json()
    assert said["working"] is True
    assert "disk_watched" in said["findings"]


@pytest.mark.parametrize(
    "change",
    [
        {"project_folder": "/etc"},
        {"project_folder": "{state}/projects"},
        {"project_folder": "{state}/secrets"},
        {"project_folder": "{state}/projects/heart/../../secrets"},
        {"project_folder": "relative"},
        {"datasets": (DatasetMount("nafld", "../1", "{state}/data/nafld/1"),)},
        {"datasets": (DatasetMount("nafld", "1", "{state}/secrets"),)},
        {"datasets": (DatasetMount("nafld", "1", "{state}"),)},
        {"datasets": (DatasetMount("nafld", "1", "/"),)},
        {"datasets": (DatasetMount("nafld", "1", "{state}/data/none"),)},
    ],
)
def test_a_plan_that_asks_for_too_much_is_refused(broker: Any, change: dict[str, Any]) -> None:
    plan = broker.plan(**change)
    body = json.loads(json.dumps(plan.to_json()).replace("{state}", str(broker.state)))
    answer = broker.client.put(
        f"/sessions/{plan.session_id}", json={"plan": body, "server": {"env": {}, "port": 12345}}
    )
    assert answer.status_code == 422, answer.text
    assert broker.folders() == []


def test_a_link_among_the_projects_is_refused(broker: Any) -> None:
    plan = broker.plan()
    (broker.state / "projects" / "link").symlink_to(broker.state / "secrets")
    answer = broker.put(broker.plan(project_folder=str(broker.state / "projects" / "link")))
    assert answer.status_code == 422
    assert plan.session_id not in answer.text


@pytest.mark.parametrize(
    "server", [{"argv": ["/usr/bin/id"]}, {"port": 80}, {"port": "x"}, {"env": {"A": 1}}, {"env": None}]
)
def test_a_server_is_not_the_callers_to_choose(broker: Any, server: dict[str, Any]) -> None:
    assert broker.put(broker.plan(), **server).status_code == 422


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"more": 1}', b"x" * 300_000])
def test_bodies_that_cannot_be_read(broker: Any, body: bytes) -> None:
    answer = broker.client.put("/sessions/s-0000000000000000", content=body)
    assert answer.status_code == 422


def test_an_unknown_session(broker: Any) -> None:
    assert broker.client.get("/sessions/s-0000000000000000").status_code == 404
    assert broker.client.delete("/sessions/s-0000000000000000").status_code == 404


def test_a_session_is_started_once(broker: Any) -> None:
    plan = broker.plan()
    broker.start(plan)
    assert broker.put(plan).status_code == 409


def test_a_later_session_of_the_same_member_and_project_ends_the_earlier(broker: Any) -> None:
    first, second, other = broker.plan(), broker.plan(), broker.plan("lungs")
    for plan in (first, other, second):
        assert broker.put(plan).status_code == 201
    assert broker.get(first)["state"] == "ended"
    assert broker.get(other)["state"] == broker.get(second)["state"] == "running"


def test_the_session_ends_with_its_server(start_broker: Callable[..., Any]) -> None:
    broker = start_broker("raise SystemExit(7)")
    plan = broker.plan()
    broker.put(plan)
    said = broker.ended(plan)
    assert (said["cause"], said["exit"]) == ("server", 7)
    assert not alive(said["compute_pid"])
    assert broker.folders() == []


def test_the_session_ends_with_its_compute(broker: Any) -> None:
    plan = broker.plan()
    broker.start(plan)
    os.kill(broker.get(plan)["compute_pid"], signal.SIGKILL)
    said = broker.ended(plan)
    assert said["cause"] == "compute"
    assert not alive(said["server_pid"])
    assert broker.folders() == []


def test_a_server_that_does_not_listen_is_killed(start_broker: Callable[..., Any]) -> None:
    broker = start_broker("import signal,time; signal.signal(15, signal.SIG_IGN); time.sleep(300)")
    plan = broker.plan()
    broker.start(plan)
    with ThreadPoolExecutor(1) as pool:
        stopping = pool.submit(broker.client.delete, f"/sessions/{plan.session_id}")
        while (said := broker.get(plan))["cause"] is None:
            time.sleep(0.02)
        # Not ended while something of it is left: whoever is told `ended` is told the exit status too.
        assert (said["state"], said["exit"]) == ("running", None)
        assert stopping.result().status_code == 204
    said = broker.get(plan)
    assert (said["state"], said["exit"]) == ("ended", -9)
    assert not alive(said["server_pid"])


def test_a_session_ends_by_itself_when_its_time_is_over(broker: Any) -> None:
    plan = broker.plan(until=to_text(datetime.now(UTC) + timedelta(seconds=1.5)))
    broker.start(plan)
    assert broker.ended(plan, 15)["cause"] == "until"
    late = broker.put(broker.plan(until=to_text(datetime.now(UTC))))
    assert late.json()["error"]["reason"] == "session_ended"


@pytest.mark.parametrize("signum", [signal.SIGKILL, signal.SIGTERM])
def test_nothing_outlives_the_broker(broker: Any, signum: signal.Signals, tmp_path: Path) -> None:
    plan = broker.plan()
    folder = broker.start(plan)
    broker.start(broker.plan("lungs"))
    kernels = folder / "k" / "kernels" / KERNEL_ID
    kernels.mkdir(parents=True)
    (kernels / "connection.json").write_text("{}")
    broker.agent(folder).ask(op="start", kernel_id=KERNEL_ID, env={})
    own = _all_below(broker.process.pid)
    assert len(own) >= 10
    broker.process.send_signal(signum)
    broker.process.wait(timeout=15)
    deadline = datetime.now(UTC) + timedelta(seconds=5)
    while any(map(alive, own)) and datetime.now(UTC) < deadline:
        pass
    assert [pid for pid in own if alive(pid)] == []


def test_a_new_broker_removes_what_a_killed_one_left(start_broker: Callable[..., Any]) -> None:
    first = start_broker()
    folder = first.start(first.plan())
    first.process.kill()
    first.process.wait()
    assert folder.exists()
    second = start_broker()
    assert second.folders() == []


def test_the_session_server_is_told_what_holds_which_limit(broker: Any) -> None:
    plan = broker.plan()
    folder = broker.start(plan)
    told = json.loads((folder / "server" / "compute.json").read_text())
    assert told == {"limits": broker.get(plan)["limits"], "unsafe": False}
    assert told["limits"]["memory"] != "none"


def test_secrets_are_for_the_session_server_alone(broker: Any) -> None:
    plan = broker.plan()
    folder = broker.start(plan)
    secrets = ("hub-token-of-this-test", "session-key-of-this-test")
    for name in ("plan.json", "environ.json"):
        assert (folder / "server" / name).stat().st_mode & 0o777 == 0o600
    seen = json.loads((folder / "server" / "plan.json").read_text())
    assert seen["project_folder"] == "/project"
    assert seen["datasets"][0]["path"] == "/data/nafld/1"
    for pid in _all_below(broker.process.pid):
        for file in ("cmdline", "environ"):
            content = Path(f"/proc/{pid}/{file}").read_bytes()
            assert not any(secret.encode() in content for secret in secrets), (pid, file)


def test_the_session_server_sees_little(broker: Any) -> None:
    plan = broker.plan()
    broker.start(plan)
    log = broker.state / "logs" / f"session-{plan.session_id}.log"
    seen = set(json.loads(log.read_text().replace("'", '"')))
    assert seen <= {
        "bin", "dev", "etc", "home", "lib", "lib32", "lib64", "libx32", "opt", "proc", "project", "run",
        "sbin", "tmp", "usr",
    }  # fmt: skip
    assert log.stat().st_mode & 0o777 == 0o600


def test_without_a_sandbox_every_answer_says_so(start_broker: Callable[..., Any]) -> None:
    code = "import os,time,json; json.load(open(os.environ['ONGGI_SESSION_PLAN'])); time.sleep(300)"
    broker = start_broker(code, unsafe=True)
    plan = broker.plan()
    folder = broker.start(plan)
    assert broker.client.get("/sandbox").json()["findings"][0] == "unsafe_no_sandbox"
    assert broker.get(plan)["unsafe"] is True
    assert set(broker.get(plan)["limits"].values()) <= {"none", "watched"}
    assert json.loads((folder / "server" / "compute.json").read_text())["unsafe"] is True
    assert broker.agent(folder).ask(op="list")["ok"] is True
    pids = _all_below(broker.process.pid)
    assert broker.client.delete(f"/sessions/{plan.session_id}").status_code == 204
    assert not any(map(alive, pids))


def test_only_the_owner_reaches_the_socket(broker: Any) -> None:
    assert (broker.state / "run" / "broker.sock").stat().st_mode & 0o077 == 0
    assert isinstance(broker.client, httpx.Client)


def _all_below(pid: int) -> set[int]:
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
