"""One proposal to protect a table: by suppression, rounding or merged bands, attacked before it is made.

Guarantees: a proposal says `safe` only if the attack found every sensitive cell of it safe; else it carries
what the attack found. Numbers that one row shares are hidden together: of a count, a sum and their average
two tell the third.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from egress_review.checks.attack.audit import AttackRules, Audit, audit
from egress_review.checks.attack.model import Flags, Floats, Method, PublishedTable, Rounding
from egress_review.checks.protect.bands import Merged, merge_bands
from egress_review.checks.protect.loss import Loss, loss_of
from egress_review.checks.protect.rounding import round_table
from egress_review.checks.protect.suppression import suppress
from egress_review.checks.protect.way import Way

MIDPOINT_SIX = Rounding(6, Method.MIDPOINT)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A protected table, one for each measure, and what it costs.

    Attributes:
        tables: in the order they were given; all hide the same rows.
        losses: by table.
        found: what attacks found, by table; all safe, or the reasons why not.
        merged: the bands, where that is the way.
    """

    way: Way
    tables: tuple[PublishedTable, ...]
    losses: tuple[Loss, ...]
    found: tuple[Audit, ...]
    merged: Merged | None = None

    @property
    def safe(self) -> bool:
        """Whether every attack found every sensitive cell safe."""
        return all(one.safe for one in self.found)


def protect(
    tables: Sequence[PublishedTable],
    way: Way,
    rules: AttackRules,
    seconds: float,
    *,
    base: float = 5,
    linked: Sequence[PublishedTable] = (),
) -> Proposal:
    """Protect the measures of one table: tables with the same rows.

    Args:
        base: of rounding.
        seconds: wall-clock time for all of it.
        linked: published tables that share cells with these.
    """
    if way is Way.MIDPOINT6:
        return _rounded(tables, rules, seconds, linked)
    if way is Way.ROUND:
        tables = [_grid(one, Rounding(base)) if one.integral else one for one in tables]
    return _suppressed(tables, way, rules, seconds, linked)


def _grid(table: PublishedTable, rounding: Rounding) -> PublishedTable:
    rounded = round_table(table, rounding)
    return replace(rounded, suppressed=table.suppressed)


def _rounded(
    tables: Sequence[PublishedTable], rules: AttackRules, seconds: float, linked: Sequence[PublishedTable]
) -> Proposal:
    """Counts to midpoints of six, nothing hidden; what is no count is hidden where it must be."""
    whole = [one for one in tables if one.integral]
    counts = [round_table(one, MIDPOINT_SIX) for one in whole]
    others = [one for one in tables if not one.integral]
    half = seconds / 2
    rest = _suppressed(others, Way.SUPPRESS, rules, half, linked) if others else None
    found = [
        audit([one, *_others(one, counts), *_about(one, linked)], rules, half / len(counts)) for one in counts
    ]
    done = {id(table): (made, said) for table, made, said in zip(whole, counts, found, strict=True)}
    if rest is not None:
        done |= {
            id(table): (made, said) for table, made, said in zip(others, rest.tables, rest.found, strict=True)
        }
    made = tuple(done[id(one)][0] for one in tables)
    return Proposal(Way.MIDPOINT6, made, tuple(map(loss_of, made)), tuple(done[id(one)][1] for one in tables))


def _suppressed(
    tables: Sequence[PublishedTable],
    way: Way,
    rules: AttackRules,
    seconds: float,
    linked: Sequence[PublishedTable],
) -> Proposal:
    share = seconds / (2 * len(tables))
    hidden: Flags = np.logical_or.reduce([one.suppressed | one.sensitive for one in tables])
    for one in tables:
        beside = _others(one, tables)
        hidden = suppress(_with(one, hidden), _about(one, linked), rules, share, beside).table.suppressed
    done = [_with(one, hidden) for one in tables]
    found = [audit([one, *_others(one, done), *_about(one, linked)], rules, share) for one in done]
    return Proposal(way, tuple(done), tuple(map(loss_of, done)), tuple(found))


def _with(table: PublishedTable, hidden: Flags) -> PublishedTable:
    return replace(table, suppressed=hidden, published=np.where(hidden, np.nan, table.published))


def _others(table: PublishedTable, tables: Sequence[PublishedTable]) -> list[PublishedTable]:
    """The tables about the same as one of them."""
    return [other for other in _about(table, tables) if other is not table]


def _about(table: PublishedTable, linked: Sequence[PublishedTable]) -> list[PublishedTable]:
    return [one for one in linked if one.subject == table.subject]


def merge(
    table: PublishedTable, persons: Floats, least: int, rules: AttackRules, seconds: float
) -> Proposal | None:
    """Merge the bands of the key that loses least; None if no key can be merged.

    Args:
        persons: by row.
        least: persons that a cell must have.
    """
    keys = [at for at, key in enumerate(table.keys) if not key.parents]
    made = [merge_bands(table, persons, least, at) for at in keys]
    if not made:
        return None
    best = min(made, key=lambda one: (bool(one.table.sensitive.any()), len(table.rows) - len(one.table.rows)))
    hidden = replace(best.table, suppressed=best.table.sensitive)
    found = audit([_with(hidden, best.table.sensitive)], rules, seconds)
    unprotected = bool(best.table.sensitive.any())
    gone = len(table.rows) - len(best.table.rows)
    return Proposal(
        Way.MERGE,
        (best.table,),
        (loss_of(best.table, best.merged_levels, gone),),
        (replace(found, complete=found.complete and not unprotected),),
        best,
    )
