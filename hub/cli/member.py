"""`onggi member …`"""

from __future__ import annotations

from typing import Annotated

import typer

from hub.actions import members, views
from hub.cli.moments import moment
from hub.cli.operator import acting, help_of, sub_app

app = sub_app("member")
Project = Annotated[str, typer.Argument(help=help_of("slug"))]
Person = Annotated[str, typer.Argument(help=help_of("name"))]
Ends = Annotated[str | None, typer.Option("--ends", help=help_of("moment"))]


@app.command("add", help=help_of("member_add"))
def add(
    ctx: typer.Context,
    project: Project,
    person: Person,
    role: Annotated[str, typer.Option("--role", help=help_of("project_role"))] = "researcher",
    starts: Annotated[str | None, typer.Option("--starts", help=help_of("moment"))] = None,
    ends: Ends = None,
) -> None:
    """Put a person into a project."""
    with acting(ctx) as (operator, context):
        begin, end = moment("starts", starts), moment("ends", ends)
        members.add_member(context, operator.actor, project, person, role, begin, end)
        operator.say("cli.member_added", project=project, person=person)


@app.command("end", help=help_of("member_end"))
def end(ctx: typer.Context, project: Project, person: Person, ends: Ends = None) -> None:
    """End a membership."""
    with acting(ctx) as (operator, context):
        members.end_member(context, operator.actor, project, person, moment("ends", ends))
        operator.say("cli.member_ended", project=project, person=person)


@app.command("list", help=help_of("member_list"))
def show_all(ctx: typer.Context, project: Project) -> None:
    """List the members of a project."""
    with acting(ctx) as (operator, context):
        rows = views.project_json(context, operator.actor, project)["members"]
        operator.show(rows, "cli.none", ("person", "role", "starts", "ends", "active"))
