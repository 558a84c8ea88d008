"""A running Onggi of the tour's own: a fresh state folder, free ports, ended at the end."""

from __future__ import annotations

import contextlib
import json
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import httpx2 as httpx

from hub.composition import Installation
from hub.ready import read_ready

START_TIMEOUT_S = 90.0
_LOWEST_BASE, _HIGHEST_BASE, _BASE_STEP = 10_000, 32_000, 10


class DidNotStart(Exception):
    """`onggi up` ended instead of becoming ready; the text is what it printed."""


class Running:
    """A started `onggi up`."""

    def __init__(self, installation: Installation, process: subprocess.Popen[bytes], output: Path) -> None:
        self.installation = installation
        self.process = process
        self.output = output

    def see_state_at(self, path: Path) -> None:
        """Where this process reaches the state folder, if it is elsewhere for us."""
        self.installation = replace(self.installation, state=path)

    def origin(self, name: str) -> str:
        """The origin of `hub_public`, `desk` or `review`."""
        return self.installation.origin(name)

    def password(self, person: str) -> str:
        """A demo person's password."""
        path = self.installation.secrets / "demo-passwords.json"
        return str(json.loads(path.read_text("utf-8"))[person])

    def wait_until_ready(self, timeout_s: float = START_TIMEOUT_S) -> None:
        """Wait until `onggi up` says that it is ready, the desk answers and the hub leads to sign-in.

        Raises:
            DidNotStart: with what was printed.
        """
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            if self.process.poll() is not None:
                break
            if self._says_ready() and self._answers():
                return
            time.sleep(0.1)
        raise DidNotStart(self.output.read_text("utf-8", "replace"))

    def stop(self) -> int:
        """SIGTERM, and wait; the exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=60)

    def _says_ready(self) -> bool:
        ready = read_ready(self.installation.ready_file)
        return ready is not None and ready.pid == self.process.pid

    def _answers(self) -> bool:
        try:
            pages = (f"{self.origin('desk')}/healthz", f"{self.origin('hub_public')}/hub/login")
            return all(httpx.get(page, timeout=2, trust_env=False).is_success for page in pages)
        except httpx.HTTPError:
            return False


def start(state: Path, base_port: int, wrapper: Sequence[str] = ()) -> Running:
    """Start `onggi up` on `state`; does not wait.

    Args:
        wrapper: a command that becomes the one that follows it.
    """
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    installation = Installation.at(state, base_port)
    output = installation.logs / "up.log"
    with output.open("ab") as log:
        process = subprocess.Popen(
            [
                *wrapper,
                sys.executable,
                "-m",
                "hub.cli",
                "up",
                "--state",
                str(state),
                "--base-port",
                str(base_port),
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    return Running(installation, process, output)


@contextlib.contextmanager
def fresh() -> Iterator[Running]:
    """A ready installation in a fresh folder, which is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="onggi-") as folder:
        running = start(Path(folder) / "state", free_base_port())
        try:
            running.wait_until_ready()
            yield running
        finally:
            running.stop()


def free_base_port() -> int:
    """A base port such that it and the five that follow are free on loopback.

    It lies below the ports that the kernel gives to outgoing connections: one of those could take a port
    between this look and the start.
    """
    while True:
        base = _LOWEST_BASE + secrets.randbelow((_HIGHEST_BASE - _LOWEST_BASE) // _BASE_STEP) * _BASE_STEP
        if all(_is_free(base + offset) for offset in range(6)):
            return base


def _is_free(port: int) -> bool:
    with socket.socket() as one:
        try:
            one.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
