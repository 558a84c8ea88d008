"""The hub room's settings; the only place of the room that reads the environment."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from onggi.plan import ComputeLimits

_GIB = 1024**3


def _home() -> Path:
    return Path(os.environ.get("ONGGI_HOME", Path.home() / ".local" / "share" / "onggi")).resolve()


class HubSettings(BaseSettings):
    """Read from `ONGGI_…` variables; secrets are files below `state`, never variables.

    Attributes:
        state: the state folder.
        base_port: the proxy's port; the others follow it.
        registry_url: SQLAlchemy URL of the registry; a SQLite file in `state` if empty.
        unsafe_no_sandbox: compute runs without a sandbox, and every page says so.
        session_cpus: cores of one session's compute.
        session_memory_bytes: memory of one session's compute.
        reconcile_seconds: how often running sessions are compared with the registry.
    """

    model_config = SettingsConfigDict(env_prefix="ONGGI_", frozen=True, extra="ignore")

    state: Path = Field(default_factory=lambda: _home() / "demo")
    base_port: int = Field(default=8000, ge=1024, le=65530)
    registry_url: str = ""
    unsafe_no_sandbox: bool = False
    session_cpus: int = Field(default=2, ge=1)
    session_memory_bytes: int = Field(default=4 * _GIB, ge=512 * 1024**2)
    reconcile_seconds: float = Field(default=10.0, gt=0)

    @property
    def secrets(self) -> Path:
        """Folder of tokens and keys, 0700."""
        return self.state / "secrets"

    @property
    def projects(self) -> Path:
        """Folder of the projects' folders."""
        return self.state / "projects"

    @property
    def database(self) -> str:
        """URL of the registry."""
        return self.registry_url or f"sqlite:///{self.state / 'hub' / 'registry.sqlite'}"

    @property
    def session_limits(self) -> ComputeLimits:
        """What one session's compute may use."""
        return ComputeLimits(memory_bytes=self.session_memory_bytes, cpus=self.session_cpus)

    def origin(self, name: str) -> str:
        """Origin of `hub_public`, `desk`, `review`, `hub` or `proxy_api`."""
        offset = {"hub_public": 0, "desk": 1, "review": 2, "hub": 4, "proxy_api": 5}[name]
        return f"http://127.0.0.1:{self.base_port + offset}"

    @property
    def hub_api(self) -> str:
        """Base of the hub's REST API, past the proxy."""
        return f"{self.origin('hub')}/hub/api"
