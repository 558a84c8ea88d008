"""Run the desk: `python -m hub.desk`."""

from __future__ import annotations

import sys

import uvicorn

from hub.desk.app import create_desk, parts_of
from hub.settings import HubSettings
from onggi.errors import OnggiError

EX_CONFIG = 78


def main() -> int:
    """Serve on loopback until a signal; 78 if the desk refuses to start, with the reason on stderr."""
    settings = HubSettings()
    try:
        app = create_desk(parts_of(settings))
    except OnggiError as error:
        print(error, file=sys.stderr)  # noqa: T201 - the supervisor reads it
        return EX_CONFIG
    port = int(settings.origin("desk").rpartition(":")[2])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
