"""`onggi dataset …`"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.actions import datasets, views, wire
from hub.cli.operator import acting, help_of, sub_app
from onggi.permissions import Permission

app = sub_app("dataset")


@app.command("register", help=help_of("dataset_register"))
def register(ctx: typer.Context, folder: Annotated[Path, typer.Argument(help=help_of("folder"))]) -> None:
    """Take a data-set version into the catalogue."""
    with acting(ctx) as (operator, context):
        one = datasets.register_dataset(context, operator.actor, folder.absolute())
        operator.say(
            "cli.dataset_registered", dataset=one.name, version=one.version, sha256=one.manifest_sha256
        )


@app.command("list", help=help_of("dataset_list"))
def show_all(ctx: typer.Context) -> None:
    """List the catalogue."""
    with (
        acting(ctx) as (operator, context),
        views.seeing(context, operator.actor, Permission.DATASET_READ) as (store, _now),
    ):
        rows = [wire.dataset_json(one) for one in store.datasets()]
        operator.show(rows, "cli.none", ("name", "version", "titles", "manifest_sha256"))
