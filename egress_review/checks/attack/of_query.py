"""From a recomputed query to the tables that are attacked: one for each measure that adds up.

Attacked are counts, sums, and averages beside a count (an average times its count is a sum). Distinct
persons count too: lines in which a person stands twice are seen not to add up and are left out. Medians,
extremes and deviations have no lines; nothing is concluded about them here. A ratio beside a count, and a sum
of positive and negative values that the query rounds, have lines that are not attacked: `unproven` says so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from egress_review.checks.attack.about import Placed, adds_up
from egress_review.checks.attack.audit import AttackRules
from egress_review.checks.attack.known import known_ends
from egress_review.checks.attack.model import Level, PublishedTable, Rounding, make_table
from egress_review.checks.findings import VERDICTS, Verdict
from egress_review.checks.hidden import levels
from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.rules.primary import contributors, judge_cell
from egress_review.checks.rules.profile import Profile
from egress_review.checks.source.evidence import Cell, Group, GroupId, group_id

DEFAULT_PERCENT = 10.0
"""Width of a hidden cell's interval where a profile has no p% rule. Source: ACRO's default for p%."""

Place = tuple[GroupId, int]
"""One number of a table: its group and the index of its measure."""


@dataclass(frozen=True, slots=True)
class Attacked:
    """A measure as a table to attack.

    Attributes:
        measure: its index among the query's measures.
        groups: behind the rows of the table.
    """

    measure: int
    table: PublishedTable
    groups: tuple[Group, ...]


def rules_of(profile: Profile) -> AttackRules:
    """How wide hidden cells must be under a profile: p% of their value."""
    p_percent = profile.rules.p_percent
    percent = DEFAULT_PERCENT if p_percent is None else 100 * p_percent.p
    return AttackRules(percent=percent, contributors=not profile.counts_rows)


def place_of(group: Group, query: Query, measure: int) -> Place:
    """Where one number of a group stands."""
    return group_id(group.key(query), group.grouping), measure


def tables_of(
    query: Query,
    groups: Sequence[Group],
    hidden: AbstractSet[Place],
    profile: Profile,
    places: Mapping[int, Placed],
    *,
    rounding: Rounding | None = None,
    below: Sequence[int] = (),
    name: str = "",
) -> list[Attacked]:
    """The tables of a query's measures.

    Args:
        groups: all of them, those that HAVING leaves out of the file too.
        hidden: numbers that the file does not show: suppressed, or left out.
        places: measures by index, and where their tables lie; others are left out.
        rounding: of the counts.
        below: what marks of the file say that hidden numbers are less than.
        name: of a release, for witnesses.
    """
    # A rule that lets rounded numbers pass says nothing about what stands behind them.
    unrounded = _unrounded(profile)
    rows = [levels_of(group, query) for group in groups]
    size = len(query.keys)
    complete = frozenset(tuple(int(at in one) for at in range(size)) for one in query.grouping_sets)
    return [
        Attacked(
            number,
            make_table(
                places[number].keys,
                rows,
                [_value(group.cells[number], measure) for group in groups],
                suppressed=[place_of(group, query, number) in hidden for group in groups],
                sensitive=[is_sensitive(group.cells[number], measure, unrounded) for group in groups],
                singleton=[_alone(group.cells[number], profile) for group in groups],
                name=name,
                subject=places[number].subject,
                slices=places[number].slices,
                rounding=_rounding(measure, rounding),
                integral=measure.kind.counts,
                non_negative=not _negative(groups, number),
                complete=complete,
                ends=known_ends(query, groups, number, below, counts_rows=profile.counts_rows),
            ),
            tuple(groups),
        )
        for number, measure in enumerate(query.measures)
        if number in places and not _unproven(measure, query, groups, number)
    ]


def _unrounded(profile: Profile) -> Profile:
    return replace(profile, rules=replace(profile.rules, rounding=None))


def unproven(query: Query, groups: Sequence[Group]) -> list[int]:
    """Measures whose hidden numbers follow from published ones in a way that is not attacked."""
    return [
        number for number, measure in enumerate(query.measures) if _unproven(measure, query, groups, number)
    ]


def _unproven(measure: Measure, query: Query, groups: Sequence[Group], number: int) -> bool:
    if measure.kind is Kind.RATIO:
        return any(one.kind.counts for one in query.measures)
    if measure.decimals is None or not adds_up(measure, query):
        return False
    return measure.kind is Kind.AVERAGE or bool(measure.scale) or _negative(groups, number)


def _negative(groups: Sequence[Group], number: int) -> bool:
    return any(group.cells[number].negatives for group in groups)


def _alone(cell: Cell, profile: Profile) -> bool:
    return not profile.counts_rows and contributors(cell, profile) == 1


def _rounding(measure: Measure, declared: Rounding | None) -> Rounding | None:
    if measure.kind.counts:
        return declared
    return None if measure.decimals is None else Rounding(10.0**-measure.decimals)


def levels_of(group: Group, query: Query) -> tuple[Level, ...]:
    """The levels of a group; a missing value is "", an empty text is two quotes."""
    return levels(group.key(query), group.grouping)


def _value(cell: Cell, measure: Measure) -> float:
    """What adds up: the sum behind an average, the sum before the query rounded it."""
    if measure.decimals is not None and not measure.kind.counts:
        return cell.total_abs
    value = 0.0 if cell.value is None else float(cell.value)
    return value * cell.values if measure.kind is Kind.AVERAGE else value


def is_sensitive(cell: Cell, measure: Measure, profile: Profile) -> bool:
    """Whether a number may not be published by itself."""
    return any(VERDICTS[one.code] is Verdict.BLOCK for one in judge_cell(cell, measure, profile))
