"""How a service with pages runs: the same log, the same refusal to start, the same way to end."""

from __future__ import annotations

import logging
from collections.abc import Callable

import uvicorn
from starlette.types import ASGIApp

from onggi.errors import OnggiError
from web.refusal import refuse

_GRACE_S = 5
"""For answers under way when the service is told to end; `onggi up` kills what takes longer than eight."""


def run_service(make_app: Callable[[], ASGIApp], port: int) -> int:
    """Serve on loopback until a signal; 78 if `make_app` refuses, with its reason on stderr.

    Args:
        make_app: opens what the service needs.
        port: of 127.0.0.1.
    """
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    try:
        app = make_app()
    except OnggiError as error:
        return refuse(error)
    uvicorn.run(
        app,
        host="127.0.0.1",
        port=port,
        log_level="warning",
        server_header=False,
        timeout_graceful_shutdown=_GRACE_S,
    )
    return 0
