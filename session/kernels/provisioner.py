"""A kernel provisioner that can do one thing: ask the agent of this session's compute.

The command of a kernel specification is not used: what is started is the agent's affair, in the compute. The
server only hands over an id, in whose folder lie the addresses and the key.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.provisioning.provisioner_base import KernelProvisionerBase

from onggi.errors import Unavailable
from session.kernels.agent_client import AgentClient, wait_for_agent
from session.kernels.folder import write_connection

_AGENT_SECONDS = 20.0  # it starts beside this server
_POLL_SECONDS = 0.1
_UNREACHABLE_IS_DEAD = 3


class OnggiProvisioner(KernelProvisionerBase):
    """Starts, polls and kills one kernel through the agent.

    Attributes:
        agent: the client shared by all kernels of the session.
        kernels_dir: the shared folder as the server sees it.
        compute_kernels_dir: the same as the compute sees it.
    """

    agent: AgentClient
    kernels_dir: Path
    compute_kernels_dir: Path
    _running = False
    _unreachable = 0

    @property
    def has_process(self) -> bool:
        """Whether a kernel was started and not yet seen to end."""
        return self._running

    async def pre_launch(self, **kwargs: Any) -> dict[str, Any]:  # noqa: ARG002 - Jupyter's signature
        """Choose addresses and key, and lay them into the kernel's folder."""
        manager: Any = self.parent
        folder = self.kernels_dir / "kernels" / self.kernel_id
        manager.transport = "ipc"
        manager.ip = str(folder / "ipc")
        for port, name in enumerate(("shell", "iopub", "stdin", "hb", "control"), start=1):
            setattr(manager, f"{name}_port", port)
        self.connection_info = manager.get_connection_info()
        seen_inside = dict(self.connection_info)
        seen_inside["key"] = manager.session.key.decode()
        seen_inside["ip"] = str(self.compute_kernels_dir / "kernels" / self.kernel_id / "ipc")
        seen_inside["kernel_name"] = "python3"
        write_connection(self.kernels_dir, self.kernel_id, seen_inside)
        return {"cmd": [], "env": {}}

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:  # noqa: ARG002 - Jupyter's signature
        """Ask the agent to start the kernel.

        Raises:
            Unavailable: AGENT_UNREACHABLE, AGENT_ANSWER_REFUSED.
        """
        await wait_for_agent(self.agent, _AGENT_SECONDS)
        await self.agent.start(self.kernel_id)
        self._running = True
        self._unreachable = 0
        return self.connection_info

    async def poll(self) -> int | None:
        """None while the kernel runs; an agent that stays silent three times has no kernels."""
        if not self._running:
            return 0
        try:
            status = await self.agent.poll(self.kernel_id)
        except Unavailable:
            self._unreachable += 1
            return None if self._unreachable < _UNREACHABLE_IS_DEAD else 1
        self._unreachable = 0
        return status

    async def wait(self) -> int | None:
        """Wait until the kernel has ended; callers set the time limit."""
        while (status := await self.poll()) is None:  # noqa: ASYNC110 - polling is what there is
            await asyncio.sleep(_POLL_SECONDS)
        self._running = False
        return status

    async def send_signal(self, signum: int) -> None:
        """Pass a signal on; interrupts go as messages instead."""
        if self._running:
            await self.agent.signal(self.kernel_id, signum)

    async def kill(self, restart: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002 - Jupyter's signature
        """Kill the kernel."""
        if self._running:
            await self.agent.kill(self.kernel_id)

    async def terminate(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - Jupyter's signature
        """Kill the kernel: after a shutdown request was ignored there is nothing gentler."""
        await self.kill(restart=restart)

    async def cleanup(self, restart: bool = False) -> None:  # noqa: FBT001, FBT002 - Jupyter's signature
        """Nothing: the folder belongs to the compute, which ends with the session."""

    def resolve_path(self, path: str) -> str | None:  # noqa: ARG002 - Jupyter's signature
        """Paths in the compute are not resolved for anybody."""
        return None
