"""Reference pages made from code: commands, JSON API, permissions.

`python -m hub.reference docs/reference` writes them; a test holds them to the code.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import typer
from starlette.routing import Route

from hub.cli.main import app
from hub.desk import admin, api, internal, pages
from onggi.permissions import GLOBAL_ROLES, ROLE_PERMISSIONS, Permission

_NOTE = "Made from the code by `python -m hub.reference docs/reference`; do not edit."

_ABOUT_ROUTES = """\
A route names a permission (see [permissions](permissions.md)), or one of: `signed-in` (anyone signed in, and
it shows or does nothing but their own), `service` (another service, by its token), `session-key` (a session
server, by its key). Refusals are JSON: `{"error": {"reason": …, "params": …}}`. The desk's cookie counts
only for its own pages; programs send `Authorization: token …` with a hub token."""


def reference_pages() -> Mapping[str, str]:
    """The pages by file name."""
    return {"api.md": api_page(), "cli.md": cli_page(), "permissions.md": permissions_page()}


def cli_page() -> str:
    """All commands with their arguments and options."""
    lines = ["# Commands", "", _NOTE, ""]
    lines += ["Options before the command (`onggi --as admin member list …`) hold for every command.", ""]
    for path, command in _commands("onggi", typer.main.get_command(app)):
        lines += [f"## `{path}`", "", command.help or "", ""]
        lines += [_parameter(one) for one in command.params if one.name != "help"]
        lines += [""] if command.params else []
    return "\n".join(lines).rstrip() + "\n"


def api_page() -> str:
    """All routes of the desk with who may use them."""
    lines = ["# The desk's API", "", _NOTE, ""]
    lines += [_ABOUT_ROUTES, "", "| method | path | who may | what |", "|---|---|---|---|"]
    for routes in (api, internal, pages, admin):
        lines += [_route(one) for one in routes.routes()]
    return "\n".join(lines) + "\n"


def permissions_page() -> str:
    """Which role carries which permission."""
    roles = sorted(ROLE_PERMISSIONS, key=lambda role: (role not in GLOBAL_ROLES, role.value))
    heads = [f"{role.value}{'' if role in GLOBAL_ROLES else ' (of the project)'}" for role in roles]
    lines = ["# Permissions", "", _NOTE, ""]
    lines += ["Default deny. Project roles count in their own project, while the membership lasts.", ""]
    lines += [f"| permission | {' | '.join(heads)} |", "|---" * (len(roles) + 1) + "|"]
    for permission in sorted(Permission):
        marks = ["yes" if permission in ROLE_PERMISSIONS[role] else "" for role in roles]
        lines.append(f"| `{permission.value}` | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    children = getattr(command, "commands", None)
    if not children or path == "onggi":
        yield path, command
    for name, child in (children or {}).items():
        yield from _commands(f"{path} {name}", child)


def _parameter(one: Any) -> str:
    given = one.name.upper() if one.param_type_name == "argument" else ", ".join(one.opts)
    needed = "" if one.required or one.param_type_name == "option" else " (optional)"
    return f"- `{given}`{needed}: {one.help or ''}".rstrip()


def _route(route: Route) -> str:
    (method,) = (route.methods or set()) - {"HEAD"}
    endpoint: Any = route.endpoint
    what = (endpoint.view.__doc__ or "").strip().partition("\n")[0]
    return f"| {method} | `{route.path}` | `{endpoint.access}` | {what} |"


def main(folder: Path) -> None:
    """Write the pages."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in reference_pages().items():
        (folder / name).write_text(text, "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
