"""The agent's protocol and its kernels, with a shell in place of a kernel."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from onggi.agent.kernels import MOST_KERNELS, NEVER_STARTED, AgentError, Kernels
from onggi.agent.server import LONGEST_MESSAGE_BYTES, answer, serve

ID = "00000000-0000-4000-8000-000000000001"


@pytest.fixture
def kernels(tmp_path: Path) -> Iterator[Kernels]:
    made = Kernels(tmp_path, tmp_path, walled=False, argv=("/bin/sh", "-c", "sleep 60 & wait", "sh"))
    yield made
    made.kill_all()


def prepare(kernels: Kernels, kernel_id: str = ID) -> None:
    folder = kernels.runtime / "kernels" / kernel_id
    folder.mkdir(parents=True)
    (folder / "connection.json").write_text("{}")


def ask(kernels: Kernels, **question: Any) -> dict[str, Any]:
    return answer(json.dumps({"id": 1, **question}).encode(), kernels)


def test_a_kernel_from_start_to_end(kernels: Kernels) -> None:
    prepare(kernels)
    started = ask(kernels, op="start", kernel_id=ID, env={"A": "b"})
    assert started["ok"] is True
    assert ask(kernels, op="poll", kernel_id=ID)["exit"] is None
    assert ask(kernels, op="start", kernel_id=ID)["error"] == "running"
    assert ask(kernels, op="list")["kernels"][0]["pid"] == started["pid"]
    assert ask(kernels, op="kill", kernel_id=ID)["ok"] is True
    assert ask(kernels, op="poll", kernel_id=ID)["exit"] == -9
    assert ask(kernels, op="signal", kernel_id=ID, signum=2)["ok"] is True
    assert not Path(f"/proc/{started['pid']}").exists()


def test_a_signal_reaches_the_whole_group(kernels: Kernels) -> None:
    prepare(kernels)
    ask(kernels, op="start", kernel_id=ID)
    time.sleep(0.1)
    assert ask(kernels, op="signal", kernel_id=ID, signum=15)["ok"] is True
    deadline = time.monotonic() + 5
    while ask(kernels, op="poll", kernel_id=ID)["exit"] is None and time.monotonic() < deadline:
        time.sleep(0.02)
    assert ask(kernels, op="poll", kernel_id=ID)["exit"] == -15


def test_a_kernel_that_nobody_started_has_ended(kernels: Kernels) -> None:
    assert ask(kernels, op="poll", kernel_id=ID)["exit"] == NEVER_STARTED
    assert ask(kernels, op="kill", kernel_id=ID)["ok"] is True


@pytest.mark.parametrize(
    ("question", "error"),
    [
        ({"op": "start", "kernel_id": ID}, "no_connection_file"),
        ({"op": "start", "kernel_id": "../../etc"}, "bad_kernel_id"),
        ({"op": "start", "kernel_id": ID.upper() + "\n"}, "bad_kernel_id"),
        ({"op": "start", "kernel_id": 7}, "bad_kernel_id"),
        ({"op": "start", "kernel_id": ID, "env": []}, "bad_env"),
        ({"op": "signal", "kernel_id": ID, "signum": "9"}, "no_such_signal"),
        ({"op": "dance", "kernel_id": ID}, "unknown_operation"),
        ({}, "bad_kernel_id"),
    ],
)
def test_what_cannot_be_done_is_answered_so(kernels: Kernels, question: dict[str, Any], error: str) -> None:
    assert ask(kernels, **question) == {"id": 1, "ok": False, "error": error}


@pytest.mark.parametrize("line", [b"\n", b"{", b"\xff\xfe", b"[]", b"7", b"null"])
def test_what_is_no_question_is_answered_so(kernels: Kernels, line: bytes) -> None:
    assert answer(line, kernels)["ok"] is False


def test_too_many_kernels(kernels: Kernels) -> None:
    for number in range(MOST_KERNELS + 1):
        prepare(kernels, f"{ID[:-2]}{number:02x}")
    for number in range(MOST_KERNELS):
        kernels.start(f"{ID[:-2]}{number:02x}", {})
    with pytest.raises(AgentError, match="too_many"):
        kernels.start(f"{ID[:-2]}{MOST_KERNELS:02x}", {})


def test_the_socket_is_private_and_long_lines_end_the_connection(kernels: Kernels) -> None:
    socket = kernels.runtime / "agent.sock"

    async def scenario() -> tuple[bytes, bytes, int]:
        task = asyncio.create_task(serve(socket, kernels))
        while not socket.exists():  # noqa: ASYNC110 - a file has no event
            await asyncio.sleep(0.01)
        mode = socket.stat().st_mode & 0o777
        reader, writer = await asyncio.open_unix_connection(str(socket))
        writer.write(b'{"id": 5, "op": "list"}\n')
        first = await reader.readline()
        writer.write(b"x" * (LONGEST_MESSAGE_BYTES + 10) + b"\n")
        rest = await reader.read()
        writer.close()
        os.kill(os.getpid(), 15)
        await task
        return first, rest, mode

    before = os.umask(0o022)
    try:
        first, rest, mode = asyncio.run(scenario())
    finally:
        os.umask(before)
    assert json.loads(first) == {"id": 5, "ok": True, "kernels": []}
    assert rest == b""
    assert mode & 0o077 == 0
