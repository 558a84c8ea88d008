"""The worker: checks one output in a box and says what it found, as JSON on its standard output.

    python -m egress_review.checks.worker < order.json

It parses hostile files. Nothing is believed of it but a report of the right shape
(`report.output_report_from_json`), and it can do nothing but answer: no network, no writable file outside
its scratch folder.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from pathlib import Path
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.order import Order, order_from_json
from egress_review.checks.refusal import clip, finding
from egress_review.checks.report import OutputReport, TableCheck, bounded
from egress_review.checks.tables.sniff import TABLES, sniff
from egress_review.checks.worker_status import OUT_OF_MEMORY

_OBJECTS = 50_000
"""New objects between two searches for cycles: a short life makes many objects and few cycles."""


def check(order: Order) -> OutputReport:
    """Check one output."""
    file_type, table = _check(order)
    findings, cells = bounded(table.findings, table.cells, order.policy.report_cells)
    return OutputReport(
        output=clip(order.name),
        sha256=order.sha256,
        file_type=file_type,
        findings=findings,
        cells=cells,
        cells_total=len(table.cells),
        engine=table.engine,
        policy_version=order.policy.version,
        hidden=table.hidden,
    )


def _check(order: Order) -> tuple[str, TableCheck]:
    with Path(order.file).open("rb") as file:
        raw = file.read(order.policy.max_file_bytes + 1)
    if len(raw) > order.policy.max_file_bytes:
        limit = order.policy.max_file_bytes
        return "", TableCheck((finding(FindingCode.FILE_TOO_LARGE_TO_CHECK, limit=limit),))
    sniffed = sniff(order.name, raw)
    if sniffed.stopped or sniffed.file_type not in TABLES:
        return sniffed.file_type, TableCheck(sniffed.findings)
    # DuckDB and sqlglot take half a second to load: only for tables.
    from egress_review.checks.table_check import check_table

    return sniffed.file_type, check_table(raw, sniffed.file_type, order)


def main() -> None:
    """Read the order, write the report."""
    gc.set_threshold(_OBJECTS)
    body: Any = json.loads(sys.stdin.buffer.read())
    report = check(order_from_json(body))
    sys.stdout.write(json.dumps(report.to_json(), ensure_ascii=True))
    sys.stdout.flush()


if __name__ == "__main__":
    try:
        main()
    except MemoryError:
        sys.exit(OUT_OF_MEMORY)
    # Nothing is left open; to take every module apart would take Python a twentieth of a second.
    os._exit(0)
