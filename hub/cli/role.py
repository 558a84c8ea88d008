"""`onggi role …`: people and their global roles."""

from __future__ import annotations

from typing import Annotated

import typer

from hub.actions import people, views, wire
from hub.cli.operator import acting, help_of, sub_app
from onggi.permissions import Permission

app = sub_app("role")
Person = Annotated[str, typer.Argument(help=help_of("name"))]
RoleName = Annotated[str, typer.Argument(help=help_of("global_role"))]


@app.command("add-person", help=help_of("role_add_person"))
def add_person(ctx: typer.Context, person: Person) -> None:
    """Let someone sign in."""
    with acting(ctx) as (operator, context):
        people.add_person(context, operator.actor, person)
        operator.say("cli.person_added", person=person)


@app.command("give", help=help_of("role_give"))
def give(ctx: typer.Context, person: Person, role: RoleName) -> None:
    """Give a global role."""
    with acting(ctx) as (operator, context):
        people.give_role(context, operator.actor, person, role)
        operator.say("cli.role_given", person=person, role=role)


@app.command("take", help=help_of("role_take"))
def take(ctx: typer.Context, person: Person, role: RoleName) -> None:
    """Take a global role."""
    with acting(ctx) as (operator, context):
        people.take_role(context, operator.actor, person, role)
        operator.say("cli.role_taken", person=person, role=role)


@app.command("list", help=help_of("role_list"))
def show_all(ctx: typer.Context) -> None:
    """List people and their global roles."""
    with (
        acting(ctx) as (operator, context),
        views.seeing(context, operator.actor, Permission.ROLE_MANAGE) as (store, _now),
    ):
        rows = [wire.person_json(one) for one in store.people()]
        operator.show(rows, "cli.none", ("name", "roles"))
