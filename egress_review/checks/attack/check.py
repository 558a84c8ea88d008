"""The attack as one step of the check of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from egress_review.checks.attack.audit import audit
from egress_review.checks.attack.findings import attack_findings
from egress_review.checks.attack.model import Method, PublishedTable, Rounding
from egress_review.checks.attack.of_query import Place, place_of, rules_of, tables_of, unproven
from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import finding
from egress_review.checks.report import Finding
from egress_review.checks.rules.profile import Profile
from egress_review.checks.source.evidence import Group, GroupId
from egress_review.checks.tables.compare import PublishedRow
from onggi.claim import Claim, RoundingMethod


@dataclass(frozen=True, slots=True)
class Published:
    """What the file shows of a query's table.

    Attributes:
        shown: groups that are rows of the file, with their key as findings show it.
        suppressed: numbers of those groups that stand as a mark in the file.
        rounding: of the counts in the file.
        datasets: names and versions of the data.
    """

    shown: Mapping[GroupId, Mapping[str, str]]
    suppressed: AbstractSet[Place]
    rounding: Rounding | None = None
    datasets: tuple[tuple[str, str], ...] = ()


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
    linked: Sequence[PublishedTable] = (),
) -> list[Finding]:
    """Findings about numbers that the file hides and that can be found out all the same.

    Args:
        groups: of the query without HAVING, so that groups which the file leaves out are here too.
        seconds: wall-clock time for intervals.
        linked: other tables of the request and earlier releases (`of_query.tables_of` makes them too).
    """
    places = [place_of(one, query, 0)[0] for one in groups]
    left_out = [place for place in places if place not in file.shown]
    hidden = {(place, number) for place in left_out for number in range(len(query.measures))}
    hidden |= file.suppressed
    if not hidden and file.rounding is None and not linked:
        return []
    attacked = tables_of(query, groups, hidden, profile, rounding=file.rounding, datasets=file.datasets)
    keys = [file.shown.get(place, {}) for place in places]
    found: list[Finding] = []
    for one in attacked:
        others = [table for table in linked if table.subject == one.table.subject]
        if not one.table.suppressed.any() and one.table.rounding is None and not others:
            continue
        said = audit([one.table, *others], rules_of(profile), seconds / len(attacked))
        narrow_blocks = profile.rules.p_percent is not None
        name = query.measures[one.measure].name
        found += attack_findings(said, name, keys, narrow_blocks=narrow_blocks)
    unseen = sum(number == one for _, number in hidden for one in unproven(query, groups))
    if unseen:
        found.append(finding(FindingCode.ATTACK_OVER_BUDGET, None, cells=unseen))
    return found
