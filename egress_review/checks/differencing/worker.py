"""The worker: makes the sets of persons behind tables and compares them with the ledger, in a box.

    python -m egress_review.checks.differencing.worker < job.json

The answer is a line of JSON, then the sets of each table one after the other if they are kept. It reads
claims, which are hostile, and the ledger's sets, which earlier runs made from claims; no submitted file.
"""

from __future__ import annotations

import hashlib
import json
import sys
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from egress_review.checks.attack.linked import Linked, attack_linked
from egress_review.checks.differencing.amounts import Vector
from egress_review.checks.differencing.job import (
    DifferencingAnswer,
    DifferencingJob,
    LedgerTable,
    TableAnswer,
    TableToRemember,
    hit_to_json,
    job_from_json,
)
from egress_review.checks.differencing.person_sets import Remembered, remember
from egress_review.checks.differencing.search import Found, Place, search
from egress_review.checks.differencing.sets import Sets, from_bytes, to_bytes
from egress_review.checks.differencing.triples import OverBudgetError
from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import HiddenRow
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding, bounded
from egress_review.checks.source.opening import load_manifest, open_source
from egress_review.checks.worker_status import OUT_OF_MEMORY
from onggi.claim import Claim, claim_from_json
from onggi.errors import OnggiError
from onggi.manifest import Manifest

SHARE_OF_TIME = 0.8
"""Of the box's time, for everything but the answer."""
SHARE_OF_ATTACK = 0.4
"""Of the box's time, until the attack on hidden numbers ends and the comparison of persons begins."""


def answer(job: DifferencingJob) -> DifferencingAnswer:
    """Do the job."""
    start = time.monotonic()
    deadline = start + job.policy.time_s * SHARE_OF_TIME
    made = [_made(one, job) for one in job.tables]
    known = [one for one in made if isinstance(one, _Made)]
    tables = [table for table, one in zip(job.tables, made, strict=True) if isinstance(one, _Made)]
    attacked = iter(_attacked(known, job, start + job.policy.time_s * SHARE_OF_ATTACK))
    loads = [partial(_load, one) for one in job.ledger]
    try:
        sets = [one.remembered.sets for one in known]
        stands = [
            [Place(frozenset(one.key), one.measure) for one in made_of.remembered.numbers]
            for made_of in known
        ]
        found = search(sets, loads, job.policy.min_persons, deadline, stands, partial(_again, tables, job))
    except ValueError:
        # A table of the ledger is not what it was: nothing can be compared with it.
        found = Found((), complete=False)
    answers = tuple(
        one.answer(next(attacked), keep=job.keep) if isinstance(one, _Made) else TableAnswer(one)
        for one in made
    )
    places = [-1 - at for at, one in enumerate(made) if isinstance(one, _Made)]
    return DifferencingAnswer(answers, tuple(hit.renumbered(places) for hit in found.hits), found.complete)


@dataclass(frozen=True, slots=True)
class _Made:
    """A table whose sets could be made; `linked` if its numbers add up, None for a model."""

    claim: Claim
    remembered: Remembered
    linked: Linked | None

    def answer(self, findings: Sequence[Finding], *, keep: bool) -> TableAnswer:
        """What is said of it."""
        rounding = self.claim.rounding
        sets = to_bytes(self.remembered.sets) if keep else b""
        told, _ = bounded(findings, (), 0)
        return TableAnswer(None, self.remembered.numbers, rounding.base if rounding else 0, sets, told)


def _made(table: TableToRemember, job: DifferencingJob) -> _Made | FindingCode:
    try:
        return _remember(table.claim, table.hidden, job)
    except CheckStopped as stopped:
        return stopped.finding.code
    except RecursionError:
        return FindingCode.SQL_UNREADABLE


def _again(
    tables: Sequence[TableToRemember], job: DifferencingJob, number: int, wanted: Collection[int]
) -> Mapping[int, Vector]:
    """Vectors of a table, made again.

    Raises:
        OverBudgetError: they cannot be: the claim or its data-set version is not here.
    """
    table = job.ledger[number] if number >= 0 else tables[-1 - number]
    try:
        return _remember(table.claim or {}, table.hidden, job, wanted).remembered.vectors
    except (CheckStopped, RecursionError):
        raise OverBudgetError from None


def _attacked(request: Sequence[_Made], job: DifferencingJob, until: float) -> list[list[Finding]]:
    """What the tables of the request give away together, and with releases about the same versions."""
    new = [one.linked for one in request if one.linked is not None]
    versions = {one.claim.datasets for one in new}
    released: list[Linked] = []
    for one in job.ledger:
        claim = None if one.claim is None else _claim(one.claim)
        if claim is None or claim.model is not None or claim.datasets not in versions:
            continue
        try:
            released.append(_linked(claim, one.hidden, job, one.name))
        except (CheckStopped, RecursionError):
            # Released under other checks: what it shows is not known to this engine.
            unknown = finding(FindingCode.ATTACK_NOT_COVERED, None, cells=len(one.hidden))
            return [[] if made.linked is None else [unknown] for made in request]
    found = iter(attack_linked(new, released, job.policy, until))
    return [[] if one.linked is None else next(found) for one in request]


def _remember(
    body: Mapping[str, Any],
    hidden: tuple[HiddenRow, ...],
    job: DifferencingJob,
    vectors: Collection[int] = (),
) -> _Made:
    """What the ledger remembers of a claim."""
    claim = _claim(body)
    if claim.model is None:
        linked = _linked(claim, hidden, job)
        with linked.source.connect() as database:
            made = remember(database, linked.query, job.policy.max_cells, hidden, vectors)
        return _Made(claim, made, linked)
    from egress_review.checks.differencing.model_sets import remember_model  # pandas; tables do without

    pairs = [_granted(dataset, version, job) for dataset, version in claim.datasets]
    catalogue = Catalogue(manifest for manifest, _ in pairs)
    with open_source(pairs, Path(job.scratch), job.policy.memory_bytes // 2).connect() as database:
        return _Made(claim, remember_model(database, claim, claim.model, catalogue, vectors), None)


def _linked(claim: Claim, hidden: tuple[HiddenRow, ...], job: DifferencingJob, name: str = "") -> Linked:
    pairs = [_granted(dataset, version, job) for dataset, version in claim.datasets]
    query = read_query(claim, Catalogue(manifest for manifest, _ in pairs))
    source = open_source(pairs, Path(job.scratch), job.policy.memory_bytes // 2)
    return Linked(claim, query, source, hidden, name)


def _claim(body: Mapping[str, Any]) -> Claim:
    try:
        return claim_from_json(body)
    except OnggiError as error:
        raise CheckStopped(FindingCode.CLAIM_UNREADABLE, field=error.params.get("field", "")) from None


def _granted(name: str, version: str, job: DifferencingJob) -> tuple[Manifest, Path]:
    for one in job.datasets:
        if (one.name, one.version) == (name, version):
            return load_manifest(Path(one.folder), name, version), Path(one.folder)
    raise CheckStopped(FindingCode.DATASET_NOT_GRANTED, dataset=name, version=version)


def _load(table: LedgerTable) -> Sets:
    """The sets of a released table.

    Raises:
        ValueError: if they are missing or not what the ledger says.
    """
    try:
        raw = Path(table.path).read_bytes()
    except OSError:
        raise ValueError("missing") from None
    if hashlib.sha256(raw).hexdigest() != table.sha256:
        raise ValueError("changed")
    return from_bytes(raw)


def to_answer_bytes(said: DifferencingAnswer) -> bytes:
    """The wire form: a line of JSON, then the sets."""
    body = {
        "tables": [
            {
                "stopped": one.stopped.value if one.stopped else None,
                "numbers": [number.to_json() for number in one.numbers],
                "rounded_to": one.rounded_to,
                "bytes": len(one.sets),
                "findings": [each.to_json() for each in one.findings],
            }
            for one in said.tables
        ],
        "hits": [hit_to_json(hit) for hit in said.hits],
        "complete": said.complete,
    }
    text = json.dumps(body, separators=(",", ":")).encode()
    return b"".join([text, b"\n", *(one.sets for one in said.tables)])


def main() -> None:
    """Read the job, write the answer."""
    body: Any = json.loads(sys.stdin.buffer.read())
    sys.stdout.buffer.write(to_answer_bytes(answer(job_from_json(body))))
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
