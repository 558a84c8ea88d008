"""Where everything is on one machine: the one list of ports and of folders that processes share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType

PORTS: Mapping[str, int] = MappingProxyType(
    {"hub_public": 0, "desk": 1, "review": 2, "hub": 4, "proxy_api": 5}
)
"""How many ports after the first each site listens; `hub_public` is the proxy, as browsers see the hub."""


class Places:
    """What follows from a state folder and a first port; a base of whatever value holds those two.

    Attributes:
        state: the state folder, 0700.
        base_port: the proxy's port; the others follow it, as in `PORTS`.
    """

    __slots__ = ()

    state: Path
    base_port: int

    @property
    def secrets(self) -> Path:
        """Folder of tokens and keys, 0700."""
        return self.state / "secrets"

    @property
    def logs(self) -> Path:
        """Folder of `<process>.log`."""
        return self.state / "logs"

    @property
    def data(self) -> Path:
        """Folder of data sets: `<name>/<version>`."""
        return self.state / "data"

    @property
    def projects(self) -> Path:
        """Folder of the projects' folders."""
        return self.state / "projects"

    @property
    def run(self) -> Path:
        """Folder of what lives as long as the processes: sockets, locks, running sessions."""
        return self.state / "run"

    @property
    def ready_file(self) -> Path:
        """The note of an `onggi up` that is ready; see `hub.ready`."""
        return self.run / "ready"

    @property
    def broker_socket(self) -> Path:
        """The broker's socket."""
        return self.run / "broker.sock"

    def port(self, site: str) -> int:
        """The port of a site of `PORTS`."""
        return self.base_port + PORTS[site]

    def origin(self, site: str) -> str:
        """The origin of a site of `PORTS`, as browsers and other services reach it."""
        return f"http://127.0.0.1:{self.port(site)}"

    @property
    def hub_api(self) -> str:
        """Base of the hub's REST API, past the proxy."""
        return f"{self.origin('hub')}/hub/api"
