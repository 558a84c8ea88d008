"""The spawner room's settings; the only place of the room that reads the environment."""

from __future__ import annotations

import sys
from pathlib import Path

from pydantic import Field

from web.settings import ServiceSettings, default_home


class SpawnerSettings(ServiceSettings):
    """What broker and spawner are told besides.

    Attributes:
        platform_env: the trusted environment, shown read-only to session servers.
        compute_env: the researchers' environment, shown read-only to compute.
        source: the folder that holds our packages.
    """

    platform_env: Path = Path(sys.prefix)
    compute_env: Path = Field(default_factory=lambda: default_home() / "env" / "compute")
    source: Path = Path(__file__).resolve().parent.parent

    @property
    def sessions(self) -> Path:
        """Where the folders of running sessions are."""
        return self.run / "s"
