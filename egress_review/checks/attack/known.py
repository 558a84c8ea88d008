"""What a reader knows of a number that is not shown as it is, without calculating: from its mark, from the
row in which it stands, and from HAVING, which is published with the table.

Errs on the safe side: of several marks the strongest that is true is taken to stand there, and counts that
agree in every group are taken to be one.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from egress_review.checks.attack.model import Floats
from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.source.evidence import Group

_ROWS = "count(*)"


def known_ends(
    query: Query, groups: Sequence[Group], number: int, below: Sequence[int], *, counts_rows: bool
) -> tuple[Floats, Floats]:
    """The least and the most that each group's number can be.

    A group that is listed has somebody, and as many as HAVING asks for; one that HAVING leaves out has fewer.

    Args:
        groups: those that HAVING leaves out too.
        number: of the measure.
        below: what marks say that numbers behind them are less than.
        counts_rows: whether rows are the persons of `groups`.
    """
    measure = query.measures[number]
    least, most = np.full(len(groups), -np.inf), np.full(len(groups), np.inf)
    whole = measure.kind.counts
    if measure.scale or not (whole or (measure.kind is Kind.SUM and measure.decimals is None)):
        return least, most
    values = _values(groups, number)
    listed = np.ones(len(groups), bool)
    rows = np.array([one.rows for one in groups], dtype=np.float64)
    asked = []
    for sql, limit in query.least_counts:
        counts = rows if sql == _ROWS else _counted(sql, query, groups, counts_rows=counts_rows)
        if counts is not None:
            listed &= counts >= limit
            same = sql == measure.sql or np.array_equal(counts, values)
            asked.append((limit, same, np.array_equal(counts, rows)))
    if whole and all(one.cells[number].contributors == one.cells[number].units for one in groups):
        least[listed & (values >= 1)] = 1
    for one in sorted(below, reverse=True):
        most[listed & (values < one)] = one - whole
    for limit, same, everybody in asked:
        if same:
            least[listed & (values >= limit)] = np.maximum(least, limit)[listed & (values >= limit)]
        if whole and (same or everybody):
            left_out = ~listed & (values < limit)
            most[left_out] = np.minimum(most, limit - 1)[left_out]
    return least, most


def _values(groups: Sequence[Group], number: int) -> Floats:
    found = (one.cells[number].value for one in groups)
    return np.array([np.nan if one is None else float(one) for one in found], dtype=np.float64)


def _counted(sql: str, query: Query, groups: Sequence[Group], *, counts_rows: bool) -> Floats | None:
    """A count that HAVING asks for, by group; None if it is not known."""
    published: dict[str, Measure] = {one.sql: one for one in query.measures}
    if sql in published:
        return _values(groups, query.measures.index(published[sql]))
    return None if counts_rows else np.array([one.persons for one in groups], dtype=np.float64)
