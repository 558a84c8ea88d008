"""Run the desk: `python -m hub.desk`."""

from __future__ import annotations

import sys
import time

from hub.desk.access import Parts
from hub.desk.app import create_desk, parts_of
from hub.settings import HubSettings
from onggi.errors import Unavailable
from web.serving import run_service

_TRIES, _PAUSE_S = 3, 1.0


def main() -> int:
    """Serve until a signal; 78 if the desk refuses to start."""
    settings = HubSettings()
    return run_service(lambda: create_desk(_patiently(settings)), settings.port("desk"))


def _patiently(settings: HubSettings) -> Parts:
    """The parts; a registry that another process holds for a moment is asked again.

    Raises:
        OnggiError: what stands in the way for longer than that.
    """
    for _ in range(_TRIES - 1):
        try:
            return parts_of(settings)
        except Unavailable:
            time.sleep(_PAUSE_S)
    return parts_of(settings)


if __name__ == "__main__":
    sys.exit(main())
