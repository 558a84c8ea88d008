"""What the notebook library takes from its environment; the only place that looks there."""

from __future__ import annotations

import os
from dataclasses import dataclass

_SOCKET = "/run/onggi/api/session.sock"  # as every session has it
_PROJECT = "/project"  # as every session has it


@dataclass(frozen=True, slots=True)
class Settings:
    """Where things are in a session.

    Attributes:
        socket: path of the session API's UNIX socket.
        project: the project folder; submitted paths are relative to it.
        language: `ko` or `en`, or None to ask the session.
    """

    socket: str
    project: str
    language: str | None


def settings() -> Settings:
    """The settings of this process, read anew at each call: tests and notebooks may change them."""
    return Settings(
        socket=os.environ.get("ONGGI_SESSION_SOCKET", _SOCKET),
        project=os.environ.get("ONGGI_PROJECT_FOLDER", _PROJECT),
        language=os.environ.get("ONGGI_LANGUAGE") or None,
    )
