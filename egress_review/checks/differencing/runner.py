"""Runs the differencing worker in a box and reads its answer.

Guarantees: the box sees the granted data sets and the ledger's sets read-only, and no submitted file; an
answer that comes back is about the job's tables, and names only numbers that exist. The sets in it stay
bytes that nobody here looks into.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from egress_review.checks.boxed import SCRATCH, Worker, ask_worker
from egress_review.checks.differencing.hits import MOST_HITS, Hit, Number
from egress_review.checks.differencing.job import (
    DifferencingAnswer,
    DifferencingJob,
    LedgerTable,
    TableAnswer,
    hit_from_json,
    mapping,
    number_from_json,
    refuse,
    whole,
)
from egress_review.checks.findings import ATTACK_UNPROVEN, FindingCode
from egress_review.checks.job import DatasetFolder
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.report import MAX_FINDINGS, finding_from_json
from onggi.errors import Invalid
from onggi.sandbox import Bind

MAX_ANSWER_BYTES = 512 * 1024**2
_WORKER = Worker(("-B", "-m", "egress_review.checks.differencing.worker"))
_LEDGER = "/ledger"
ATTACK_CODES = frozenset(
    {
        *ATTACK_UNPROVEN,
        FindingCode.CELL_RECOVERABLE,
        FindingCode.CELL_RECOVERABLE_BY_PERSON,
        FindingCode.INTERVAL_NARROW,
        FindingCode.INTERVAL_NARROW_REVIEW,
    }
)
"""What the box may say of a table besides the pairs that it found."""


def run_differencing(job: DifferencingJob, worker: Worker = _WORKER) -> DifferencingAnswer:
    """Do the job in a box. Blocks for seconds.

    Args:
        job: with paths of this machine.
        worker: what is started in the box; only tests give another.

    Raises:
        CheckStopped: there is no answer, or it is none.
    """
    datasets = tuple(replace(one, folder=f"/data/{one.name}/{one.version}") for one in job.datasets)
    ledger = tuple(replace(one, path=f"{_LEDGER}/{one.sha256}") for one in job.ledger)
    policy = replace(job.policy, max_answer_bytes=MAX_ANSWER_BYTES)
    inside = replace(job, datasets=datasets, ledger=ledger, policy=policy, scratch=SCRATCH)
    said = ask_worker(inside, _binds(job, datasets, ledger), worker)
    try:
        return _read(said, inside)
    except (Invalid, ValueError, RecursionError):
        raise CheckStopped(FindingCode.ANSWER_UNREADABLE, cause="form") from None


def _binds(
    job: DifferencingJob, datasets: Sequence[DatasetFolder], ledger: Sequence[LedgerTable]
) -> list[Bind]:
    binds = []
    for one, shown in zip(job.datasets, datasets, strict=True):
        folder = Path(one.folder).resolve()
        if folder.is_dir():
            binds.append(Bind(str(folder), shown.folder))
    paths = {shown.path: Path(one.path).resolve() for one, shown in zip(job.ledger, ledger, strict=True)}
    binds.extend(Bind(str(path), shown) for shown, path in paths.items() if path.is_file())
    return binds


def _read(said: bytes, job: DifferencingJob) -> DifferencingAnswer:
    line, _, sets = said.partition(b"\n")
    body = mapping(json.loads(line), {"tables", "hits", "complete"})
    if not isinstance(body["tables"], list) or len(body["tables"]) != len(job.tables):
        raise refuse("tables")
    tables = []
    for one in body["tables"]:
        table, size = _table(one, job)
        tables.append(replace(table, sets=sets[:size]))
        if len(sets) < size:
            raise refuse("sets")
        sets = sets[size:]
    if sets or not isinstance(body["complete"], bool):
        raise refuse("end")
    return DifferencingAnswer(tuple(tables), _hits(body["hits"], tables, job), body["complete"])


def _table(body: object, job: DifferencingJob) -> tuple[TableAnswer, int]:
    read = mapping(body, {"stopped", "numbers", "rounded_to", "bytes", "findings"})
    said = read["findings"]
    if not isinstance(read["numbers"], list) or not isinstance(said, list) or len(said) > MAX_FINDINGS:
        raise refuse("table")
    stopped = None if read["stopped"] is None else FindingCode(read["stopped"])
    size = whole(read["bytes"])
    if bool(size) != (job.keep and stopped is None):
        raise refuse("sets")
    numbers = tuple(map(number_from_json, read["numbers"]))
    findings = tuple(map(finding_from_json, said))
    if any(one.code not in ATTACK_CODES for one in findings):
        raise refuse("findings")
    return TableAnswer(stopped, numbers, whole(read["rounded_to"]), findings=findings), size


def _hits(body: Any, tables: Sequence[TableAnswer], job: DifferencingJob) -> tuple[Hit, ...]:
    if not isinstance(body, list) or len(body) > MOST_HITS:
        raise refuse("hits")
    hits = tuple(map(hit_from_json, body))
    for hit in hits:
        numbers = (hit.new, hit.whole, *hit.parts)
        if (
            not hit.new.is_new
            or hit.new not in numbers[1:]
            or not all(_exists(one, tables, job) for one in numbers)
        ):
            raise refuse("hit")
    return hits


def _exists(number: Number, tables: Sequence[TableAnswer], job: DifferencingJob) -> bool:
    """Whether the job has such a number; a number of the ledger is looked up by who asked."""
    if number.is_new:
        return -number.table <= len(tables) and number.place < len(tables[-1 - number.table].numbers)
    return number.table < len(job.ledger)
