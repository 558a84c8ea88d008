"""`onggi demo …`"""

from __future__ import annotations

import json

import typer

from hub.cli.operator import check_owner, help_of, operator_of, sub_app
from hub.passwords import PasswordBook

app = sub_app("demo")


@app.callback()
def demo() -> None:
    """Keep `passwords` a command of its own, though it is the only one."""


@app.command("passwords", help=help_of("demo_passwords"))
def passwords(ctx: typer.Context) -> None:
    """Show the demo's passwords."""
    operator = operator_of(ctx)
    check_owner(operator)
    shown = PasswordBook(operator.settings.secrets).shown()
    if operator.as_json:
        typer.echo(json.dumps(shown, indent=1))
    elif not shown:
        raise operator.fail("cli.no_passwords")
    else:
        for person, password in shown.items():
            typer.echo(f"{person:<12} {password}")
