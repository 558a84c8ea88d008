"""What the numbers of one table say together, for a table that no ledger will remember: the comparison of
persons that releases go through, of the table with itself.

A table of one measure whose margins are sums of its own cells says nothing that way; of it nothing is made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import closing
from functools import cache

import numpy as np

from egress_review.checks.differencing.amounts import ONE, Vector, differing
from egress_review.checks.differencing.hits import Hit
from egress_review.checks.differencing.job import PublishedNumber, cell_text
from egress_review.checks.differencing.person_sets import Remembered, remember
from egress_review.checks.differencing.search import Place, search
from egress_review.checks.findings import FindingCode
from egress_review.checks.hidden import HiddenRow
from egress_review.checks.policy import CheckPolicy
from egress_review.checks.reading.query import Kind, Query
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.source.opening import Source
from egress_review.checks.source.partials import leaves

Full = Callable[[], Mapping[int, Vector]]
"""What the rows of persons add to the numbers of a table, by place among its amounts."""
_MOST_PARTS = 4
_ADDED = frozenset({Kind.COUNT, Kind.SUM, Kind.AVERAGE, Kind.RATIO})


def may_tell(query: Query) -> bool:
    """Whether numbers of a table can be about nearly the same persons: of several measures about different
    rows, or of keys that do not cut each other.
    """
    about = {(leaf.argument, leaf.contributes) for one in query.measures for leaf in leaves(one)}
    every = tuple(range(len(query.keys)))
    crossed = every in {tuple(sorted(one)) for one in query.grouping_sets}
    return len(about) > 1 or not crossed


def own_findings(
    source: Source,
    query: Query,
    hidden: Collection[HiddenRow],
    policy: CheckPolicy,
    rounded: int,
    seconds: float,
) -> list[Finding]:
    """Numbers of a table of which one minus others is about fewer than k persons.

    Args:
        hidden: numbers that the file does not show.
        rounded: base of published counts; 0 if they are not rounded.
        seconds: after which what was not compared is not proven.
    """
    until, k, most = time.monotonic() + seconds, policy.min_persons, policy.max_cells
    try:
        with closing(source.connect()) as database:
            made = remember(database, query, most, hidden)

            @cache
            def full() -> Mapping[int, Vector]:
                everything = range(len(made.sets.amounts.parts))
                return remember(database, query, most, hidden, everything).vectors

            def again(_table: int, _wanted: Collection[int]) -> Mapping[int, Vector]:
                return full()

            def tells(hit: Hit) -> bool:
                return _about_few(hit, made, full, k)

            places = [Place(frozenset(one.key), one.measure) for one in made.numbers]
            found = search([made.sets], [], k, until, [places], again, tells=tells)
    except CheckStopped:
        return [finding(FindingCode.DIFFERENCING_OVER_BUDGET)]
    said = [_finding(hit, made.numbers, k, rounded) for hit in found.hits]
    return said if found.complete else [*said, finding(FindingCode.DIFFERENCING_OVER_BUDGET)]


def _about_few(hit: Hit, made: Remembered, full: Full, k: int) -> bool:
    """Whether fewer than k persons add something to the difference of a hit.

    Persons who have rows in both numbers may add to their difference too: if all numbers are sums over rows,
    it is about all who do, not about those alone who are in one of the two.
    """
    places = [hit.whole.place, *(one.place for one in hit.parts)]
    kinds = {Kind(made.numbers[one].kind) for one in places}
    if hit.of_rows or not kinds <= _ADDED:
        return True
    whole, *parts = (_added(one, made, full) for one in places)
    if not whole or not all(parts):
        return True
    for at, first in enumerate(whole):
        others = [one[min(at, len(one) - 1)] for one in parts]
        persons = np.concatenate([one.persons for one in others])
        together, place = np.unique(persons, return_inverse=True)
        total = np.zeros(together.size, dtype=np.uint64)
        np.add.at(total, place, np.concatenate([one.amounts for one in others]))
        if differing(first, Vector(together, total))[0] < k:
            return True
    return False


def _added(place: int, made: Remembered, full: Full) -> list[Vector]:
    """What persons add to a number: to its values, and to how many these are; none if nobody knows."""
    known = [at for at, parts in enumerate(made.sets.amounts.parts) if parts == (place,)]
    if known:
        return [full()[at] for at in known]
    if place not in made.sets.place:
        return []
    persons = made.sets.members(made.sets.place.index(place))
    return [Vector(persons, np.full(persons.size, ONE, dtype=np.uint64))]


def _finding(hit: Hit, numbers: Sequence[PublishedNumber], k: int, rounded: int) -> Finding:
    new = numbers[hit.new.place]
    shown = [cell_text(numbers[one.place]) for one in hit.parts[:_MOST_PARTS]]
    if len(hit.parts) > _MOST_PARTS:
        shown.append(f"+ {len(hit.parts) - _MOST_PARTS}")
    return finding(
        _code(hit, numbers, k, rounded),
        dict(new.key),
        column=new.measure,
        minimum=k,
        whole=cell_text(numbers[hit.whole.place]),
        parts="; ".join(shown),
        difference=hit.difference,
    )


def _code(hit: Hit, numbers: Sequence[PublishedNumber], k: int, rounded: int) -> FindingCode:
    if not hit.alike:
        return FindingCode.DIFFERENCING_OTHER_MEASURE if hit.parts[1:] else FindingCode.DIFFERENCING_ROWS
    about = (numbers[one.place] for one in (hit.whole, *hit.parts))
    if rounded * 2 >= k and any(Kind(one.kind).counts for one in about):
        return FindingCode.DIFFERENCING_ROUNDED
    return FindingCode.DIFFERENCING_SAME_PERSONS if hit.of_rows else FindingCode.DIFFERENCING
