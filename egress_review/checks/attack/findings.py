"""What an attack found, as findings about the table that is checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from egress_review.checks.attack.audit import Audit, Exposed, Exposure
from egress_review.checks.attack.witness import place
from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import finding
from egress_review.checks.report import Finding

_CODES = {
    Exposed.RECOVERED: FindingCode.CELL_RECOVERABLE,
    Exposed.BY_CONTRIBUTOR: FindingCode.CELL_RECOVERABLE_BY_PERSON,
}


def attack_findings(
    found: Audit, column: str, cells: Sequence[Mapping[str, str]], *, narrow_blocks: bool = True
) -> list[Finding]:
    """One finding for each exposed cell, and one for all that are not proven.

    Args:
        column: the measure that the tables are about.
        cells: the key of each row of table 0, the one that is checked, as findings show it. A cell of an
            earlier release that this table exposes has no key here; its witness names it.
        narrow_blocks: whether a narrow interval blocks, or is for reviewers to weigh.
    """
    narrow = FindingCode.INTERVAL_NARROW if narrow_blocks else FindingCode.INTERVAL_NARROW_REVIEW
    findings = [
        finding(
            _CODES.get(one.how, narrow),
            _key(one, cells),
            column=column,
            witness=one.witness or place(one.address),
        )
        for one in found.exposures
        if one.how is not Exposed.OPEN
    ]
    unproven = [one for one in found.exposures if one.how is Exposed.OPEN]
    if unproven or not found.complete:
        # Of other tables only that there are some: a release may be another project's.
        own = sum(_stands(one) for one in unproven)
        count = own if found.complete else found.sensitive
        code = FindingCode.ATTACK_OVER_BUDGET if found.complete else found.cause
        findings.append(finding(code, None, cells=count))
    return findings


def _stands(exposure: Exposure) -> bool:
    return any(table == 0 for table, _ in exposure.rows)


def _key(exposure: Exposure, cells: Sequence[Mapping[str, str]]) -> Mapping[str, str] | None:
    return next((cells[row] for table, row in exposure.rows if table == 0), None)
