"""`onggi audit …` and `onggi certificate …`.

`verify` needs the file and the public key only: no state folder, no service, no network. Status 0: everything
holds; 1: something does not, and the lines say what; 64: the command was not understood, or a file cannot be
read. Without the rest of Onggi: `python -m egress_review.cli`.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from egress_review.audit.checkpoint import Checkpoint, open_checkpoint
from egress_review.audit.findings import Found
from egress_review.audit.note import MAX_NOTE_BYTES, NoteVerifier, read_verifier
from egress_review.audit.verify import verify_export
from egress_review.bad_usage import BAD_USAGE, Command
from egress_review.certificates.verify import verify_certificate
from onggi.errors import Invalid, OnggiError
from onggi.words import DEFAULT_LANGUAGE, explain, say

if TYPE_CHECKING:
    from egress_review.audit.notary import Notary, Transaction

__all__ = ["audit_app", "certificate_app"]

TAMPERED = 1
EXPORT_NAME = "audit-log.jsonl"
KEY_NAME = "audit-log.pub"
_MAX_CERTIFICATE_BYTES = 8 * 1024 * 1024


def _help(name: str) -> str:
    return say("en", f"audit.help_{name}")


audit_app = typer.Typer(no_args_is_help=True, help=_help("audit"))
certificate_app = typer.Typer(no_args_is_help=True, help=_help("certificate"))

_Key = Annotated[str, typer.Option("--key", help=_help("key_option"))]
_Checkpoints = Annotated[list[str] | None, typer.Option("--checkpoint", help=_help("checkpoint_option"))]
_Files = Annotated[list[str] | None, typer.Option("--file", help=_help("file_option"))]
_State = Annotated[Path | None, typer.Option("--state", help=_help("state_option"))]
_Target = Annotated[Path, typer.Argument(help=_help("target"))]
_Export = Annotated[Path, typer.Argument(help=_help("export_file"))]
_Certificate = Annotated[Path, typer.Argument(help=_help("certificate_file"))]


@audit_app.command("verify", cls=Command, help=_help("verify"))
def verify_log(ctx: typer.Context, file: _Export, key: _Key, checkpoint: _Checkpoints = None) -> None:
    """Check an export with the public key alone."""
    verifier = _verifier(ctx, key)
    earlier = _checkpoints(ctx, checkpoint or (), verifier)
    try:
        with file.open("rb") as lines:
            report = verify_export(lines, verifier, earlier)
    except OSError:
        _bad(ctx, "usage_file", path=file)
    root = report.newest.root.hex() if report.newest else ""
    _finish(ctx, report.findings, size=report.size, root=root)
    _tell(ctx, "verified_log", size=report.size, root=root)


@audit_app.command("export", cls=Command, help=_help("export"))
def export_log(ctx: typer.Context, target: _Target, state: _State = None) -> None:
    """Write the log and its public key for third parties."""
    from egress_review.audit.export import export_lines, write_export

    folder = os.path.isdir(target)  # noqa: PTH112 - False where we may not look, too
    path = target / EXPORT_NAME if folder else target
    with _readable(ctx), _log(ctx, state) as (notary, transaction):
        newest = notary.checkpoint()
        with transaction() as log:
            write_export(path, export_lines(log, notary.origin, newest))
        if folder:
            write_export(target / KEY_NAME, [f"{notary.public_key}\n".encode()])
    _tell(ctx, "exported", size=newest.size, path=path)


@audit_app.command("key", cls=Command, help=_help("key"))
def public_key(ctx: typer.Context, state: _State = None) -> None:
    """Print the public key of the log."""
    with _readable(ctx), _log(ctx, state) as (notary, _):
        typer.echo(notary.public_key)


@audit_app.command("checkpoint", cls=Command, help=_help("checkpoint"))
def newest_checkpoint(ctx: typer.Context, state: _State = None) -> None:
    """Sign and print a checkpoint, to be kept elsewhere."""
    with _readable(ctx), _log(ctx, state) as (notary, _):
        typer.echo(notary.checkpoint().note, nl=False)


@certificate_app.command("verify", cls=Command, help=_help("certificate_verify"))
def verify_release(ctx: typer.Context, certificate: _Certificate, key: _Key, file: _Files = None) -> None:
    """Check a certificate, and the files that came with it, with the public key alone."""
    verifier = _verifier(ctx, key)
    hashes = {Path(path).name: _sha256(ctx, Path(path)) for path in file or ()}
    data = _content(ctx, certificate, _MAX_CERTIFICATE_BYTES)
    report = verify_certificate(data, verifier, hashes)
    _finish(ctx, report.findings)
    found = report.certificate
    if found is not None:
        about = {"release": found.release, "project": found.project, "index": found.index}
        _tell(ctx, "verified_certificate", size=found.checkpoint.size, **about)
        for name, sha256 in found.files.items() if not _as_json(ctx) else ():
            _tell(ctx, "verified_file", name=name, sha256=sha256)


def _verifier(ctx: typer.Context, key: str) -> NoteVerifier:
    """From the key itself, or from a file that holds it."""
    if "+" not in key and not os.path.isfile(key):  # noqa: PTH113 - False where we may not look, too
        _bad(ctx, "usage_file", path=key[:80])
    try:
        text = Path(key).read_text("utf-8")[:MAX_NOTE_BYTES] if Path(key).is_file() else key
        return read_verifier(text)
    except (Invalid, OSError, ValueError):
        _bad(ctx, "usage_key", value=key[:80])


def _checkpoints(ctx: typer.Context, paths: Sequence[str], verifier: NoteVerifier) -> tuple[Checkpoint, ...]:
    opened = []
    for path in paths:
        note = _content(ctx, Path(path), MAX_NOTE_BYTES).decode("utf-8", "replace")
        try:
            opened.append(open_checkpoint(note, verifier))
        except OnggiError:
            _bad(ctx, "usage_checkpoint", path=path)
    return tuple(opened)


def _content(ctx: typer.Context, path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError:
        _bad(ctx, "usage_file", path=path)


def _sha256(ctx: typer.Context, path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        _bad(ctx, "usage_file", path=path)


@contextmanager
def _log(ctx: typer.Context, state: Path | None) -> Iterator[tuple[Notary, Transaction]]:
    """The notary and reading transactions of the installation in the state folder."""
    from egress_review.audit.keys import load_or_create_signer
    from egress_review.audit.notary import Notary
    from egress_review.settings import ReviewSettings
    from egress_review.store.engine import open_engine
    from egress_review.wiring import log_reading, log_transaction

    given = state or getattr(getattr(_root(ctx), "settings", None), "state", None)
    settings = ReviewSettings(state=given.absolute()) if given else ReviewSettings()
    key = settings.keys / "audit.pem"
    if not key.exists():
        _bad(ctx, "usage_file", path=key)
    engine = open_engine(settings.database)
    try:
        guard = settings.keys / "last-checkpoint"
        yield Notary(load_or_create_signer(key), log_transaction(engine), guard), log_reading(engine)
    finally:
        engine.dispose()


@contextmanager
def _readable(ctx: typer.Context) -> Iterator[None]:
    """An error as a sentence, and status 1."""
    try:
        yield
    except OnggiError as error:
        typer.echo(explain(_language(ctx), error.reason, error.params), err=True)
        raise typer.Exit(TAMPERED) from None


def _finish(ctx: typer.Context, findings: Sequence[Found], **facts: object) -> None:
    """Print what does not hold and end with status 1; go on if nothing."""
    if _as_json(ctx):
        shown = [{"code": one.code.value, "params": dict(one.params)} for one in findings]
        typer.echo(json.dumps({"ok": not findings, "findings": shown, **facts}, ensure_ascii=False))
    elif findings:
        for one in findings:
            typer.echo(one.say(_language(ctx)))
        typer.echo(say(_language(ctx), "audit.failed", count=len(findings)), err=True)
    if findings:
        raise typer.Exit(TAMPERED)


def _tell(ctx: typer.Context, sentence: str, /, **params: object) -> None:
    if not _as_json(ctx):
        typer.echo(say(_language(ctx), f"audit.{sentence}", **params))


def _bad(ctx: typer.Context, sentence: str, /, **params: object) -> NoReturn:
    typer.echo(say(_language(ctx), f"audit.{sentence}", **params), err=True)
    raise typer.Exit(BAD_USAGE)


def _root(ctx: typer.Context) -> Any:
    """What the root command says about language and installation, if there is one."""
    return ctx.find_root().obj


def _language(ctx: typer.Context) -> str:
    return str(getattr(_root(ctx), "language", DEFAULT_LANGUAGE))


def _as_json(ctx: typer.Context) -> bool:
    return bool(getattr(_root(ctx), "as_json", False))


if __name__ == "__main__":
    both = typer.Typer(no_args_is_help=True, add_completion=False)
    both.add_typer(audit_app, name="audit")
    both.add_typer(certificate_app, name="certificate")
    both()
