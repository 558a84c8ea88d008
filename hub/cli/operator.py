"""Who runs a command, on which installation, in which language; and how answers and errors are printed."""

from __future__ import annotations

import json
import os
import pwd
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

from hub.settings import HubSettings
from onggi import words
from onggi.errors import OnggiError

if TYPE_CHECKING:
    from hub.actions.context import Context
    from web.clients import ReviewClient

FAILED = 1


@dataclass(frozen=True, slots=True)
class Operator:
    """The person that a command acts as, and where.

    Attributes:
        actor: name of the person; their permissions decide.
        as_json: print JSON instead of lines.
    """

    settings: HubSettings
    actor: str
    language: str
    as_json: bool

    def say(self, key: str, **params: object) -> None:
        """Print a sentence of the catalogue."""
        typer.echo(words.say(self.language, key, **params))

    def fail(self, key: str, **params: object) -> typer.Exit:
        """Print a sentence to stderr; the exception that ends the command with status 1."""
        typer.echo(words.say(self.language, key, **params), err=True)
        return typer.Exit(FAILED)

    def show(self, rows: Sequence[Mapping[str, Any]], empty: str, columns: Sequence[str]) -> None:
        """Print rows as JSON, or as aligned columns; `empty` is the sentence for none."""
        if self.as_json:
            typer.echo(json.dumps(list(rows), ensure_ascii=False, indent=1))
        elif not rows:
            self.say(empty)
        else:
            _print_table([columns, *([_cell(row.get(name)) for name in columns] for row in rows)])


def operator_of(ctx: typer.Context) -> Operator:
    """The operator that the options before the command describe."""
    found = ctx.find_object(Operator)
    if found is None:
        raise RuntimeError("the root command sets the operator")
    return found


@contextmanager
def acting(ctx: typer.Context) -> Iterator[tuple[Operator, Context]]:
    """Run an action: open the registry, print what was refused as a sentence, end with status 1 then."""
    from hub.wiring import opened_context  # the database's libraries, which most commands do without

    operator = operator_of(ctx)
    check_owner(operator)
    with readable_errors(operator.language), opened_context(operator.settings, "desk") as context:
        yield operator, context


@contextmanager
def asking(ctx: typer.Context) -> Iterator[tuple[Operator, Context, ReviewClient]]:
    """As `acting`, for what egress review keeps."""
    from web.clients import ReviewClient
    from web.tokens import token_of

    with acting(ctx) as (operator, context):
        settings = operator.settings
        review = ReviewClient(settings.origin("review"), token_of(settings.secrets, "desk"))
        try:
            yield operator, context, review
        finally:
            review.close()


@contextmanager
def readable_errors(language: str) -> Iterator[None]:
    """Print an error's sentence to stderr and end with status 1."""
    try:
        yield
    except OnggiError as error:
        typer.echo(words.explain(language, error.reason, error.params), err=True)
        raise typer.Exit(FAILED) from None


def check_owner(operator: Operator) -> None:
    """The state folder is there and belongs to whoever runs this.

    Files of another owner would stop the services.

    Raises:
        typer.Exit: with a sentence that says what to do.
    """
    state = operator.settings.state
    if not (state / "hub").is_dir():
        raise operator.fail("cli.no_state", folder=state)
    owner = state.stat().st_uid
    if owner != os.geteuid():
        try:
            name = pwd.getpwuid(owner).pw_name
        except KeyError:
            name = str(owner)
        raise operator.fail("cli.wrong_user", folder=state, user=name)


def help_of(name: str) -> str:
    """The help text of a command or option. Help is English; what a command prints follows `--language`."""
    return words.say("en", f"cli.help_{name}")


def sub_app(name: str) -> typer.Typer:
    """A group of commands."""
    return typer.Typer(no_args_is_help=True, help=help_of(name))


def _cell(value: object) -> str:
    if isinstance(value, Mapping):
        return " / ".join(str(one) for one in value.values())
    if isinstance(value, list | tuple):
        return ", ".join(str(one) for one in value)
    return "–" if value is None else str(value)


def _print_table(lines: Sequence[Sequence[str]]) -> None:
    widths = [max(columns_of(line[at]) for line in lines) for at in range(len(lines[0]))]
    for line in lines:
        cells = (cell + " " * (width - columns_of(cell)) for cell, width in zip(line, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def columns_of(text: str) -> int:
    """How many columns of a terminal a text takes: a Korean syllable takes two, an accent none.

    Source: Unicode Standard Annex 11, East Asian Width.
    """
    wide = sum(unicodedata.east_asian_width(sign) in {"W", "F"} for sign in text)
    return len(text) + wide - sum(unicodedata.combining(sign) != 0 for sign in text)
