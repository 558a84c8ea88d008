"""`onggi grant …`"""

from __future__ import annotations

from typing import Annotated

import typer

from hub.actions import datasets, views
from hub.cli.moments import moment
from hub.cli.operator import acting, help_of, sub_app

app = sub_app("grant")
Project = Annotated[str, typer.Argument(help=help_of("slug"))]
Dataset = Annotated[str, typer.Argument(help=help_of("dataset_name"))]
Version = Annotated[str, typer.Argument(help=help_of("version"))]


@app.command("give", help=help_of("grant_give"))
def give(
    ctx: typer.Context,
    project: Project,
    dataset: Dataset,
    version: Version,
    until: Annotated[str | None, typer.Option("--until", help=help_of("moment"))] = None,
) -> None:
    """Give a project the right to a data-set version."""
    with acting(ctx) as (operator, context):
        at = moment("until", until)
        datasets.give_grant(context, operator.actor, project, dataset, version, at)
        operator.say("cli.grant_given", project=project, dataset=dataset, version=version)


@app.command("end", help=help_of("grant_end"))
def end(ctx: typer.Context, project: Project, dataset: Dataset, version: Version) -> None:
    """End a grant now."""
    with acting(ctx) as (operator, context):
        datasets.end_grant(context, operator.actor, project, dataset, version)
        operator.say("cli.grant_ended", project=project, dataset=dataset, version=version)


@app.command("list", help=help_of("grant_list"))
def show_all(ctx: typer.Context, project: Project) -> None:
    """List a project's grants."""
    with acting(ctx) as (operator, context):
        rows = views.project_json(context, operator.actor, project)["grants"]
        operator.show(rows, "cli.none", ("dataset", "version", "until", "active"))
