"""`onggi display …`: what sessions have shown, members' budgets, and lifting them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import typer

from hub.actions import display
from hub.cli.operator import asking, help_of, sub_app
from onggi import words

app = sub_app("display")
Project = Annotated[str, typer.Argument(help=help_of("slug"))]
_MIB = 1024 * 1024
_TOO_FEW = "too_few"
_SHOWN = ("at", "kind", "number", "shown_bytes", "cuts", "verdict", "policy", "sha256", "id")


@app.command("budget", help=help_of("display_budget"))
def budget(
    ctx: typer.Context,
    project: Annotated[str | None, typer.Argument(help=help_of("slug"))] = None,
) -> None:
    """Show what members were shown in the last seven days."""
    with asking(ctx) as (operator, context, review):
        told = display.budgets(context, review, operator.actor, project)
        columns = ("day", "project", "member", "output", "limit", "policy")
        operator.show(told["days"], "cli.display_no_days", columns)
        if told["lifts"] and not operator.as_json:
            operator.show(told["lifts"], "cli.none", ("day", "member", "extra_bytes", "by", "reason"))


@app.command("lift", help=help_of("display_lift"))
def lift(
    ctx: typer.Context,
    project: Project,
    member: Annotated[str, typer.Argument(help=help_of("name"))],
    mib: Annotated[int, typer.Option("--mib", min=1, help=help_of("display_mib"))],
    reason: Annotated[str, typer.Option("--reason", help=help_of("reason"))],
) -> None:
    """Let a member be shown more today."""
    with asking(ctx) as (operator, context, review):
        display.lift(context, review, operator.actor, project, member, mib * _MIB, reason)
        operator.say("cli.display_lifted", member=member, project=project, mib=mib)


@app.command("sessions", help=help_of("display_sessions"))
def sessions(ctx: typer.Context, project: Project) -> None:
    """List the sessions of a project that have shown something."""
    with asking(ctx) as (operator, context, review):
        found = display.sessions(context, review, operator.actor, project)
        columns = ("session", "member", "showings", "shown_bytes", "first", "last")
        operator.show(found, "cli.display_no_sessions", columns)


@app.command("record", help=help_of("display_record"))
def record(
    ctx: typer.Context,
    session: Annotated[str, typer.Argument(help=help_of("display_session"))],
    before: Annotated[str | None, typer.Option("--before", help=help_of("display_before"))] = None,
) -> None:
    """Show what a session has shown, newest first."""
    with asking(ctx) as (operator, context, review):
        told = display.record(context, review, operator.actor, session, before)
        operator.show(told["showings"], "cli.display_nothing_shown", _SHOWN)


@app.command("unusual", help=help_of("display_unusual"))
def unusual(ctx: typer.Context) -> None:
    """Show members' days of the last week against what is usual."""
    with asking(ctx) as (operator, context, review):
        told = display.unusual(context, review, operator.actor)
        columns = ("day", "project", "member", "output", "word")
        remarks = (
            told["remarks"]
            if operator.as_json
            else [said_of(operator.language, one) for one in told["remarks"]]
        )
        operator.show(remarks, "cli.display_no_days", columns)
        if any(one["word"] == _TOO_FEW for one in told["remarks"]) and not operator.as_json:
            operator.say("desk.display_unusual_few", least=told["least_days"])


def said_of(language: str, remark: Mapping[str, Any]) -> dict[str, Any]:
    """A remark with its word as a person reads it."""
    return {**remark, "word": words.say(language, f"desk.display_word_{remark['word']}")}
