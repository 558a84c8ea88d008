"""Run the desk: `python -m hub.desk`."""

from __future__ import annotations

import logging
import sys
import time

import uvicorn

from hub.desk.access import Parts
from hub.desk.app import create_desk, parts_of
from hub.settings import HubSettings
from onggi.errors import OnggiError, Unavailable
from web.refusal import refuse

_TRIES, _PAUSE_S = 3, 1.0


def main() -> int:
    """Serve on loopback until a signal; 78 if the desk refuses to start, with the reason on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = HubSettings()
    try:
        app = create_desk(_patiently(settings))
    except OnggiError as error:
        return refuse(error)
    port = int(settings.origin("desk").rpartition(":")[2])
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
    return 0


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
