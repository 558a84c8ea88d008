"""Our extension's few files, served from the package under a path that names what they hold.

The path holds a hash of all of them, so a browser may keep them for ever and never mixes two versions.
"""

from __future__ import annotations

import hashlib
from functools import cache
from pathlib import Path

from jupyter_server.base.handlers import PublicStaticFileHandler

STATIC = Path(__file__).parent / "static"
EXTENSION = "@onggi/lab"
ADDRESS = "onggi/lab"
"""Below the session's prefix; JupyterLab adds the extension's name."""


@cache
def release() -> str:
    """What names the files as they are: 16 hex digits."""
    digest = hashlib.sha256()
    for file in sorted(STATIC.iterdir()):
        digest.update(file.name.encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:16]


class LabFileHandler(PublicStaticFileHandler):
    """One file of the extension; nothing in them is anybody's."""

    def set_extra_headers(self, path: str) -> None:  # noqa: ARG002 - Tornado's signature
        """Kept for good: other contents have another path."""
        self.set_header("Cache-Control", "public, max-age=31536000, immutable")
