"""The attack as one step of the check of a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from egress_review.checks.attack.audit import audit
from egress_review.checks.attack.findings import attack_findings
from egress_review.checks.attack.model import PublishedTable, Rounding
from egress_review.checks.attack.of_query import Place, place_of, rules_of, tables_of, unproven
from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import finding
from egress_review.checks.report import Finding
from egress_review.checks.rules.profile import Profile
from egress_review.checks.source.evidence import Group, GroupId


def attack_table(  # noqa: PLR0913 - what is published, what is true, what is known and by which rules
    query: Query,
    groups: Sequence[Group],
    shown: Mapping[GroupId, Mapping[str, str]],
    suppressed: AbstractSet[Place],
    profile: Profile,
    seconds: float,
    *,
    rounding: Rounding | None = None,
    datasets: Sequence[tuple[str, str]] = (),
    linked: Sequence[PublishedTable] = (),
) -> list[Finding]:
    """Findings about numbers that the file hides and that can be found out all the same.

    Args:
        groups: of the query without HAVING, so that groups which the file leaves out are here too.
        shown: groups that are rows of the file, with their key as findings show it.
        suppressed: numbers of shown groups that stand as a mark in the file.
        seconds: wall-clock time for intervals.
        rounding: of the counts in the file.
        linked: other tables of the request and earlier releases (`of_query.tables_of` makes them too).
    """
    left_out = [one for one in groups if place_of(one, query, 0)[0] not in shown]
    hidden = set(suppressed)
    hidden |= {place_of(one, query, number) for one in left_out for number in range(len(query.measures))}
    if not hidden and rounding is None and not linked:
        return []
    keys = [shown.get(place_of(one, query, 0)[0], {}) for one in groups]
    attacked = tables_of(query, groups, hidden, profile, rounding=rounding, datasets=datasets)
    narrow_blocks = profile.rules.p_percent is not None
    found: list[Finding] = []
    for one in attacked:
        others = [table for table in linked if table.subject == one.table.subject]
        if not one.table.suppressed.any() and one.table.rounding is None and not others:
            continue
        measure = query.measures[one.measure]
        said = audit([one.table, *others], rules_of(profile), seconds / len(attacked))
        found += attack_findings(said, measure.name, keys, narrow_blocks=narrow_blocks)
    unseen = [sum(number == one for _, number in hidden) for one in unproven(query, groups)]
    if any(unseen):
        found.append(finding(FindingCode.ATTACK_OVER_BUDGET, None, cells=sum(unseen)))
    return found
