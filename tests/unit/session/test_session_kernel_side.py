"""Agent, kernel folders and wire forms, each against a side that lies."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from onggi.errors import Invalid, Unavailable
from onggi.reasons import Reason
from session.kernels import wire
from session.kernels.agent_client import AgentClient
from session.kernels.folder import write_connection

KERNEL = "0b0e8a3e-5f0e-4c5a-9d3b-1d2e3f405060"


async def against(
    tmp_path: Path, answer: Callable[[bytes], bytes], ask: Callable[[AgentClient], Awaitable[Any]]
) -> Any:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            while line := await reader.readline():
                writer.write(answer(line))
                await writer.drain()
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
        gone.set()

    gone = asyncio.Event()
    path = tmp_path / "agent.sock"
    server = await asyncio.start_unix_server(talk, path)
    client = AgentClient(path)
    try:
        return await ask(client)
    finally:
        await client.close()
        await gone.wait()
        server.close()
        await server.wait_closed()


def answering(**values: Any) -> Callable[[bytes], bytes]:
    return lambda line: json.dumps({"id": json.loads(line)["id"], "ok": True} | values).encode() + b"\n"


def test_the_agent_is_asked_and_answers(tmp_path: Path) -> None:
    assert asyncio.run(against(tmp_path, answering(pid=7), lambda client: client.start(KERNEL))) == 7
    (tmp_path / "agent.sock").unlink(missing_ok=True)
    assert asyncio.run(against(tmp_path, answering(exit=None), lambda client: client.poll(KERNEL))) is None


@pytest.mark.parametrize("status", ["x", 10**30, -1000, 1.5, True, {}, [1]])
def test_an_exit_status_out_of_range_is_one(tmp_path: Path, status: Any) -> None:
    assert asyncio.run(against(tmp_path, answering(exit=status), lambda client: client.poll(KERNEL))) == 1


@pytest.mark.parametrize(
    "answer",
    [
        b"not json\n",
        b"[]\n",
        b'{"id": 999, "ok": true}\n',
        b'{"id": 1, "ok": "yes"}\n',
        b'{"id": 1, "ok": false}\n',
        b"x" * 200_000 + b"\n",
        b"[" * 60_000 + b"\n",
        b"\xff\xfe\n",
    ],
)
def test_an_answer_that_is_none_is_refused(tmp_path: Path, answer: bytes) -> None:
    with pytest.raises(Unavailable) as refused:
        asyncio.run(against(tmp_path, lambda _: answer, lambda client: client.poll(KERNEL)))
    assert refused.value.reason in {Reason.AGENT_ANSWER_REFUSED, Reason.AGENT_UNREACHABLE}


def test_no_agent_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refused:
        asyncio.run(AgentClient(tmp_path / "none.sock").poll(KERNEL))
    assert refused.value.reason is Reason.AGENT_UNREACHABLE


def test_a_connection_file_is_written_and_replaced(tmp_path: Path) -> None:
    write_connection(tmp_path, KERNEL, {"key": "a"})
    write_connection(tmp_path, KERNEL, {"key": "b"})
    folder = tmp_path / "kernels" / KERNEL
    assert [entry.name for entry in folder.iterdir()] == ["connection.json"]
    assert json.loads((folder / "connection.json").read_text()) == {"key": "b"}
    assert (folder / "connection.json").stat().st_mode & 0o777 == 0o600


def test_links_in_the_shared_folder_lead_nowhere(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    for root, link in ((tmp_path / "a", "kernels"), (tmp_path / "b", f"kernels/{KERNEL}")):
        (root / link).parent.mkdir(parents=True)
        (root / link).symlink_to(outside)
        with pytest.raises(Unavailable):
            write_connection(root, KERNEL, {"key": "secret"})
    file = tmp_path / "c" / "kernels" / KERNEL / "connection.json"
    file.parent.mkdir(parents=True)
    file.symlink_to(outside / "taken")
    write_connection(tmp_path / "c", KERNEL, {"key": "mine"})
    assert not list(outside.iterdir())
    assert not file.is_symlink()


@pytest.mark.parametrize("kernel_id", ["../x", "", "A" * 36, KERNEL + "/..", KERNEL.upper()])
def test_a_kernel_id_is_a_uuid(tmp_path: Path, kernel_id: str) -> None:
    with pytest.raises(Invalid):
        write_connection(tmp_path, kernel_id, {})


def frame(content: Any, v1: bool) -> Any:
    write = wire.write_v1 if v1 else wire.write_default
    return write("shell", wire.pack({"msg_id": "a"}), b"{}", b"{}", wire.pack(content))


@pytest.mark.parametrize("v1", [True, False])
def test_what_is_written_is_read(v1: bool) -> None:
    read = wire.read_v1 if v1 else wire.read_default
    message = read(frame({"code": "한글 \ud800"}, v1))
    assert (message.channel, message.header, message.content) == (
        "shell",
        {"msg_id": "a"},
        {"code": "한글 ?"},
    )


@given(raw=st.binary(max_size=200))
def test_any_binary_frame_is_read_or_refused(raw: bytes) -> None:
    for read in (wire.read_v1, wire.read_default):
        try:
            read(raw)
        except (ValueError, UnicodeDecodeError):
            continue


@given(raw=st.text(max_size=200), numbers=st.lists(st.integers(0, 2**64 - 1), min_size=6, max_size=8))
def test_any_offsets_are_read_or_refused(raw: str, numbers: list[int]) -> None:
    packed = b"".join(number.to_bytes(8, "little") for number in (len(numbers), *numbers)) + raw.encode(
        "utf-8", "replace"
    )
    for read, given_frame in ((wire.read_v1, packed), (wire.read_default, raw)):
        try:
            read(given_frame)
        except (ValueError, UnicodeDecodeError):
            continue
