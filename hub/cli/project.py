"""`onggi project …`"""

from __future__ import annotations

from typing import Annotated

import typer

from hub.actions import projects, views, wire
from hub.cli.moments import moment
from hub.cli.operator import acting, help_of, sub_app
from onggi.permissions import Permission

app = sub_app("project")
Slug = Annotated[str, typer.Argument(help=help_of("slug"))]
Ends = Annotated[str | None, typer.Option("--ends", help=help_of("moment"))]
_COLUMNS = ("slug", "titles", "starts", "ends", "active")


@app.command("create", help=help_of("project_create"))
def create(
    ctx: typer.Context,
    slug: Slug,
    title_ko: Annotated[str, typer.Option("--title-ko", help=help_of("title_ko"))],
    title_en: Annotated[str, typer.Option("--title-en", help=help_of("title_en"))],
    starts: Annotated[str | None, typer.Option("--starts", help=help_of("moment"))] = None,
    ends: Ends = None,
) -> None:
    """Set up a project."""
    with acting(ctx) as (operator, context):
        titles = {"ko": title_ko, "en": title_en}
        begin, end = moment("starts", starts), moment("ends", ends)
        projects.create_project(context, operator.actor, slug, titles, begin, end)
        operator.say("cli.project_created", project=slug)


@app.command("list", help=help_of("project_list"))
def show_all(ctx: typer.Context) -> None:
    """List projects."""
    with (
        acting(ctx) as (operator, context),
        views.seeing(context, operator.actor, Permission.PROJECT_READ) as (store, now),
    ):
        rows = [wire.project_json(one, now) for one in store.projects()]
        operator.show(rows, "cli.none", _COLUMNS)


@app.command("show", help=help_of("project_show"))
def show(ctx: typer.Context, slug: Slug) -> None:
    """Show one project."""
    with acting(ctx) as (operator, context):
        project = views.project_json(context, operator.actor, slug)
        operator.show([project], "cli.none", _COLUMNS)
        if not operator.as_json:
            operator.show(project["members"], "cli.none", ("person", "role", "starts", "ends", "active"))
            operator.show(project["grants"], "cli.none", ("dataset", "version", "until", "active"))


@app.command("end", help=help_of("project_end"))
def end(ctx: typer.Context, slug: Slug, ends: Ends = None) -> None:
    """End a project, now or at a moment."""
    with acting(ctx) as (operator, context):
        at = moment("ends", ends) or context.clock.now()
        projects.change_project_end(context, operator.actor, slug, at)
        operator.say("cli.project_ended", project=slug)


@app.command("extend", help=help_of("project_extend"))
def extend(ctx: typer.Context, slug: Slug, ends: Ends = None) -> None:
    """Give a project a new end, or none."""
    with acting(ctx) as (operator, context):
        projects.change_project_end(context, operator.actor, slug, moment("ends", ends))
        operator.say("cli.project_extended", project=slug)
