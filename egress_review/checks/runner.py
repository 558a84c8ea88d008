"""Runs the checks over the outputs of a request, each in a box of its own.

Guarantees: what is checked is the vault file whose SHA-256 was recorded at submission; a report that comes
back has the right shape and is about that file; whatever goes wrong with a worker makes its output *not
proven*, never passed.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from egress_review.checks.boxed import OUTPUT, SCRATCH, Worker, ask_worker
from egress_review.checks.findings import FindingCode
from egress_review.checks.job import CheckJob, DatasetFolder, OutputToCheck
from egress_review.checks.order import Order
from egress_review.checks.refusal import CheckStopped, clip
from egress_review.checks.report import CheckReport, OutputReport, output_report_from_json
from onggi.errors import Invalid, Tampered
from onggi.reasons import Reason
from onggi.sandbox import Bind

_BLOCK = 1024**2


def run_checks(job: CheckJob, worker: Worker | None = None) -> CheckReport:
    """Check every output of `job`. Blocks for seconds per output: call it from a thread of its own.

    Args:
        job: the outputs, the granted data sets and the policy.
        worker: what is started in the boxes; only tests give one.

    Raises:
        Tampered: a vault file is missing or not what was submitted.
    """
    reports = tuple(_check(one, job, worker or Worker()) for one in job.outputs)
    engines = sorted({one.engine for one in reports if one.engine})
    return CheckReport(reports, policy_version=job.policy.version, engine=", ".join(engines))


def _check(output: OutputToCheck, job: CheckJob, worker: Worker) -> OutputReport:
    _verify(output)
    inside = tuple(replace(one, folder=f"/data/{one.name}/{one.version}") for one in job.datasets)
    order = Order(output.name, output.sha256, OUTPUT, SCRATCH, output.claim, inside, job.policy)
    try:
        binds = [Bind(str(Path(output.path).resolve()), OUTPUT), *_data_binds(job.datasets, inside)]
        return _read(ask_worker(order, binds, worker), order)
    except CheckStopped as stopped:
        return OutputReport(
            clip(output.name), output.sha256, "", (stopped.finding,), policy_version=job.policy.version
        )


def _data_binds(datasets: Iterable[DatasetFolder], inside: Iterable[DatasetFolder]) -> Iterator[Bind]:
    """The data sets that are there. The worker says which is missing if a claim needs one that is not."""
    for one, shown in zip(datasets, inside, strict=True):
        folder = Path(one.folder).resolve()
        if folder.is_dir():
            yield Bind(str(folder), shown.folder)


def _verify(output: OutputToCheck) -> None:
    digest = hashlib.sha256()
    try:
        descriptor = os.open(output.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError:
        raise Tampered(Reason.DATA_HASH_MISMATCH, file=output.name) from None
    with os.fdopen(descriptor, "rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    if digest.hexdigest() != output.sha256:
        raise Tampered(Reason.DATA_HASH_MISMATCH, file=output.name)


def _read(answer: bytes, order: Order) -> OutputReport:
    """The report in a worker's answer.

    Raises:
        CheckStopped: `answer_unreadable`, if it is not a report, or not on this file under this policy.
    """
    try:
        report = output_report_from_json(json.loads(answer))
    except (Invalid, ValueError, RecursionError):
        raise CheckStopped(FindingCode.ANSWER_UNREADABLE, cause="form") from None
    said = (report.output, report.sha256, report.policy_version)
    if said != (clip(order.name), order.sha256, order.policy.version):
        raise CheckStopped(FindingCode.ANSWER_UNREADABLE, cause="subject")
    return report
