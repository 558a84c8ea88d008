"""`onggi ledger …`: show the ledger of releases, hold it against the audit log, make it again from claims.

Status 0: everything holds; 1: something does not, and the lines say what; 64: bad usage.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from egress_review.bad_usage import BAD_USAGE, Command
from onggi.errors import NotFound, OnggiError
from onggi.words import DEFAULT_LANGUAGE, explain, say

if TYPE_CHECKING:
    from egress_review.ledger.domain import Entry
    from egress_review.ledger.proving import Logged, Said
    from egress_review.settings import ReviewSettings
    from egress_review.store.sql import SqlReviewStore

__all__ = ["ledger_app"]

FAILED = 1


def _help(name: str) -> str:
    return say("en", f"ledger.help_{name}")


ledger_app = typer.Typer(no_args_is_help=True, help=_help("ledger"))
_State = Annotated[Path | None, typer.Option("--state", help=_help("state_option"))]
_Position = Annotated[int | None, typer.Argument(help=_help("position"))]


@dataclass(frozen=True, slots=True)
class _Opened:
    settings: ReviewSettings
    store: SqlReviewStore
    logged: Logged


@ledger_app.command("show", cls=Command, help=_help("show"))
def show(ctx: typer.Context, position: _Position = None, state: _State = None) -> None:
    """List the entries, or the numbers of one."""
    with _ledger(ctx, state) as opened:
        if position is None:
            for entry in opened.store.ledger.entries():
                _print(ctx, _line(entry), _summary(entry))
            return
        entry = opened.store.ledger.entry(position)
        for number in entry.numbers:
            cell = ", ".join(f"{name} = {value}" for name, value in number.key.items())
            text = f"{cell or '–'}\t{number.measure}\t{number.value}\t{number.persons}"
            _print(ctx, text, number.to_json())


@ledger_app.command("verify", cls=Command, help=_help("verify"))
def verify_ledger(ctx: typer.Context, state: _State = None) -> None:
    """Hold the ledger against the audit log."""
    from egress_review.ledger.proving import verify
    from egress_review.vault import Vault

    with _ledger(ctx, state) as opened:
        said = list(verify(opened.store, Vault(opened.settings.ledger), opened.logged))
        _finish(ctx, said, len(opened.logged.entries))


@ledger_app.command("rebuild", cls=Command, help=_help("rebuild"))
def rebuild_ledger(ctx: typer.Context, state: _State = None) -> None:
    """Make every entry again from its claim."""
    from egress_review.checks.differencing.runner import run_differencing
    from egress_review.granted import dataset_folder
    from egress_review.ledger.proving import rebuild
    from egress_review.ledger.remembering import Ledger
    from egress_review.people import People
    from egress_review.vault import Vault
    from onggi.clock import SystemClock
    from web.clients import DeskClient
    from web.tokens import token_of

    with _ledger(ctx, state) as opened:
        settings = opened.settings
        people = People(DeskClient(settings.origin("desk"), token_of(settings.secrets, "review")))
        ledger = Ledger(Vault(settings.ledger), run_differencing, settings.check_policy)
        said = rebuild(opened.store, ledger, opened.logged, dataset_folder(people), SystemClock())
        _finish(ctx, said, len(opened.logged.released))


@contextmanager
def _ledger(ctx: typer.Context, state: Path | None) -> Iterator[_Opened]:
    """The ledger of the installation in the state folder; an error as a sentence, and its status."""
    from egress_review.audit.sql import SqlAuditLog, SqlEventLog
    from egress_review.ledger.proving import logged
    from egress_review.settings import ReviewSettings
    from egress_review.store.engine import open_engine, reading
    from egress_review.store.sql import SqlReviewStore
    from onggi.events import event_from_json

    given = state or getattr(getattr(_root(ctx), "settings", None), "state", None)
    settings = ReviewSettings(state=given.absolute()) if given else ReviewSettings()
    if not (settings.keys / "audit.pem").exists():
        typer.echo(say(_language(ctx), "ledger.usage_state", path=settings.folder), err=True)
        raise typer.Exit(BAD_USAGE)
    engine = open_engine(settings.database)
    try:
        with reading(engine) as connection:
            events = SqlAuditLog(connection).events()
            found = logged((one.index, event_from_json(json.loads(one.body))) for one in events)
        yield _Opened(settings, SqlReviewStore(engine, SqlEventLog()), found)
    except OnggiError as error:
        typer.echo(explain(_language(ctx), error.reason, error.params), err=True)
        raise typer.Exit(BAD_USAGE if isinstance(error, NotFound) else FAILED) from None
    finally:
        engine.dispose()


def _line(entry: Entry) -> str:
    datasets = ", ".join(f"{name} {version}" for name, version in entry.datasets) or "–"
    about = entry.blind.value if entry.blind else str(len(entry.numbers))
    return f"{entry.position}\t{entry.release} №{entry.output}\t{entry.project}\t{datasets}\t{about}"


def _summary(entry: Entry) -> dict[str, Any]:
    content = {name: value for name, value in entry.content().items() if name != "numbers"}
    return {"position": entry.position, **content, "numbers": len(entry.numbers)}


def _finish(ctx: typer.Context, found: Iterable[Said], count: int) -> None:
    """Print what was found, and end with status 1 if something does not hold."""
    wrong = 0
    for one in found:
        wrong += not one.proof.good
        text = say(_language(ctx), f"ledger.{one.proof.value}", **one.params)
        _print(ctx, text, {"code": one.proof.value, "params": dict(one.params)})
    if wrong:
        raise typer.Exit(FAILED)
    if not _as_json(ctx):
        typer.echo(say(_language(ctx), "ledger.holds", count=count))


def _print(ctx: typer.Context, text: str, body: object) -> None:
    typer.echo(json.dumps(body, ensure_ascii=False) if _as_json(ctx) else text)


def _root(ctx: typer.Context) -> Any:
    """What the root command says about language and installation, if there is one."""
    return ctx.find_root().obj


def _language(ctx: typer.Context) -> str:
    return str(getattr(_root(ctx), "language", DEFAULT_LANGUAGE))


def _as_json(ctx: typer.Context) -> bool:
    return bool(getattr(_root(ctx), "as_json", False))


if __name__ == "__main__":
    ledger_app()
