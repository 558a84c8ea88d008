"""`onggi`: the composition root of the command line."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from hub.cli.operator import Operator, check_owner, help_of
from hub.ready import read_ready
from hub.settings import HubSettings
from onggi import words

_STARTS = frozenset({"up", "tour"})
"""Commands that start something of their own."""

GROUPS = {
    "project": "hub.cli.project:app",
    "member": "hub.cli.member:app",
    "dataset": "hub.cli.dataset:app",
    "grant": "hub.cli.grant:app",
    "quota": "hub.cli.quota:app",
    "role": "hub.cli.role:app",
    "policy": "hub.cli.policy:app",
    "display": "hub.cli.display:app",
    "demo": "hub.cli.demo:app",
    "data": "hub.cli.data:data_app",
    "audit": "egress_review.cli:audit_app",
    "certificate": "egress_review.cli:certificate_app",
    "ledger": "egress_review.ledger.cli:ledger_app",
}
"""Groups of commands, each imported only when it is asked for: `onggi up` and `onggi certificate verify` need
neither a database nor Arrow to begin.
"""
COMMANDS = {"check": "egress_review.check_cli:check_app"}
"""Single commands, imported as late."""


class Groups(TyperGroup):
    """The root command, which finds its groups late."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Names in the order of the help."""
        late = {**GROUPS, **COMMANDS}
        return [*(name for name in super().list_commands(ctx) if name not in late), *late]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """A command, or one or a group that is imported now."""
        if cmd_name in {*GROUPS, *COMMANDS} and cmd_name not in self.commands:
            module, _, attribute = {**GROUPS, **COMMANDS}[cmd_name].partition(":")
            made = typer.main.get_group if cmd_name in GROUPS else typer.main.get_command
            found = made(getattr(import_module(module), attribute))
            found.name = cmd_name
            self.commands[cmd_name] = found
        return super().get_command(ctx, cmd_name)


app = typer.Typer(cls=Groups, no_args_is_help=True, add_completion=False, help=help_of("onggi"))
State = Annotated[Path | None, typer.Option("--state", help=help_of("state"))]
BasePort = Annotated[int | None, typer.Option("--base-port", help=help_of("base_port"))]
Language = Annotated[str, typer.Option("--language", envvar="ONGGI_LANGUAGE", help=help_of("language"))]


@app.callback()
def onggi(
    ctx: typer.Context,
    actor: Annotated[str, typer.Option("--as", envvar="ONGGI_AS", help=help_of("as"))] = "admin",
    state: State = None,
    base_port: BasePort = None,
    language: Language = words.DEFAULT_LANGUAGE,
    as_json: Annotated[bool, typer.Option("--json", help=help_of("json"))] = False,
) -> None:
    """Options that stand before the command."""
    spoken = words.spoken(language)
    settings = _settings(state, base_port)
    if ctx.invoked_subcommand not in _STARTS:
        settings = _where_it_runs(settings)
    ctx.obj = Operator(settings, actor, spoken, as_json)


@app.command("up", help=help_of("up"))
def up(
    ctx: typer.Context,
    state: State = None,
    base_port: BasePort = None,
    language: Annotated[str | None, typer.Option("--language", help=help_of("language"))] = None,
    unsafe_no_sandbox: Annotated[
        bool, typer.Option("--unsafe-no-sandbox", help=help_of("unsafe_no_sandbox"))
    ] = False,
) -> None:
    """Run everything on this machine."""
    from hub.embedded import Options, main

    before: Operator = ctx.obj
    options = Options(
        state or before.settings.state,
        base_port or before.settings.base_port,
        unsafe_no_sandbox or before.settings.unsafe_no_sandbox,
        language or before.language,
    )
    raise typer.Exit(main(options))


@app.command("tour", help=help_of("tour"))
def tour(ctx: typer.Context) -> None:
    """Walk the whole path, one line a step."""
    from hub.tour.main import main

    raise typer.Exit(main(ctx.obj.language))


@app.command("leaktest", help=help_of("leaktest"))
def leaktest(
    ctx: typer.Context,
    running: Annotated[bool, typer.Option("--running", help=help_of("running"))] = False,
    person: Annotated[str, typer.Option("--person", help=help_of("leaktest_person"))] = "researcher1",
    project: Annotated[str, typer.Option("--project", help=help_of("leaktest_project"))] = "nafld-study",
    as_json: Annotated[bool, typer.Option("--json", help=help_of("json"))] = False,
) -> None:
    """Try every known channel from inside a real session."""
    from hub.composition import Installation
    from hub.leaktest.main import try_fresh, try_running
    from hub.leaktest.place import Member
    from hub.passwords import PasswordBook

    operator: Operator = ctx.obj
    as_json = as_json or operator.as_json
    if not running:
        raise typer.Exit(try_fresh(operator.language, as_json=as_json))
    check_owner(operator)
    settings = operator.settings
    known = PasswordBook(settings.secrets).shown()
    password = known.get(person) or typer.prompt(person, hide_input=True)
    installation = Installation.at(settings.state, settings.base_port)
    member = Member(person, project, password)
    others = {name: word for name, word in known.items() if name != person}
    raise typer.Exit(try_running(installation, member, operator.language, others, as_json=as_json))


def _settings(state: Path | None, base_port: int | None) -> HubSettings:
    given: dict[str, Any] = {"state": state.absolute() if state else None, "base_port": base_port}
    return HubSettings(**{name: value for name, value in given.items() if value is not None})


def _where_it_runs(settings: HubSettings) -> HubSettings:
    """The same; if nobody named a port, with that of the installation that runs from its state folder."""
    ready = None if "base_port" in settings.model_fields_set else read_ready(settings.ready_file)
    return settings if ready is None else settings.model_copy(update={"base_port": ready.base_port})
