"""The worker: protects the table of a claim in a box and says what it costs, as JSON on its standard output.

python -m egress_review.checks.protect.worker < job.json
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.protect.job import ProtectJob, job_from_json
from egress_review.checks.protect.of_claim import protect_claim, said
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.source.granted import read_granted
from egress_review.checks.worker_status import OUT_OF_MEMORY


def answer(job: ProtectJob) -> dict[str, Any]:
    """Do the job."""
    try:
        granted = read_granted(job.claim, Path(job.scratch), job.datasets)
        return protect_claim(granted, job)
    except CheckStopped as stopped:
        return {"stopped": said(stopped.finding)}
    except RecursionError:
        return {"stopped": said(finding(FindingCode.SQL_UNREADABLE))}


def main() -> None:
    """Read the job, write the answer."""
    body: Any = json.loads(sys.stdin.buffer.read())
    sys.stdout.write(json.dumps(answer(job_from_json(body)), ensure_ascii=True))
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
