"""What must be true before anything starts; each failure says what to do."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import socket
from collections.abc import Iterator
from pathlib import Path

from hub.composition import Installation
from onggi.errors import Conflict, Refused, Unavailable
from onggi.reasons import Reason
from onggi.sandbox import probe
from onggi.sandbox.findings import WEAKER

NEEDED_BYTES = 512 * 1024**2


@contextlib.contextmanager
def only_one(installation: Installation) -> Iterator[None]:
    """Hold the state folder for one `onggi up` at a time.

    Raises:
        Conflict: `ALREADY_RUNNING` if another holds it.
    """
    with (installation.state / "run" / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Conflict(Reason.ALREADY_RUNNING, path=installation.state) from None
        yield


def check_user(state: Path) -> None:
    """Refuse root, and a state folder of somebody else, before anything is made in it.

    Raises:
        Unavailable: `ROOT_REFUSED`.
        Refused: `STATE_OF_OTHER_USER`.
    """
    if os.geteuid() == 0:
        raise Unavailable(Reason.ROOT_REFUSED)
    if state.exists() and state.stat().st_uid != os.geteuid():
        raise Refused(Reason.STATE_OF_OTHER_USER, path=state)


def check(installation: Installation) -> None:
    """Check disk, ports and sandbox.

    Raises:
        Unavailable: naming what is missing and what to do.
    """
    if shutil.disk_usage(installation.state).free < NEEDED_BYTES:
        raise Unavailable(Reason.DISK_FULL, path=installation.state)
    for port in installation.ports():
        _check_port(port)
    if not installation.unsafe_no_sandbox:
        _check_sandbox()


def _check_port(port: int) -> None:
    with socket.socket() as probe_socket:
        probe_socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe_socket.bind(("127.0.0.1", port))
        except OSError:
            raise Unavailable(Reason.PORT_IN_USE, port=port) from None


def _check_sandbox() -> None:
    found = probe()
    if not found.working:
        wrong = [one.value for one in found.findings if one not in WEAKER]
        raise Unavailable(Reason.SANDBOX_UNAVAILABLE, finding=", ".join(wrong))
