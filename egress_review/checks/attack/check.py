"""The attack as one step of the check of a table."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from egress_review.checks.attack.about import placed_measures
from egress_review.checks.attack.audit import Audit, audit
from egress_review.checks.attack.findings import attack_findings
from egress_review.checks.attack.model import Method, Rounding
from egress_review.checks.attack.of_query import (
    Attacked,
    Place,
    place_of,
    rules_of,
    tables_of,
    unproven,
)
from egress_review.checks.findings import FindingCode, unproven_code
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.rules.profile import Profile
from egress_review.checks.source.evidence import Group, GroupId
from egress_review.checks.source.opening import Source
from egress_review.checks.tables.compare import PublishedRow
from egress_review.checks.tables.marks import bounds
from onggi.claim import Claim, RoundingMethod


@dataclass(frozen=True, slots=True)
class Published:
    """What the file shows of a query's table.

    Attributes:
        shown: groups that are rows of the file, with their key as findings show it.
        suppressed: numbers of those groups that stand as a mark in the file.
        rounding: of the counts in the file.
        datasets: names and versions of the data.
        below: what marks say that the numbers behind them are less than.
    """

    shown: Mapping[GroupId, Mapping[str, str]]
    suppressed: AbstractSet[Place]
    rounding: Rounding | None = None
    datasets: tuple[tuple[str, str], ...] = ()
    below: tuple[int, ...] = ()


def published(query: Query, rows: Sequence[PublishedRow], claim: Claim) -> Published:
    """What a compared file shows."""
    at = [query.items.index(measure) for measure in query.measures]
    return Published(
        shown={place_of(row.group, query, 0)[0]: row.key for row in rows},
        suppressed={
            place_of(row.group, query, number)
            for row in rows
            for number, position in enumerate(at)
            if position in row.suppressed
        },
        rounding=rounding_of(claim),
        datasets=claim.datasets,
        below=bounds(claim.suppressed),
    )


def rounding_of(claim: Claim) -> Rounding | None:
    """A claim's rounding of counts, as the attack knows it."""
    if claim.rounding is None:
        return None
    midpoint = claim.rounding.method is RoundingMethod.MIDPOINT6
    return Rounding(claim.rounding.base, Method.MIDPOINT if midpoint else Method.NEAREST)


def attack_table(
    query: Query,
    groups: Sequence[Group],
    file: Published,
    profile: Profile,
    seconds: float,
    source: Source,
) -> list[Finding]:
    """Findings about numbers that the file hides and that can be found out all the same.

    Measures that are about the same, a count and another of some of its rows, say, are attacked together.

    Args:
        groups: of the query without HAVING, so that groups which the file leaves out are here too.
        seconds: wall-clock time, what is read from the source included.
        source: says how keys and filters divide the same thing.
    """
    ids = [place_of(one, query, 0)[0] for one in groups]
    left_out = [place for place in ids if place not in file.shown]
    hidden = {(place, number) for place in left_out for number in range(len(query.measures))}
    hidden |= file.suppressed
    if not hidden and file.rounding is None:
        return []
    until = time.monotonic() + seconds
    try:
        places = placed_measures(query, file.datasets, source, until)
    except CheckStopped as stopped:
        return [finding(unproven_code(stopped.finding.code), None, cells=len(hidden))]
    attacked = tables_of(query, groups, hidden, profile, places, rounding=file.rounding, below=file.below)
    keys = [file.shown.get(place, {}) for place in ids]
    together: dict[str, list[Attacked]] = {}
    for one in attacked:
        together.setdefault(one.table.subject, []).append(one)
    found: list[Finding] = []
    share = max(0.0, until - time.monotonic()) / max(1, len(together))
    for about in together.values():
        tables = [one.table for one in about]
        if not any(table.suppressed.any() or table.rounding is not None for table in tables):
            continue
        said = audit(tables, rules_of(profile), share, exact=share)
        narrow_blocks = profile.rules.p_percent is not None
        for number, one in enumerate(about):
            name = query.measures[one.measure].name
            own = seen_from(said, number, alone=len(about) == 1)
            found += attack_findings(own, name, keys, narrow_blocks=narrow_blocks)
    unseen = sum(number == one for _, number in hidden for one in unproven(query, groups))
    if unseen:
        found.append(finding(FindingCode.ATTACK_NOT_COVERED, None, cells=unseen))
    return found


def seen_from(said: Audit, number: int, *, alone: bool) -> Audit:
    """What was found about the cells of one of several tables, as if it were the first."""
    if alone:
        return said
    own = [
        replace(one, rows=tuple((0, row) for table, row in one.rows if table == number))
        for one in said.exposures
        if any(table == number for table, _ in one.rows)
    ]
    return replace(said, exposures=tuple(own))
