"""`onggi quota …`"""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any

import typer

from hub.actions import projects, views
from hub.cli.operator import acting, help_of, sub_app

app = sub_app("quota")
_GIB = 1024**3
Project = Annotated[str, typer.Argument(help=help_of("slug"))]


@app.command("set", help=help_of("quota_set"))
def set_(
    ctx: typer.Context,
    project: Project,
    sessions: Annotated[int | None, typer.Option("--sessions", help=help_of("sessions"))] = None,
    cpus: Annotated[int | None, typer.Option("--cpus", help=help_of("cpus"))] = None,
    memory: Annotated[int | None, typer.Option("--memory-gib", help=help_of("memory"))] = None,
    storage: Annotated[int | None, typer.Option("--storage-gib", help=help_of("storage"))] = None,
) -> None:
    """Set what a project may hold; what is not named stays."""
    with acting(ctx) as (operator, context):
        wanted = {
            "sessions": sessions,
            "cpus": cpus,
            "memory_bytes": None if memory is None else memory * _GIB,
            "storage_bytes": None if storage is None else storage * _GIB,
        }
        before = views.project_for_admin(context, operator.actor, project).quota
        changed: dict[str, Any] = {name: value for name, value in wanted.items() if value is not None}
        projects.set_quota(context, operator.actor, replace(before, **changed))
        operator.say("cli.quota_set", project=project)


@app.command("show", help=help_of("quota_show"))
def show(ctx: typer.Context, project: Project) -> None:
    """Show what a project may hold."""
    with acting(ctx) as (operator, context):
        row = views.project_json(context, operator.actor, project)["quota"]
        operator.show([row], "cli.none", ("sessions", "cpus", "memory_bytes", "storage_bytes"))
