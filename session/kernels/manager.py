"""Jupyter's kernel managers, narrowed: one kind of kernel, bounded sockets and buffers, no paths of files.

Guarantees: no kernel starts but through `OnggiProvisioner`; connection files that the server itself reads lie
in its private folder; kernels are spoken to through `KernelSocket` alone; what is kept for a browser that is
away is bounded; states that a kernel reports are taken from a fixed list.
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Any

from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.kernelmanager import AsyncMappingKernelManager, ServerKernelManager
from tornado.web import HTTPError

from egress_review.display.values import one_of
from onggi.errors import OnggiError
from onggi.reasons import Reason
from onggi.words import explain
from session.context import SessionContext
from session.kernels.activity import STATES, Activity
from session.kernels.pace import paced
from session.kernels.provisioner import OnggiProvisioner
from session.kernels.sockets import MAX_MESSAGE_BYTES, KernelSocket

MAX_KERNELS = 8
_SOCKETS = {"iopub": "SUB", "shell": "DEALER", "stdin": "DEALER", "control": "DEALER"}
_STATE_BYTES = 64 * 1024
_BUFFERED_BYTES = 4 * 1024 * 1024
_log = logging.getLogger("onggi.session.kernels")


class OnggiKernelManager(ServerKernelManager):
    """One kernel in the compute."""

    async def _async_pre_start_kernel(self, **kwargs: Any) -> tuple[list[str], dict[str, Any]]:
        self.kernel_id = self.kernel_id or kwargs["kernel_id"]
        context = _context(self.parent)
        if self.provisioner is None:
            provisioner = OnggiProvisioner(
                kernel_id=self.kernel_id, kernel_spec=self.kernel_spec, parent=self
            )
            provisioner.agent = context.agent
            provisioner.kernels_dir = context.settings.kernels_dir
            provisioner.compute_kernels_dir = context.settings.compute_run_dir / "k"
            self.provisioner = provisioner
        context.gates.kernel(self.kernel_id).restarted()
        started: tuple[list[str], dict[str, Any]] = await super()._async_pre_start_kernel(**kwargs)
        return started

    def _create_connected_socket(
        self, channel: str, identity: bytes | None = None, most_bytes: int = MAX_MESSAGE_BYTES
    ) -> Any:
        root = _context(self.parent).settings.kernels_dir
        address = Path(self._make_url(channel).removeprefix("ipc://")).relative_to(root)
        return KernelSocket(
            root,
            str(address),
            _SOCKETS[channel],
            identity=identity or b"",
            most_bytes=most_bytes,
            signing=self.session.auth.copy,
        )

    def connect_iopub(self, identity: bytes | None = None) -> Any:
        """A socket that hears all that the kernel says."""
        return self._create_connected_socket("iopub", identity)

    def connect_states(self) -> Any:
        """The same for who only wants to know the kernel's state: long messages are not kept."""
        return self._create_connected_socket("iopub", None, _STATE_BYTES)

    def connect_shell(self, identity: bytes | None = None) -> Any:
        """A socket for requests and replies."""
        return self._create_connected_socket("shell", identity)

    def connect_stdin(self, identity: bytes | None = None) -> Any:
        """A socket for what a cell asks the person."""
        return self._create_connected_socket("stdin", identity)

    def connect_control(self, identity: bytes | None = None) -> Any:
        """A socket for requests that overtake others."""
        return self._create_connected_socket("control", identity)

    def cleanup_ipc_files(self) -> None:
        """Nothing: the server removes nothing in a folder that the compute can turn into a link."""


class OnggiKernels(AsyncMappingKernelManager):
    """The kernels of the session."""

    async def _async_start_kernel(
        self,
        *,
        kernel_id: str | None = None,
        path: Any = None,  # noqa: ARG002 - Jupyter's signature
        **kwargs: Any,
    ) -> str:
        if kernel_id is not None and kernel_id not in self:
            raise HTTPError(400, reason=Reason.FIELD_INVALID.value)
        if kernel_id is None and len(self.list_kernel_ids()) >= MAX_KERNELS:
            raise HTTPError(429, reason=Reason.TOO_MANY_KERNELS.value)
        kwargs.pop("env", None)
        try:
            started: str = await super()._async_start_kernel(kernel_id=kernel_id, **kwargs)
        except OnggiError as error:
            language = _context(self).settings.plan.language
            raise HTTPError(
                503, explain(language, error.reason, error.params), reason=error.reason.value
            ) from None
        return started

    start_kernel = _async_start_kernel  # type: ignore[assignment]  # as in the base class

    async def _async_shutdown_kernel(
        self,
        kernel_id: str,
        now: bool | None = False,  # noqa: FBT001, FBT002 - Jupyter's signature
        restart: bool | None = False,  # noqa: FBT001, FBT002 - Jupyter's signature
    ) -> None:
        await super()._async_shutdown_kernel(kernel_id, now, restart)  # type: ignore[no-untyped-call]  # Jupyter's, not annotated
        if not restart:
            _context(self).gates.forget(kernel_id)

    shutdown_kernel = _async_shutdown_kernel  # type: ignore[assignment]  # as in the base class

    def cwd_for_path(self, path: str, **kwargs: Any) -> str:  # noqa: ARG002 - Jupyter's signature
        """Not looked up: kernels start in the project folder, in the compute."""
        return str(self.root_dir)

    def kernel_model(self, kernel_id: str) -> dict[str, Any]:
        """What the API says of a kernel, with a state from the fixed list."""
        model: dict[str, Any] = super().kernel_model(kernel_id)  # type: ignore[no-untyped-call]  # Jupyter's, not annotated
        if not one_of(model.get("execution_state"), STATES):
            model["execution_state"] = "unknown"
        model.pop("reason", None)
        return model

    def start_watching_activity(self, kernel_id: str) -> None:
        """Note what a kernel does, as the base class does, without reading all that it says."""
        kernel: Any = self._kernels[kernel_id]
        kernel.reason = ""
        kernel.last_activity = utcnow()
        stream = kernel._activity_stream = kernel.connect_states()  # noqa: SLF001 - Jupyter closes it so
        stream.on_recv(paced(stream, Activity(self, kernel).heard))

    def start_buffering(self, kernel_id: str, session_key: str, channels: dict[str, Any]) -> None:
        """Keep messages for a browser that went away, up to a few megabytes."""
        self._check_kernel_id(kernel_id)  # type: ignore[no-untyped-call]  # Jupyter's, not annotated
        self.stop_buffering(kernel_id)  # type: ignore[no-untyped-call]  # Jupyter's, not annotated
        info = self._kernel_buffers[kernel_id]
        info.update(session_key=session_key, buffer=[], channels=channels, bytes=0)
        for channel, stream in channels.items():
            stream.on_recv(paced(stream, partial(_buffer, info, channel)))


def _buffer(info: dict[str, Any], channel: str, parts: list[bytes]) -> None:
    size = sum(map(len, parts))
    if info["bytes"] + size <= _BUFFERED_BYTES:
        info["bytes"] += size
        info["buffer"].append((channel, parts))


def _context(kernels: Any) -> SessionContext:
    """What the manager of all kernels belongs to."""
    context: SessionContext = kernels.parent.onggi
    return context
