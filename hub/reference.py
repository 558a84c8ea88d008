"""Reference pages made from code: commands, JSON API, permissions. `make docs` writes them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import typer
from starlette.routing import Route

from hub.cli.main import app
from hub.desk import admin, api, display, display_api, internal, pages
from onggi.permissions import GLOBAL_ROLES, ROLE_PERMISSIONS, Permission

_NOTE = "Made from the code by `make docs`; do not edit."

_ABOUT_ROUTES = """\
A route names a permission (see [permissions](permissions.md)), or one of: `signed-in` (anyone signed in, and
it shows or does nothing but their own), `service` (another service, by its token), `session-key` (a session
server, by its key). Refusals are JSON: `{"error": {"reason": …, "params": …}}`. A program signs in as a
browser does, by form and cookies, and names the desk's own address as `Origin` in each request that changes
something; one that holds a hub token made for the desk (by OAuth) sends `Authorization: token …` and no
cookie."""

_PERMITS = {
    Permission.AUDIT_READ: "Read and export the audit log.",
    Permission.DATASET_MANAGE: "Take data-set versions into the catalogue.",
    Permission.DATASET_READ: "See the catalogue.",
    Permission.DISPLAY_MANAGE: "Set what a project's sessions may show, and lift a member's day.",
    Permission.DISPLAY_READ: "See what sessions may show and have shown, with its contents.",
    Permission.GRANT_MANAGE: "Give and end projects' rights to data sets.",
    Permission.MEMBER_MANAGE: "Add members, set their roles and dates, end memberships.",
    Permission.PROJECT_MANAGE: "Set up projects, end and extend them.",
    Permission.PROJECT_READ: "See all projects with members, grants, quotas and sessions.",
    Permission.PROJECT_READ_OWN: "See the own project.",
    Permission.QUOTA_MANAGE: "Set what a project may hold at once.",
    Permission.RELEASE_DOWNLOAD: "Download the project's releases and their certificates.",
    Permission.REQUEST_READ_OWN: "See the own requests with their findings and reasons.",
    Permission.REQUEST_REVIEW: "See requests of projects that one never belonged to, and vote on them.",
    Permission.REQUEST_SUBMIT: "Submit, revise and withdraw requests.",
    Permission.ROLE_MANAGE: "Add people, give and take global roles.",
    Permission.SESSION_OPEN: "Open and stop the own session.",
    Permission.SESSION_STOP: "Stop anybody's session.",
}


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
    for routes in (api, display_api, internal, pages, admin, display):
        lines += [_route(one) for one in routes.routes()]
    return "\n".join(lines) + "\n"


def permissions_page() -> str:
    """Which role carries which permission."""
    roles = sorted(ROLE_PERMISSIONS, key=lambda role: (role not in GLOBAL_ROLES, role.value))
    heads = [f"{role.value}{'' if role in GLOBAL_ROLES else ' (of the project)'}" for role in roles]
    lines = ["# Permissions", "", _NOTE, ""]
    lines += ["Default deny. Project roles count in their own project, while the membership lasts.", ""]
    lines += [f"| permission | what it permits | {' | '.join(heads)} |", "|---" * (len(roles) + 2) + "|"]
    for permission in sorted(Permission):
        marks = ["yes" if permission in ROLE_PERMISSIONS[role] else "" for role in roles]
        lines.append(f"| `{permission.value}` | {_PERMITS[permission]} | {' | '.join(marks)} |")
    return "\n".join(lines) + "\n"


def _commands(path: str, command: Any) -> Iterator[tuple[str, Any]]:
    """Every command with its path; groups are asked, since they may be imported only then."""
    yield path, command
    if hasattr(command, "list_commands"):
        context = typer.Context(command)
        for name in command.list_commands(context):
            yield from _commands(f"{path} {name}", command.get_command(context, name))


def _parameter(one: Any) -> str:
    given = one.name.upper() if one.param_type_name == "argument" else ", ".join(one.opts)
    needed = "" if one.required or one.param_type_name == "option" else " (optional)"
    return f"- `{given}`{needed}: {one.help or ''}".rstrip()


def _route(route: Route) -> str:
    (method,) = (route.methods or set()) - {"HEAD"}
    endpoint: Any = route.endpoint
    what = (endpoint.view.__doc__ or "").strip().partition("\n")[0]
    return f"| {method} | `{route.path}` | `{endpoint.access}` | {what} |"
