"""The agent's socket: one JSON object a line, each answered by one with the same `id`.

    {"id": 1, "op": "start",  "kernel_id": "…", "env": {}}   → {"id": 1, "ok": true, "pid": 12}
    {"id": 2, "op": "poll",   "kernel_id": "…"}              → {"id": 2, "ok": true, "exit": null}
    {"id": 3, "op": "signal", "kernel_id": "…", "signum": 2} → {"id": 3, "ok": true}
    {"id": 4, "op": "kill",   "kernel_id": "…"}              → {"id": 4, "ok": true}
    {"id": 5, "op": "list"}                                  → {"id": 5, "ok": true, "kernels": […]}

A request that cannot be done is answered `{"id": …, "ok": false, "error": "<code>"}`.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from onggi.agent.kernels import AgentError, Kernels

LONGEST_MESSAGE_BYTES = 64 * 1024


async def serve(socket: Path, kernels: Kernels) -> None:
    """Answer on `socket` until a SIGTERM; then end every kernel."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, ended.set)
    loop.add_signal_handler(signal.SIGCHLD, kernels.reap)

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _talk(reader, writer, kernels)

    socket.unlink(missing_ok=True)
    os.umask(0o077)
    server = await asyncio.start_unix_server(talk, path=socket, limit=LONGEST_MESSAGE_BYTES)
    try:
        await ended.wait()
    finally:
        server.close()
        kernels.kill_all()


def answer(line: bytes, kernels: Kernels) -> dict[str, Any]:
    """Do what one line asks."""
    try:
        request = json.loads(line)
    except ValueError:
        return {"id": None, "ok": False, "error": "not_json"}
    if not isinstance(request, dict):
        return {"id": None, "ok": False, "error": "not_an_object"}
    number = request.get("id")
    try:
        return {"id": number, "ok": True, **_do(request, kernels)}
    except AgentError as error:
        return {"id": number, "ok": False, "error": error.code}


def _do(request: Mapping[str, Any], kernels: Kernels) -> Mapping[str, Any]:
    operation = request.get("op")
    if operation == "list":
        return {"kernels": kernels.known()}
    kernel_id = request.get("kernel_id")
    if not isinstance(kernel_id, str):
        raise AgentError("bad_kernel_id")
    match operation:
        case "start":
            return {"pid": kernels.start(kernel_id, _variables(request.get("env", {})))}
        case "poll":
            return {"exit": kernels.exit_status(kernel_id)}
        case "signal":
            kernels.signal(kernel_id, _signum(request.get("signum")))
        case "kill":
            kernels.kill(kernel_id)
        case _:
            raise AgentError("unknown_operation")
    return {}


def _variables(value: object) -> dict[str, str]:
    if not isinstance(value, dict):
        raise AgentError("bad_env")
    return {str(name): str(content) for name, content in value.items()}


def _signum(value: object) -> int:
    if not isinstance(value, int):
        raise AgentError("no_such_signal")
    return value


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, kernels: Kernels) -> None:
    with contextlib.suppress(ValueError, OSError):  # a line that is too long, a peer that has gone
        while line := await reader.readline():
            writer.write(json.dumps(answer(line, kernels)).encode() + b"\n")
            await writer.drain()
    writer.close()
