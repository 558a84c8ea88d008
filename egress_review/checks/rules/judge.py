"""The rules of disclosure control that the first form knows: the threshold, by persons, for every number;
and what a subtraction within the table, or from the table without its filter, would give.

Known and not yet checked: dominance and p% (a *review* finding says so wherever a sum, an average or a count
of anything but persons stands: a join can make one person's rows say anything), recovery of cells from
margins or other tables, and differencing against earlier releases.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

from egress_review.checks.findings import FindingCode
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.query import Measure, Query
from egress_review.checks.refusal import clip, finding
from egress_review.checks.report import CellEvidence, Finding
from egress_review.checks.tables.compare import PublishedRow
from egress_review.checks.tables.csv_form import unquote

LONGEST_NAME, LONGEST_HEADER = 40, 240
"""Characters of a column's name and of all names; names are the researcher's own words."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Findings and the evidence behind every published number."""

    findings: tuple[Finding, ...]
    cells: tuple[CellEvidence, ...]


def judge(
    query: Query,
    rows: Sequence[PublishedRow],
    policy: CheckPolicy,
    everyone: Mapping[tuple[Any, ...], int] | None = MappingProxyType({}),
) -> Judged:
    """Apply the rules to every published number.

    Args:
        everyone: persons of each group without the query's filter; None if they are not known, empty if
            nothing is filtered.
    """
    findings: list[Finding] = []
    cells: list[CellEvidence] = []
    for row in rows:
        for place, measure in enumerate(query.measures):
            cell, found = _cell(
                row, measure, query.items.index(measure), row.group.contributors[place], policy
            )
            cells.append(cell)
            findings.extend(found)
        findings.extend(_subtractions(row, query, policy))
        findings.extend(_left_out(row, query, policy, everyone))
    return Judged((*_about_query(query, rows, everyone), *findings), tuple(cells))


def _subtractions(row: PublishedRow, query: Query, policy: CheckPolicy) -> list[Finding]:
    """Two numbers of one row about nearly as many persons: one minus the other may be about a few."""
    counted = sorted(zip(row.group.contributors, (one.name for one in query.measures), strict=True))
    return [
        finding(
            FindingCode.DIFFERENCE_SMALL,
            dict(row.key),
            columns=f"{first}, {second}",
            minimum=policy.min_persons,
            difference=more - fewer,
        )
        for (fewer, first), (more, second) in pairwise(counted)
        if 0 < more - fewer < policy.min_persons
    ]


def _left_out(
    row: PublishedRow, query: Query, policy: CheckPolicy, everyone: Mapping[tuple[Any, ...], int] | None
) -> list[Finding]:
    """The group without the filter minus the group may be about a few."""
    if not everyone:
        return []
    left_out = everyone.get(row.group.key(query), 0) - row.group.persons
    if not 0 < left_out < policy.min_persons:
        return []
    params = {"minimum": str(policy.min_persons), "left_out": str(left_out)}
    return [finding(FindingCode.LEFT_OUT_SMALL, dict(row.key), **params)]


def _about_query(
    query: Query, rows: Sequence[PublishedRow], everyone: Mapping[tuple[Any, ...], int] | None
) -> list[Finding]:
    found = [finding(FindingCode.TEXT_FROM_QUERY, column=key.name) for key in query.keys if key.from_query]
    totals = [
        measure.name for place, measure in enumerate(query.measures) if not _of_persons(query, place, rows)
    ]
    if totals:
        found.append(finding(FindingCode.DOMINANCE_NOT_CHECKED, columns=", ".join(totals)))
    if everyone is None:
        found.append(finding(FindingCode.FILTER_NOT_COMPARED))
    header = [item.name for item in query.items]
    if max(map(len, header)) > LONGEST_NAME or len("".join(header)) > LONGEST_HEADER:
        found.append(finding(FindingCode.HEADER_LONG, characters=len("".join(header))))
    return found


def _of_persons(query: Query, place: int, rows: Sequence[PublishedRow]) -> bool:
    """Whether a measure counts persons, each once, in every row."""
    measure = query.measures[place]
    if not measure.kind.counts:
        return False
    position = query.items.index(measure)
    return all(row.group.values[position] == row.group.contributors[place] for row in rows)


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
