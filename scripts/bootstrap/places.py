"""Where the set-up puts things."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

# As root everything is done by this user, from a copy of the source tree in its home. Its home is ONGGI_HOME
# too: socket paths must stay below 108 bytes, and `~/.local/share/onggi` would spend 19 of them.
SERVICE_USER = "onggi"
SERVICE_HOME = Path("/var/lib/onggi")
SERVICE_SOURCE = SERVICE_HOME / "src"

# What every user of a Debian machine finds its programs on; nobody's home is in it.
COMMON_PATH = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class Places:
    """The folders of one installation.

    Args:
        home: `$ONGGI_HOME`; default `~/.local/share/onggi` of an ordinary user, `/var/lib/onggi` of the
            service user.
        source: the source tree that runs.
    """

    home: Path
    source: Path

    @property
    def environments(self) -> Path:
        """The folder of all environments."""
        return self.home / "env"

    @property
    def platform(self) -> Path:
        """The Python environment of the trusted rooms."""
        return self.environments / "platform"

    @property
    def compute(self) -> Path:
        """The Python environment that sandboxes see, read-only."""
        return self.environments / "compute"

    @property
    def node(self) -> Path:
        """Node and the proxy."""
        return self.environments / "node"

    @property
    def uv(self) -> Path:
        """The installer, where the machine has none of its own."""
        return self.environments / "uv"


def places(source: Path) -> Places:
    """The folders for whoever runs this now, an ordinary user."""
    home = os.environ.get("ONGGI_HOME")
    default = SERVICE_HOME if source == SERVICE_SOURCE else Path.home() / ".local" / "share" / "onggi"
    return Places(Path(home).absolute() if home else default, source)
