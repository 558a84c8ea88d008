"""`onggi data …`: build data sets and check them. Needs no running Onggi and no rights beyond the
folder's.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer

from hub.cli.operator import Operator, readable_errors
from hub.data import nafld, synth, verify
from onggi import words
from onggi.manifest import Manifest

data_app = typer.Typer(no_args_is_help=True, help=words.say("en", "data.help_app"))


def _help(name: str) -> str:
    return words.say("en", f"data.help_{name}")


def _sibling_python() -> Path:
    """The compute environment lies beside the one that runs this."""
    return Path(sys.prefix).parent / "compute" / "bin" / "python"


Out = Annotated[Path, typer.Option("--out", help=_help("out"))]
Language = Annotated[str | None, typer.Option("--language", help=_help("language"))]


@data_app.command("nafld", help=_help("nafld"))
def nafld_command(
    ctx: typer.Context,
    out: Out,
    compute_python: Annotated[
        Path, typer.Option("--compute-python", help=_help("compute_python"), default_factory=_sibling_python)
    ],
    language: Language = None,
) -> None:
    """Build the NAFLD cohort."""
    started, spoken = time.monotonic(), _spoken(ctx, language)
    with readable_errors(spoken):
        manifest = nafld.build(out.absolute(), compute_python.absolute())
        _report(spoken, "built", manifest, out, started)


@data_app.command("synth", help=_help("synth"))
def synth_command(
    ctx: typer.Context,
    out: Out,
    rows: Annotated[float, typer.Option("--rows", help=_help("rows"))] = 1e6,
    seed: Annotated[int, typer.Option("--seed", help=_help("seed"))] = 1,
    language: Language = None,
) -> None:
    """Make synthetic claims."""
    started, spoken = time.monotonic(), _spoken(ctx, language)
    with readable_errors(spoken):
        manifest = synth.build(out.absolute(), int(rows), seed)
        _report(spoken, "built", manifest, out, started)


@data_app.command("verify", help=_help("verify"))
def verify_command(
    ctx: typer.Context,
    folder: Annotated[Path, typer.Argument(help=_help("folder"))],
    language: Language = None,
) -> None:
    """Check a data-set folder."""
    started, spoken = time.monotonic(), _spoken(ctx, language)
    with readable_errors(spoken):
        manifest = verify.verify(folder)
        _report(spoken, "verified", manifest, folder, started)


def _spoken(ctx: typer.Context, language: str | None) -> str:
    """The language asked for here, else before the command, else the default."""
    operator = ctx.find_object(Operator)
    return language or (operator.language if operator else words.DEFAULT_LANGUAGE)


def _report(language: str, name: str, manifest: Manifest, place: Path, started: float) -> None:
    facts = {
        "name": manifest.name,
        "version": manifest.version,
        "folder": place,
        "rows": f"{sum(table.rows for table in manifest.tables):,}",
        "tables": len(manifest.tables),
        "files": sum(len(table.files) for table in manifest.tables),
        "seconds": f"{time.monotonic() - started:.1f}",
    }
    typer.echo(words.say(language, f"data.{name}", **facts))
    for table in manifest.tables:
        typer.echo("  " + words.say(language, "data.table_rows", table=table.name, rows=f"{table.rows:,}"))
    typer.echo(words.say(language, "data.synthetic_yes" if manifest.synthetic else "data.synthetic_no"))
    typer.echo(words.say(language, "data.shown_licence", licence=manifest.licence))
    typer.echo(words.say(language, "data.shown_source", source=manifest.source))
    typer.echo(words.say(language, "data.manifest_sha256", digest=manifest.sha256()))
