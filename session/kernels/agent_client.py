"""Asking the agent in the compute to start and stop kernels.

Guarantees: an answer is one line of at most 64 KiB, in time, with our id and only values that were checked;
what else the agent sends ends the connection. The agent runs in the compute and is as hostile as it: it can
lie about its kernels, never about anything of ours.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from pathlib import Path
from typing import Any

from onggi.errors import Unavailable
from onggi.reasons import Reason

_MAX_ANSWER_BYTES = 64 * 1024
_ANSWER_SECONDS = 5.0
_START_SECONDS = 30.0
_EXIT_STATUSES = range(-64, 256)


class AgentClient:
    """One connection to the agent's socket, opened when needed, one question at a time."""

    def __init__(self, socket_path: Path) -> None:
        self._path = socket_path
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
        self._next_id = 1
        self._lock: asyncio.Lock = asyncio.Lock()

    async def start(self, kernel_id: str) -> int:
        """Start a kernel whose connection file is in its folder; its process id in the compute.

        Raises:
            Unavailable: AGENT_UNREACHABLE, AGENT_ANSWER_REFUSED.
        """
        answer = await self._ask("start", _START_SECONDS, kernel_id=kernel_id, env={})
        pid = answer.get("pid")
        return pid if isinstance(pid, int) and not isinstance(pid, bool) and 0 < pid < 2**31 else 0

    async def poll(self, kernel_id: str) -> int | None:
        """None while the kernel runs, else its exit status (0 to 255, or minus a signal).

        Raises:
            Unavailable: as `start`.
        """
        status = (await self._ask("poll", _ANSWER_SECONDS, kernel_id=kernel_id)).get("exit")
        if status is None:
            return None
        return status if isinstance(status, int) and status in _EXIT_STATUSES else 1

    async def signal(self, kernel_id: str, signum: int) -> None:
        """Send a signal to a kernel's process group.

        Raises:
            Unavailable: as `start`.
        """
        await self._ask("signal", _ANSWER_SECONDS, kernel_id=kernel_id, signum=signum)

    async def kill(self, kernel_id: str) -> None:
        """Kill a kernel.

        Raises:
            Unavailable: as `start`.
        """
        await self._ask("kill", _ANSWER_SECONDS, kernel_id=kernel_id)

    async def close(self) -> None:
        """Close the connection."""
        if self._streams is not None:
            writer = self._streams[1]
            self._streams = None
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def _ask(self, operation: str, seconds: float, **arguments: Any) -> dict[str, Any]:
        async with self._lock:
            try:
                async with asyncio.timeout(seconds):
                    answer = await self._exchange({"id": self._next_id, "op": operation, **arguments})
            except (OSError, TimeoutError, EOFError):
                await self.close()
                raise Unavailable(Reason.AGENT_UNREACHABLE) from None
            except (ValueError, RecursionError):
                await self.close()
                raise Unavailable(Reason.AGENT_ANSWER_REFUSED) from None
        if answer.get("ok") is not True:
            raise Unavailable(Reason.AGENT_ANSWER_REFUSED)
        return answer

    async def _exchange(self, question: dict[str, Any]) -> dict[str, Any]:
        self._next_id += 1
        reader, writer = await self._connected()
        writer.write(json.dumps(question).encode() + b"\n")
        await writer.drain()
        line = await reader.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer = json.loads(line)
        if not isinstance(answer, dict) or answer.get("id") != question["id"]:
            raise ValueError("answer")
        return answer

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._streams is not None and (self._streams[0].at_eof() or self._streams[1].is_closing()):
            await self.close()
        if self._streams is None:
            self._streams = await asyncio.open_unix_connection(str(self._path), limit=_MAX_ANSWER_BYTES)
        return self._streams


async def wait_for_agent(client: AgentClient, seconds: float) -> bool:
    """Whether the agent answers within `seconds`; it starts at the same time as the session server."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        with contextlib.suppress(Unavailable):
            await client.poll("00000000-0000-0000-0000-000000000000")
            return True
        if asyncio.get_running_loop().time() > deadline:
            return False
        await asyncio.sleep(0.1)
