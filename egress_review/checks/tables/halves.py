"""Half way between two roundings both neighbours are right: SQL rounds away from zero, numpy and R to even.

Only for tables of other systems; `onggi.table` rounds as the gate does.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

from egress_review.checks.reading.query import Measure, Query
from egress_review.checks.source.evidence import Group, GroupId, group_id
from egress_review.checks.tables.csv_form import RawTable, unquote
from egress_review.checks.tables.layout import key_texts
from onggi.claim import Claim
from onggi.errors import Invalid

_SLACK = 1e-9
"""Of half a step: what doubles are off by."""


def rounded_as_shown(
    raw: RawTable,
    query: Query,
    groups: list[Group],
    claim: Claim,
    recomputed: Callable[[Query], Sequence[Group]],
    off_by: float = 0.0,
) -> list[Group]:
    """The groups, with the other of two right roundings where the file shows that one.

    Args:
        raw: the long table.
        groups: of the query, which rounds.
        off_by: how far, relatively, a number of another tool may lie from the recomputed one before both are
            rounded; what needs it is left as far from the file's number as it lay beyond the half.
        recomputed: gives the groups of the query that does not; asked only where the file shows a neighbour.

    Raises:
        CheckStopped: of `recomputed`.
    """
    places = {
        number: item.decimals
        for number, item in enumerate(query.items)
        if isinstance(item, Measure) and item.decimals is not None
    }
    if not places:
        return groups
    shown = _rows(raw, query)
    near = [
        (at, number, text)
        for at, group in enumerate(groups)
        if (record := shown.get(_key(group, query, claim, raw)))
        for number, decimals in places.items()
        if (text := _number(record[number])) is not None
        and isinstance(group.values[number], float)
        and abs(text - group.values[number]) > 0
        and abs(text - group.values[number]) <= 10.0**-decimals * (1 + _SLACK) + abs(text) * off_by
        and text == round(text, decimals)
    ]
    if not near:
        return groups
    exact = {_id(group, query): group for group in recomputed(_unrounded(query))}
    made = list(groups)
    for at, number, text in near:
        value = exact[_id(groups[at], query)].values[number]
        half = 10.0 ** -places[number] / 2 * (1 + _SLACK)
        if isinstance(value, float) and abs(text - value) <= half + abs(value) * off_by:
            beyond = math.copysign(max(abs(text - value) - half, 0.0), value - text)
            values = made[at].values
            made[at] = replace(made[at], values=(*values[:number], text + beyond, *values[number + 1 :]))
    return made


def _id(group: Group, query: Query) -> GroupId:
    return group_id(group.key(query), group.grouping)


def _key(group: Group, query: Query, claim: Claim, raw: RawTable) -> tuple[str, ...]:
    try:
        return key_texts(group, query, claim, raw.form)
    except Invalid:
        return ()


def _rows(raw: RawTable, query: Query) -> dict[tuple[str, ...], tuple[str, ...]]:
    at = [number for number, item in enumerate(query.items) if not isinstance(item, Measure)]
    return {tuple(record[number] for number in at): record for record in raw.rows}


def _number(field: str) -> float | None:
    try:
        return float(unquote(field))
    except ValueError:
        return None


def _unrounded(query: Query) -> Query:
    return replace(
        query, items=tuple(_bare(item) if isinstance(item, Measure) else item for item in query.items)
    )


def _bare(measure: Measure) -> Measure:
    if measure.decimals is None:
        return measure
    inner = measure.sql.removeprefix("round(").removesuffix(f", {measure.decimals})")
    return replace(measure, sql=inner, decimals=None)
