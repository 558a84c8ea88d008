"""Where everything is on one machine: folders, ports, origins, and the processes made of them."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path

from hub.supervise import Service
from web.places import PORTS, Places
from web.settings import default_home
from web.tokens import SERVICES, token_of

_PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "TZ", "TMPDIR")


@dataclass(frozen=True, slots=True)
class Installation(Places):
    """An embedded installation.

    Attributes:
        state: the state folder, 0700.
        base_port: the proxy's port; the others follow it.
        home: folder that holds `env/platform`, `env/compute` and `env/node`.
        source: folder that holds Onggi's packages.
    """

    state: Path
    base_port: int
    unsafe_no_sandbox: bool
    home: Path
    source: Path

    @classmethod
    def at(cls, state: Path, base_port: int, *, unsafe_no_sandbox: bool = False) -> Installation:
        """The installation whose state is in `state`; makes its folders and service tokens."""
        source = Path(__file__).resolve().parent.parent
        made = cls(state.resolve(), base_port, unsafe_no_sandbox, default_home(), source)
        for folder in ("secrets", "hub", "review", "data", "projects", "run", "logs"):
            (made.state / folder).mkdir(mode=0o700, parents=True, exist_ok=True)
        made.state.chmod(0o700)
        for service in SERVICES:
            token_of(made.secrets, service)
        return made

    @property
    def compute_python(self) -> Path:
        """The Python of the compute environment."""
        return self.home / "env" / "compute" / "bin" / "python"

    def ports(self) -> tuple[int, ...]:
        """All ports that must be free."""
        return tuple(self.port(site) for site in PORTS)

    def environ(self) -> dict[str, str]:
        """The whole environment of every process: nothing of the caller's leaks in."""
        passed = {name: os.environ[name] for name in _PASSED_ON if name in os.environ}
        return passed | {
            "ONGGI_STATE": str(self.state),
            "ONGGI_BASE_PORT": str(self.base_port),
            "ONGGI_PLATFORM_ENV": sys.prefix,
            "ONGGI_COMPUTE_ENV": str(self.home / "env" / "compute"),
            "ONGGI_SOURCE": str(self.source),
            "ONGGI_UNSAFE_NO_SANDBOX": "1" if self.unsafe_no_sandbox else "0",
            "PYTHONUNBUFFERED": "1",
        }


def services(installation: Installation) -> dict[str, Service]:
    """The processes of one machine by name."""
    environ = installation.environ()
    python = [sys.executable, "-m"]
    proxy_token = token_of(installation.secrets, "proxy")
    return {
        "review": Service(
            "review", [*python, "egress_review"], environ, installation.origin("review") + "/healthz"
        ),
        "desk": Service("desk", [*python, "hub.desk"], environ, installation.origin("desk") + "/healthz"),
        "broker": Service(
            "broker",
            [*python, "spawner.broker"],
            environ,
            "http://broker/healthz",
            installation.broker_socket,
        ),
        "proxy": Service(
            "proxy",
            _proxy_argv(installation),
            environ | {"CONFIGPROXY_AUTH_TOKEN": proxy_token},
            f"{installation.origin('proxy_api')}/api/routes",
        ),
        "hub": Service(
            "hub",
            [*python, "jupyterhub", "-f", str(installation.source / "hub" / "jupyterhub_config.py")],
            environ,
            installation.origin("hub") + "/hub/api/",
        ),
    }


def _proxy_argv(installation: Installation) -> list[str]:
    proxy = installation.home / "env" / "node" / "node_modules" / ".bin" / "configurable-http-proxy"
    return [
        str(proxy),
        "--ip=127.0.0.1",
        f"--port={installation.port('hub_public')}",
        "--api-ip=127.0.0.1",
        f"--api-port={installation.port('proxy_api')}",
        f"--default-target={installation.origin('hub')}",
        "--log-level=warn",
    ]
