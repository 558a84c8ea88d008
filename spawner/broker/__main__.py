"""`python -m spawner.broker`: run the broker until a SIGTERM, which ends every session first."""

from __future__ import annotations

import logging
import os
import socket
from functools import partial
from pathlib import Path

import uvicorn

from onggi.sandbox import find_home
from spawner.broker.app import create_app
from spawner.fleet import Fleet
from spawner.running import Starter
from spawner.session_box import SERVER_ARGV
from spawner.settings import SpawnerSettings
from spawner.undelivered import Undelivered, undelivered_of
from web.clients import AuditClient
from web.tokens import token_of

log = logging.getLogger("spawner.broker")


def main(server_argv: tuple[str, ...] = SERVER_ARGV) -> None:
    """Compose and serve. Everything is started from this, the main thread: its end is theirs.

    Args:
        server_argv: the session servers' command; a test gives another.
    """
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s %(message)s")
    settings = SpawnerSettings()
    fleet = Fleet(Starter(settings, server_argv, find_home()))
    working, findings = fleet.sandbox_findings()
    log.log(
        logging.INFO if working else logging.ERROR, "sandbox working: %s; findings: %s", working, findings
    )
    log_client = AuditClient(settings.origin("review"), token_of(settings.secrets, "broker"))
    keep = partial(log_client.call, "POST", "/internal/display/leftover")
    give_back = partial(log_client.call, "POST", "/internal/display/unspent")
    undelivered = Undelivered(undelivered_of(settings.sessions), log_client.append, keep, give_back)
    readers = token_of(settings.secrets, "hub"), token_of(settings.secrets, "desk")
    app = create_app(fleet, undelivered, *readers)
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=2))
    server.run(sockets=[_listen(settings.broker_socket)])


def _listen(path: Path) -> socket.socket:
    """A socket that only the owner can reach."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    before = os.umask(0o177)
    try:
        listener.bind(str(path))
    finally:
        os.umask(before)
    listener.listen(64)
    return listener


if __name__ == "__main__":
    main()
