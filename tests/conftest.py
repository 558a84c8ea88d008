"""What every test gets: hypothesis's profile, and in unit tests no socket but to this machine."""

from __future__ import annotations

import os
import signal
import socket
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parents[1]

# The same examples in each run of CI; a developer's machine keeps looking for new ones.
settings.register_profile("ci", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("developer", deadline=None)
settings.load_profile("ci" if os.environ.get("CI") else "developer")

# A shell that runs this in the background lets SIGINT be ignored, by us and by all that tests start.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

_LOOPBACK = ("127.", "::1", "localhost")
_OWN_SOCKETS = ("unit", "contract", "architecture")


@pytest.fixture(autouse=True)
def only_this_machine(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the quick suites a connection to another machine is a failure, not a wait."""
    if request.path.relative_to(ROOT / "tests").parts[0] not in _OWN_SOCKETS:
        return
    connect = socket.socket.connect

    def refusing(self: socket.socket, address: Any) -> None:
        host = address[0] if isinstance(address, tuple) else ""
        if self.family in {socket.AF_INET, socket.AF_INET6} and not str(host).startswith(_LOOPBACK):
            raise OSError(f"a quick test connects to {host!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", refusing)
