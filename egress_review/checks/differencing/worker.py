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
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

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
from egress_review.checks.differencing.search import Found, search
from egress_review.checks.differencing.sets import Sets, from_bytes, to_bytes
from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.opening import load_manifest, open_source
from egress_review.checks.worker_status import OUT_OF_MEMORY
from onggi.claim import Claim, claim_from_json
from onggi.errors import OnggiError
from onggi.manifest import Manifest

SHARE_OF_TIME = 0.8
"""Of the box's time, for everything but the answer."""


def answer(job: DifferencingJob) -> DifferencingAnswer:
    """Do the job."""
    deadline = time.monotonic() + job.policy.time_s * SHARE_OF_TIME
    made = [_made(one, job) for one in job.tables]
    known = [one for one in made if isinstance(one, _Made)]
    loads = [partial(_load, one) for one in job.ledger]
    try:
        found = search([one.remembered.sets for one in known], loads, job.policy.min_persons, deadline)
    except ValueError:
        # A table of the ledger is not what it was: nothing can be compared with it.
        found = Found((), complete=False)
    tables = tuple(one.answer(keep=job.keep) if isinstance(one, _Made) else TableAnswer(one) for one in made)
    places = [-1 - at for at, one in enumerate(made) if isinstance(one, _Made)]
    return DifferencingAnswer(tables, tuple(hit.renumbered(places) for hit in found.hits), found.complete)


class _Made:
    """A table whose sets could be made."""

    def __init__(self, remembered: Remembered, *, rounded_to: int) -> None:
        self.remembered = remembered
        self._rounded_to = rounded_to

    def answer(self, *, keep: bool) -> TableAnswer:
        sets = to_bytes(self.remembered.sets) if keep else b""
        return TableAnswer(None, self.remembered.numbers, self._rounded_to, sets)


def _made(table: TableToRemember, job: DifferencingJob) -> _Made | FindingCode:
    try:
        claim = _claim(table.claim)
        pairs = [_granted(name, version, job) for name, version in claim.datasets]
        query = read_query(claim, Catalogue(manifest for manifest, _ in pairs))
        source = open_source(pairs, Path(job.scratch), job.policy.memory_bytes // 2)
        with source.connect() as database:
            return _Made(
                remember(database, query, job.policy.max_cells, table.withheld, claim.margin),
                rounded_to=claim.rounding.base if claim.rounding else 0,
            )
    except CheckStopped as stopped:
        return stopped.finding.code
    except RecursionError:
        return FindingCode.SQL_UNREADABLE


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
