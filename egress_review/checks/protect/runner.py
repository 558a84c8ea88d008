"""Runs the protecting worker in a box and reads its answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from egress_review.checks.boxed import SCRATCH, Worker, ask_worker
from egress_review.checks.findings import FindingCode
from egress_review.checks.protect.job import ProtectAnswer, ProtectJob, Stopped, answer_from_json
from egress_review.checks.refusal import CheckStopped
from onggi.errors import Invalid
from onggi.sandbox import Bind

_WORKER = Worker(("-B", "-m", "egress_review.checks.protect.worker"))


def run_protect(job: ProtectJob, worker: Worker = _WORKER) -> ProtectAnswer | Stopped:
    """Protect a table in a box. Blocks for seconds.

    Args:
        job: with paths of this machine.
        worker: what is started in the box; only tests give another.

    Raises:
        CheckStopped: there is no answer, or it is none.
    """
    inside = tuple(replace(one, folder=f"/data/{one.name}/{one.version}") for one in job.datasets)
    folders = zip((Path(one.folder).resolve() for one in job.datasets), inside, strict=True)
    binds = [Bind(str(folder), shown.folder) for folder, shown in folders if folder.is_dir()]
    said = ask_worker(replace(job, datasets=inside, scratch=SCRATCH), binds, worker)
    try:
        return answer_from_json(said)
    except Invalid:
        raise CheckStopped(FindingCode.ANSWER_UNREADABLE, cause="form") from None
