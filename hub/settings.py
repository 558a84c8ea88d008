"""The hub room's settings; the only place of the room that reads the environment."""

from __future__ import annotations

from pydantic import Field

from onggi.plan import ComputeLimits
from web.settings import ServiceSettings

_GIB = 1024**3


class HubSettings(ServiceSettings):
    """What hub, desk and command line are told besides.

    Attributes:
        registry_url: SQLAlchemy URL of the registry; a SQLite file in `state` if empty.
        session_cpus: cores of one session's compute.
        session_memory_bytes: memory of one session's compute.
        reconcile_seconds: how often running sessions are compared with the registry.
    """

    registry_url: str = ""
    session_cpus: int = Field(default=2, ge=1)
    session_memory_bytes: int = Field(default=4 * _GIB, ge=512 * 1024**2)
    reconcile_seconds: float = Field(default=10.0, gt=0)

    @property
    def database(self) -> str:
        """URL of the registry."""
        return self.registry_url or f"sqlite:///{self.state / 'hub' / 'registry.sqlite'}"

    @property
    def session_limits(self) -> ComputeLimits:
        """What one session's compute may use."""
        return ComputeLimits(memory_bytes=self.session_memory_bytes, cpus=self.session_cpus)
