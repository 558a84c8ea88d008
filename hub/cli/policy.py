"""`onggi policy …`: what a project's sessions may show."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from hub.actions import display
from hub.cli.operator import Operator, asking, help_of, sub_app

app = sub_app("policy")
Project = Annotated[str, typer.Argument(help=help_of("slug"))]
_VERSIONS = ("number", "name", "by", "at", "reason")


@app.command("show", help=help_of("policy_show"))
def show(
    ctx: typer.Context,
    project: Project,
    history: Annotated[bool, typer.Option("--history", help=help_of("policy_history"))] = False,
) -> None:
    """Show the document that holds, or who set which version."""
    with asking(ctx) as (operator, context, review):
        told = display.policy(context, review, operator.actor, project)
        if history:
            operator.show(told["history"], "cli.policy_no_history", _VERSIONS)
        elif operator.as_json:
            operator.show([told["policy"]], "cli.none", ())
        else:
            typer.echo(f"# {told['policy']['label']}\n{told['policy']['text'].rstrip()}")


@app.command("set", help=help_of("policy_set"))
def set_(
    ctx: typer.Context,
    project: Project,
    reason: Annotated[str, typer.Option("--reason", help=help_of("reason"))],
    file: Annotated[Path | None, typer.Argument(help=help_of("policy_file"))] = None,
    profile: Annotated[str | None, typer.Option("--profile", help=help_of("policy_profile"))] = None,
) -> None:
    """Give a project a new version of its policy."""
    with asking(ctx) as (operator, context, review):
        if file is not None and profile is not None:
            raise operator.fail("cli.policy_file_or_profile")
        if profile is not None:
            text = display.profile_text(context, review, operator.actor, profile)
        elif file is not None:
            text = _read(operator, file)
        else:
            raise operator.fail("cli.policy_file_or_profile")
        made = display.set_policy(context, review, operator.actor, project, text, reason)
        operator.say("cli.policy_set", project=project, policy=made["label"])


@app.command("profiles", help=help_of("policy_profiles"))
def profiles(ctx: typer.Context) -> None:
    """Show the shipped documents."""
    with asking(ctx) as (operator, context, review):
        found = display.profiles(context, review, operator.actor)
        if operator.as_json:
            operator.show(found, "cli.none", ())
            return
        for one in found:
            typer.echo(f"# {one['name']}\n{one['text']}")


def _read(operator: Operator, file: Path) -> str:
    try:
        return file.read_text("utf-8")
    except (OSError, UnicodeDecodeError):
        raise operator.fail("cli.policy_file_unreadable", path=file) from None
