"""`onggi check FILE --claim CLAIM.json --data DIR --profile NAME --json`: the checks as one black box.

The file, its claim and a folder of data go in; the verdict, every number with its evidence, and the findings
come out. It runs in the same sandbox as the gate's own checks. Status 0: pass; 1: review; 2: block; 3: not
proven; 64: the command was not understood.
"""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from egress_review.bad_usage import BAD_USAGE, Command
from egress_review.check_print import as_json, as_text
from egress_review.checks.findings import FindingCode, Verdict
from egress_review.checks.job import CheckJob, DatasetFolder, OutputToCheck
from egress_review.checks.policy import CheckPolicy, Engine
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.rules.document import profile_at
from egress_review.checks.rules.profile import Profile
from egress_review.checks.runner import run_checks
from onggi.claim import UNKNOWN_KEY, claim_for_check
from onggi.errors import Invalid, OnggiError
from onggi.manifest import MANIFEST_FILE, MAX_MANIFEST_BYTES
from onggi.words import DEFAULT_LANGUAGE, explain, say

__all__ = ["check_app"]

STATUS = {Verdict.PASS: 0, Verdict.REVIEW: 1, Verdict.BLOCK: 2, Verdict.NOT_PROVEN: 3}
_MIB = 1024**2
_MOST_CPUS = 2
_MOST_WORKERS = 64
_MAX_TEXT_BYTES = 256 * 1024
_DATA = ("data", "1")
_REGISTERED_KEY = "v"
"""Only the manifest of a registered data set has it."""


def _help(name: str) -> str:
    return say("en", f"check.help_{name}")


check_app = typer.Typer(add_completion=False)
_File = Annotated[Path, typer.Argument(help=_help("file"))]
_Claim = Annotated[Path, typer.Option("--claim", help=_help("claim"))]
_Data = Annotated[Path, typer.Option("--data", help=_help("data"))]
_Profile = Annotated[str, typer.Option("--profile", help=_help("profile"))]
_Json = Annotated[bool, typer.Option("--json", help=_help("json"))]
_Time = Annotated[int, typer.Option("--time", min=1, max=86_400, help=_help("time"))]
_Engine = Annotated[Engine, typer.Option("--engine", help=_help("engine"))]
_Workers = Annotated[int, typer.Option("--workers", min=1, max=_MOST_WORKERS, help=_help("workers"))]
_Memory = Annotated[int, typer.Option("--memory", min=256, max=1_048_576, help=_help("memory"))]


@check_app.command("check", cls=Command, help=_help("check"))
def check(  # noqa: PLR0913 - the options of a command
    ctx: typer.Context,
    file: _File,
    claim: _Claim,
    data: _Data,
    profile: _Profile,
    *,
    json_: _Json = False,
    time: _Time = 600,
    memory: _Memory = 3072,
    engine: _Engine = Engine.DUCKDB,
    workers: _Workers = 2,
) -> None:
    """Check one table of any system against its source."""
    language = _language(ctx)
    rules = _rules(language, profile)
    policy = CheckPolicy(
        profile=rules,
        time_s=float(time),
        memory_bytes=memory * _MIB,
        cpus=min(workers if engine is Engine.DASK else _MOST_CPUS, os.cpu_count() or 1),
        report_cells=200_000,
        canonical=False,
        max_answer_bytes=512 * _MIB,
        engine=engine,
        workers=workers,
    )
    manifest = _manifest(language, data, rules)
    output = _output(language, file, _claim(language, claim, file))
    folder = DatasetFolder(*_DATA, str(data.resolve()), outside=True)
    try:
        (report,) = run_checks(CheckJob((output,), (folder,), policy)).outputs
    except OnggiError as error:
        _bad(explain(language, error.reason, error.params))
    if any(one.code is FindingCode.DATASET_UNREADABLE for one in report.findings):
        _about_manifest(language, data, manifest)
    wanted_json = json_ or bool(getattr(ctx.find_root().obj, "as_json", False))
    typer.echo(as_json(report, rules) if wanted_json else as_text(report, rules, language))
    raise typer.Exit(STATUS[report.verdict])


def _rules(language: str, name: str) -> Profile:
    """A shipped profile by its name, or one's own by the path of its YAML document."""
    try:
        return profile_at(name)
    except Invalid as error:
        _bad(say(language, "check.usage_profile", name=name, field=error.params.get("field", "")))


def _manifest(language: str, data: Path, rules: Profile) -> dict[str, Any]:
    """What the folder says of itself; persons cannot be counted if no column is said to name them."""
    if not data.is_dir():
        _bad(say(language, "check.usage_data", path=data))
    path = data / MANIFEST_FILE
    body = _object(language, path, MAX_MANIFEST_BYTES) if path.is_file() else {}
    if not rules.counts_rows and not body.get("unit_column"):
        _bad(say(language, "check.usage_unit", path=path, profile=rules.name))
    return body


def _about_manifest(language: str, data: Path, body: dict[str, Any]) -> None:
    """Says which key of a small manifest is none, or not as it must be.

    Asked only where the folder could not be read: what it takes to read one is slow to load.
    """
    from egress_review.checks.source.folder import read_small_manifest

    if _REGISTERED_KEY in body:
        return
    try:
        read_small_manifest(data)
    except CheckStopped as stopped:
        field = stopped.finding.params["cause"]
        _bad(say(language, "check.usage_manifest", path=data / MANIFEST_FILE, field=field))


def _claim(language: str, path: Path, file: Path) -> dict[str, Any]:
    """The claim as it will be read in the box; what it does not say of the file is said here."""
    body = _object(language, path, _MAX_TEXT_BYTES)
    try:
        read = claim_for_check(body, file, (_DATA,))
    except OSError:
        _bad(say(language, "check.usage_file", path=file))
    except OnggiError as error:
        _bad(_about_claim(language, path, error))
    return {**body, "format": read.format.value}


def _about_claim(language: str, path: Path, error: OnggiError) -> str:
    """Which key of a claim is not as it must be, and what stands there."""
    field, value = error.params.get("field", ""), error.params.get("value", "")
    if field == UNKNOWN_KEY:
        return say(language, "check.usage_claim_key", path=path, field=value)
    return say(language, "check.usage_claim", path=path, field=field, value=value)


def _output(language: str, file: Path, claim: dict[str, Any]) -> OutputToCheck:
    try:
        with file.open("rb") as raw:
            sha256 = hashlib.file_digest(raw, "sha256").hexdigest()
    except OSError:
        _bad(say(language, "check.usage_file", path=file))
    return OutputToCheck(file.name, sha256, str(file.resolve()), claim)


def _object(language: str, path: Path, most: int) -> dict[str, Any]:
    try:
        body = json.loads(_text(language, path, most))
    except (ValueError, RecursionError):
        body = None
    if not isinstance(body, dict):
        _bad(say(language, "check.usage_json", path=path))
    return body


def _text(language: str, path: Path, most: int = _MAX_TEXT_BYTES) -> str:
    try:
        with path.open("rb") as file:
            return file.read(most + 1).decode("utf-8")
    except (OSError, UnicodeDecodeError):
        _bad(say(language, "check.usage_file", path=path))


def _bad(sentence: str) -> NoReturn:
    typer.echo(sentence, err=True)
    raise typer.Exit(BAD_USAGE)


def _language(ctx: typer.Context) -> str:
    return str(getattr(ctx.find_root().obj, "language", DEFAULT_LANGUAGE))


if __name__ == "__main__":
    check_app()
