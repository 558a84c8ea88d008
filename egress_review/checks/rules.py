"""The rules of disclosure control that the first form knows: the threshold, by persons, for every number.

Known and not yet checked: dominance and p% (a *review* finding says so wherever a sum or an average
stands), recovery of cells from margins or other tables, and differencing against earlier releases.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egress_review.checks.compare import PublishedRow
from egress_review.checks.csv_form import unquote
from egress_review.checks.findings import FindingCode
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.query import Kind, Measure, Query
from egress_review.checks.refusal import clip, finding
from egress_review.checks.report import CellEvidence, Finding


@dataclass(frozen=True, slots=True)
class Judged:
    """Findings and the evidence behind every published number."""

    findings: tuple[Finding, ...]
    cells: tuple[CellEvidence, ...]


def judge(query: Query, rows: Sequence[PublishedRow], policy: CheckPolicy) -> Judged:
    """Apply the rules to every published number."""
    findings: list[Finding] = []
    cells: list[CellEvidence] = []
    for row in rows:
        for place, measure in enumerate(query.measures):
            cell, found = _cell(
                row, measure, query.items.index(measure), row.group.contributors[place], policy
            )
            cells.append(cell)
            findings.extend(found)
    return Judged((*_about_query(query), *findings), tuple(cells))


def _about_query(query: Query) -> list[Finding]:
    found = [finding(FindingCode.TEXT_FROM_QUERY, column=key.name) for key in query.keys if key.from_query]
    totals = [measure.name for measure in query.measures if measure.kind is not Kind.COUNT]
    if totals:
        found.append(finding(FindingCode.DOMINANCE_NOT_CHECKED, columns=", ".join(totals)))
    return found


def _cell(
    row: PublishedRow, measure: Measure, position: int, contributors: int, policy: CheckPolicy
) -> tuple[CellEvidence, list[Finding]]:
    persons = min(contributors, row.group.persons)
    missing = row.group.persons - persons
    found: list[Finding] = []
    params = {"column": measure.name, "minimum": str(policy.min_persons)}
    if persons < policy.min_persons:
        found.append(finding(FindingCode.THRESHOLD, dict(row.key), **params, persons=persons))
    elif 0 < missing < policy.min_persons:
        found.append(finding(FindingCode.COMPLEMENT_SMALL, dict(row.key), **params, complement=missing))
    evidence = CellEvidence(
        key={clip(name): clip(text) for name, text in row.key.items()},
        measure=clip(measure.name),
        value=clip(unquote(row.fields[position])),
        persons=persons,
        rows=row.group.rows,
        findings=tuple(one.code for one in found),
    )
    return evidence, found
