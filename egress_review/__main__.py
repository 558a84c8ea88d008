"""Run egress review: `python -m egress_review`."""

from __future__ import annotations

import logging
import sys

import uvicorn

from egress_review.app import create_app
from egress_review.settings import ReviewSettings
from egress_review.wiring import parts_of
from onggi.errors import OnggiError
from web.refusal import refuse


def main() -> int:
    """Serve on loopback until a signal; 78 if it refuses to start, with the reason on stderr."""
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = ReviewSettings()
    try:
        app = create_app(parts_of(settings))
    except OnggiError as error:
        return refuse(error)
    port = int(settings.origin("review").rpartition(":")[2])
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", server_header=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
