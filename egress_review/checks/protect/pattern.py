"""Which numbers of a recomputed table the gate hides by itself; and whether a file hides exactly those.

Marks can carry a message: who chooses what to hide can write with it. A file that hides what the gate would
hide, no number more and none less, says nothing by its marks that its numbers and the policy do not say.

Guarantees: the same table, profile and way give the same pattern, whatever order the source answers in; a
pattern that was not finished in time is not the gate's.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

import numpy as np

from egress_review.checks.attack.about import Placed, placed_measures
from egress_review.checks.attack.check import Published
from egress_review.checks.attack.model import Flags, Method, Rounding
from egress_review.checks.attack.of_query import (
    Attacked,
    Place,
    is_sensitive,
    levels_of,
    place_of,
    rules_of,
    tables_of,
    unproven,
)
from egress_review.checks.findings import FindingCode
from egress_review.checks.protect.proposal import Proposal, protect
from egress_review.checks.protect.way import Way
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.rules.profile import Profile
from egress_review.checks.source.evidence import Group
from egress_review.checks.source.opening import Source


@dataclass(frozen=True, slots=True)
class Table:
    """A recomputed table.

    Attributes:
        groups: without HAVING, in the order of their levels.
        shown: which of them the query publishes.
        places: of the measures that add up.
    """

    query: Query
    profile: Profile
    groups: tuple[Group, ...]
    shown: Flags
    places: Mapping[int, Placed]


@dataclass(frozen=True, slots=True)
class Hiding:
    """What the gate hides of a table.

    Attributes:
        hidden: groups × measures.
        attacked: the measures that add up.
        made: how those are protected; None if there are none.
    """

    hidden: Flags
    attacked: tuple[Attacked, ...] = ()
    made: Proposal | None = None


def in_order(groups: Sequence[Group], query: Query) -> tuple[Group, ...]:
    """Groups in an order that does not hang on how the source answered."""
    return tuple(
        sorted(groups, key=lambda one: (one.grouping, [level or "" for level in levels_of(one, query)]))
    )


def hide(table: Table, way: Way, base: float, seconds: float) -> Hiding:
    """Hide what breaks a rule, and partners."""
    hidden = _first(table)
    places = {
        place_of(table.groups[row], table.query, number) for row, number in np.argwhere(hidden).tolist()
    }
    attacked = tuple(tables_of(table.query, table.groups, places, table.profile, table.places))
    if not attacked:
        return Hiding(hidden)
    made = protect([one.table for one in attacked], way, rules_of(table.profile), seconds, base=base)
    for one, done in zip(attacked, made.tables, strict=True):
        hidden[:, one.measure] |= done.suppressed
    if way is not Way.MIDPOINT6:
        hidden |= hidden.any(axis=1, keepdims=True)
    return Hiding(hidden, attacked, made)


def _first(table: Table) -> Flags:
    """Groups by measures: what HAVING leaves out, and what breaks a rule and does not add up."""
    measures = table.query.measures
    hidden = np.repeat(~table.shown[:, None], len(measures), axis=1)
    adding = {one.measure for one in tables_of(table.query, table.groups, set(), table.profile, table.places)}
    for number, measure in enumerate(measures):
        if number not in adding:
            hidden[:, number] |= [
                is_sensitive(group.cells[number], measure, table.profile) for group in table.groups
            ]
    return hidden


@dataclass(frozen=True, slots=True)
class Needed:
    """Hidden numbers that are all needed: those that break a rule, and partners that protect them."""

    primary: int
    partners: int


def needed(
    table: Table, hidden: AbstractSet[Place], rounding: Rounding | None, seconds: float
) -> Needed | None:
    """Whether a file hides just what breaks a rule, or just what the gate hides; None if it does not.

    A number that no attack looks at (a median, an extreme) is not known to be needed, nor to be safe.

    Args:
        hidden: by the file.
        rounding: of its counts.
    """
    unseen = {*range(len(table.query.measures))} - {*table.places} | {*unproven(table.query, table.groups)}
    if any(number in unseen for _, number in hidden):
        return None
    primary = {
        place_of(group, table.query, one.measure)
        for one in tables_of(table.query, table.groups, set(), table.profile, table.places)
        for group, sensitive in zip(table.groups, one.table.sensitive, strict=True)
        if sensitive
    }
    if primary != hidden:
        made = hide(table, _way(rounding), rounding.base if rounding else 5, seconds)
        if made.made is None or not made.made.safe or _places(table, made.hidden) != hidden:
            return None
    return Needed(len(primary & hidden), len(hidden - primary))


def hides_what_it_must(
    query: Query,
    groups: Sequence[Group],
    file: Published,
    profile: Profile,
    seconds: float,
    source: Source,
) -> list[Finding]:
    """That a file hides just what must be hidden, if so; for files of which an attack found nothing."""
    if query.having_sql or not file.suppressed:
        return []
    until = time.monotonic() + seconds
    try:
        places = placed_measures(query, file.datasets, source, until)
    except CheckStopped:
        return []
    table = Table(query, profile, in_order(groups, query), np.ones(len(groups), bool), places)
    made = needed(table, file.suppressed, file.rounding, max(0.0, until - time.monotonic()))
    if made is None:
        return []
    about = {"primary": made.primary, "partners": made.partners, "percent": f"{rules_of(profile).percent:g}"}
    return [finding(FindingCode.SUPPRESSED_NEEDED, None, cells=len(file.suppressed), **about)]


def _way(rounding: Rounding | None) -> Way:
    if rounding is None:
        return Way.SUPPRESS
    return Way.MIDPOINT6 if rounding.method is Method.MIDPOINT else Way.ROUND


def _places(table: Table, hidden: Flags) -> set[Place]:
    return {place_of(table.groups[row], table.query, number) for row, number in np.argwhere(hidden).tolist()}
