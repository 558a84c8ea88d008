"""The spawner room's settings; the only place of the room that reads the environment."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class SpawnerSettings(BaseSettings):
    """Read from `ONGGI_…` variables.

    Attributes:
        state: the state folder.
        platform_env: the trusted environment, shown read-only to session servers.
        compute_env: the researchers' environment, shown read-only to compute.
        source: the folder that holds our packages.
        base_port: the proxy's port; the services' ports follow it.
        unsafe_no_sandbox: start compute and session servers without boxes, with a warning each time.
    """

    model_config = SettingsConfigDict(env_prefix="ONGGI_", frozen=True, extra="ignore")

    state: Path = Field(default_factory=lambda: Path.home() / ".local" / "share" / "onggi" / "demo")
    platform_env: Path = Path(sys.prefix)
    compute_env: Path = Field(
        default_factory=lambda: Path.home() / ".local" / "share" / "onggi" / "env" / "compute"
    )
    source: Path = Path(__file__).resolve().parent.parent
    base_port: int = Field(default=8000, ge=1024, le=65530)
    unsafe_no_sandbox: bool = False

    @property
    def socket(self) -> Path:
        """The broker's socket."""
        return self.state / "run" / "broker.sock"

    @property
    def sessions(self) -> Path:
        """Where the folders of running sessions are."""
        return self.state / "run" / "s"

    @property
    def secrets(self) -> Path:
        """Folder of service tokens."""
        return self.state / "secrets"

    @property
    def logs(self) -> Path:
        """Folder of log files."""
        return self.state / "logs"

    def origin(self, offset: int) -> str:
        """The loopback origin `offset` ports after the proxy's."""
        return f"http://127.0.0.1:{self.base_port + offset}"
