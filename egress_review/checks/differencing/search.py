"""Compares the tables of a request with all that was released before, and with each other.

Found are, for a threshold k, all sums of sets that differ from another set by 1 to k - 1 persons:
- two sets of any tables;
- a set and the union of any number of cells of one disjoint family of one table, either of them new;
- a set and the union of any columns of one row that share nobody, of one table; either of them new;
- what the cells of a table leave of a margin of it, as a set like the others (`rests`);
- a set and the union of two sets of any tables, of which at least one of the three is new;
- two numbers to which 1 to k - 1 persons add something else by their rows (`row_search`).
"Differ" counts persons on both sides, so that sets of two data-set versions that lost and gained a few
persons are found as well. Not found: sums of more sets from several tables, and unions of cells that share
persons. What is over the budget of time or number is said so (`complete`), never silently left out.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from egress_review.checks.differencing.amounts import Vector
from egress_review.checks.differencing.hits import MOST_HITS, Hit, Number
from egress_review.checks.differencing.prints import Persons
from egress_review.checks.differencing.relations import (
    Near,
    Newcomer,
    Pairs,
    contained,
    held,
    near_pairs,
    near_rows,
    near_unions,
)
from egress_review.checks.differencing.rests import with_rests
from egress_review.checks.differencing.row_search import Again, Looked, rows_that_differ
from egress_review.checks.differencing.sets import BASE, COUNT, Places, Sets
from egress_review.checks.differencing.triples import OverBudgetError, candidates, known_sets, support

Load = Callable[[], Sets]


@dataclass(frozen=True, slots=True)
class Found:
    """What was found; `complete` if nothing was left out for want of time or place."""

    hits: tuple[Hit, ...]
    complete: bool


@dataclass(frozen=True, slots=True)
class _Table(Looked):
    """A table that was looked at; `start` is the place of its first set among all."""

    start: int
    row: tuple[int, ...]
    rest_of: Mapping[int, tuple[int, ...]]

    @property
    def end(self) -> int:
        """The place after its last set."""
        return self.start + len(self.place)


@dataclass(frozen=True, slots=True)
class Place:
    """Where a number stands in its table: the keys that its row has, a margin's left out, and its column."""

    keys: frozenset[str]
    column: str


def search(
    request: Sequence[Sets],
    ledger: Sequence[Load],
    k: int,
    deadline: float,
    places: Sequence[Sequence[Place]] = (),
    again: Again | None = None,
    *,
    tells: Callable[[Hit], bool] | None = None,
) -> Found:
    """Compare the tables of a request with the ledger's and with each other.

    Args:
        ledger: reads the sets of one table after the other.
        k: the threshold.
        deadline: of `time.monotonic`, in seconds.
        places: of the numbers of the request's tables. What its own margins leave of its own
            cells a table lists itself, hidden or rounded: whether it may is for the rules and the attack.
        again: makes vectors again from a table's claim; without it, candidates are not counted and the
            search is not complete.
        tells: whether a hit is one; all are without it.
    """
    return _Search(request, ledger, k, deadline, places, tells).run(again or _never)


def _never(_table: int, _places: Collection[int]) -> Mapping[int, Vector]:
    raise OverBudgetError


class _Search:
    def __init__(
        self,
        request: Sequence[Sets],
        ledger: Sequence[Load],
        k: int,
        deadline: float,
        places: Sequence[Sequence[Place]],
        tells: Callable[[Hit], bool] | None = None,
    ) -> None:
        self._places = places
        self._tells = tells
        self._ledger = ledger
        self._k = k
        self._deadline = deadline
        self._request = tuple(with_rests(one, k) for one in request)
        self._newcomers = [Newcomer(one) for one in self._request]
        self._tables: list[_Table] = []
        self._wholes: list[Places] = []
        self._parts: list[Places] = []
        self._hits: dict[Number, Hit] = {}

    def run(self, again: Again) -> Found:
        complete = True
        if not self._request:
            return Found((), complete=True)
        for at, one in enumerate(self._request):
            self._look_at(-1 - at, one)
            for new in range(at + 1):
                self._compare(self._tables[at], one, new)
        for table, load in enumerate(self._ledger) if self._tables[-1].end else ():
            if time.monotonic() > self._deadline:
                complete = False
                break
            old = with_rests(load(), self._k)
            self._look_at(table, old)
            for new in range(len(self._request)):
                self._compare(self._tables[-1], old, new)
        complete &= not self._tables[-1].end or self._triples()
        complete &= self._rows(again)
        ranked = sorted(self._hits.values(), key=lambda hit: (hit.rank, hit.new))
        return Found(tuple(ranked[:MOST_HITS]), complete)

    def _look_at(self, number: int, sets: Sets) -> None:
        start = self._tables[-1].end if self._tables else 0
        numbers = sets.place, sets.families, sets.sizes, sets.prints, sets.amounts
        self._tables.append(_Table(number, *numbers, start, sets.row, sets.rest_of))

    def _table_of(self, place: int) -> _Table:
        return self._tables[bisect_right(self._tables, place, key=lambda one: one.start) - 1]

    def _number(self, place: int) -> Number:
        table = self._table_of(place)
        return Number(table.number, table.place[place - table.start])

    def _tags(self, place: int) -> frozenset[str]:
        """What is published of the set that stands there."""
        table = self._table_of(place)
        found = (one.tags for one in table.families if place - table.start in one.sets)
        return frozenset[str]().union(*found)

    def _compare(self, table: _Table, old: Sets, new: int) -> None:
        """Two by two, and unions of one family: a table that was looked at, and one of the request."""
        newcomer, against = self._newcomers[new], self._tables[new]
        pairs = contained(old, newcomer, self._k)
        for near in near_pairs(pairs, self._k):
            (part,) = near.parts
            tags = newcomer.sets.tags[near.target] & old.tags[part]
            if table is against and table.row[part] == table.row[near.target]:
                if table.sizes[part] != table.sizes[near.target]:
                    continue  # the rules see that by the numbers of persons
                tags -= {
                    COUNT
                }  # that two numbers are equal does not say that one is about the other's persons
            if table is against and _of_one_family(old, part, near.target):
                tags = frozenset()  # rows that share persons: nothing says that one lies in the other
            self._near(near, against, table, tags)
        for family in old.families:
            for near in near_unions(pairs, family, newcomer.sets, self._k, of_new=False):
                self._near(near, against, table, newcomer.sets.tags[near.target] & family.tags)
        for family in newcomer.sets.families if table is not against else ():
            for near in near_unions(pairs, family, old, self._k, of_new=True):
                self._near(near, table, against, old.tags[near.target] & family.tags)
        self._compare_rows(table, old, new, pairs)
        olds, news, old_holds = held(pairs, self._k)
        self._wholes.append(np.where(old_holds, olds + table.start, news + against.start))
        self._parts.append(np.where(old_holds, news + against.start, olds + table.start))

    def _compare_rows(self, table: _Table, old: Sets, new: int, pairs: Pairs) -> None:
        """Unions of columns of one row."""
        newcomer, against = self._newcomers[new].sets, self._tables[new]
        for near in near_rows(pairs, old, newcomer, self._k, of_new=False):
            self._near_row(near, against, table, newcomer, old)
        for near in near_rows(pairs, newcomer, old, self._k, of_new=True) if table is not against else ():
            self._near_row(near, table, against, old, newcomer)

    def _near_row(self, near: Near, targets: _Table, parts: _Table, of_target: Sets, of_parts: Sets) -> None:
        """Columns of one row; of numbers of other kinds nobody expects that they add up."""
        tags = of_target.tags[near.target].intersection(*(of_parts.tags[one] for one in near.parts))
        if tags - {BASE}:
            self._near(near, targets, parts, tags)

    def _near(self, near: Near, targets: _Table, parts: _Table, tags: frozenset[str]) -> None:
        whole, numbers = near.target + targets.start, [one + parts.start for one in near.parts]
        if len(numbers) == 1 and targets.sizes[near.target] < parts.sizes[near.parts[0]]:
            whole, numbers = numbers[0], [whole]
        self._add(whole, numbers, near.difference, alike=bool(tags))

    def _add(self, whole: int, parts: Sequence[int], difference: int, *, alike: bool) -> None:
        # Of a rest the margin is told, and the cells that leave it.
        table = self._table_of(whole)
        cells = (one + table.start for one in table.rest_of.get(whole - table.start, ()))
        numbers = [self._number(one) for one in (whole, *cells, *parts)]
        # Of several new ones the last table's brings it about: the earlier ones stand without it.
        new = min(one for one in numbers if one.is_new)
        self._keep(Hit(new, numbers[0], tuple(numbers[1:]), difference, alike))

    def _of_its_own_cells(self, hit: Hit) -> bool:
        """Whether all of it is sums of cells that one table of the request lists or hides."""
        (table, *others) = {one.table for one in (hit.whole, *hit.parts)}
        if others or not hit.whole.is_new or not self._places:
            return False
        if not all(one.disjoint for one in self._request[-1 - table].families):
            return False  # a person in two cells: the table's lines do not add up
        places = self._places[-1 - table]
        involved = [places[one.place] for one in (hit.whole, *hit.parts)]
        keys = frozenset[str]().union(*(one.keys for one in involved))
        column = {one.column for one in involved}
        return len(column) == 1 and any(one.keys >= keys and one.column in column for one in places)

    def _keep(self, hit: Hit) -> None:
        if self._of_its_own_cells(hit):
            return
        known = self._hits.get(hit.new)
        if (known is None or hit.rank < known.rank) and (self._tells is None or self._tells(hit)):
            self._hits[hit.new] = hit

    def _triples(self) -> bool:
        """Two sets against a third; whether all could be looked at."""
        prints, sizes = ([getattr(one, name) for one in self._tables] for name in ("prints", "sizes"))
        known = known_sets(np.concatenate(prints), np.concatenate(sizes))
        try:
            found = candidates(known, np.concatenate(self._wholes), np.concatenate(self._parts), self._k)
        except OverBudgetError:
            return False
        members = self._members({place for one in found for place in one})
        for whole, part, other in found:
            if time.monotonic() > self._deadline:
                return False
            if known.which[other] == known.which[whole]:
                continue  # the third by itself, a small number: that is for the rules
            left = support(members[whole], (members[part], members[other]))
            if 1 <= left < self._k:
                same = [np.flatnonzero(known.which == known.which[one]) for one in (whole, part, other)]
                self._add_triple([one.tolist() for one in same], left)
        return True

    def _rows(self, again: Again) -> bool:
        """Numbers that differ by rows; whether all could be looked at."""
        try:
            for hit in rows_that_differ(self._tables, self._k, self._deadline, self._members_of, again):
                self._keep(hit)
        except OverBudgetError:
            return False
        return True

    def _members_of(self, number: int, place: int) -> Persons:
        return self._sets(number).members(place)

    def _sets(self, number: int) -> Sets:
        """Of a table; one of the ledger is read once more."""
        return self._request[-1 - number] if number < 0 else with_rests(self._ledger[number](), self._k)

    def _add_triple(self, same: Sequence[Sequence[int]], left: int) -> None:
        """One hit for every table of the request that has a part in it, from the one on that completes it.

        Args:
            same: for each of the three sets all places where it stands, the request's first.
        """
        tags = [frozenset[str]().union(*(self._tags(one) for one in places)) for places in same]
        alike = bool(frozenset.intersection(*tags))
        earliest = [max((self._number(one) for one in places), key=_turn) for places in same]
        complete = min(map(_turn, earliest))
        for role, places in enumerate(same):
            for new in (self._number(one) for one in places):
                if new.is_new and _turn(new) <= complete:
                    whole, *parts = [new if at == role else one for at, one in enumerate(earliest)]
                    self._keep(Hit(new, whole, tuple(parts), left, alike))

    def _members(self, places: set[int]) -> dict[int, Persons]:
        """The persons of some sets; tables of the ledger are read once more."""
        found: dict[int, Persons] = {}
        for table in self._tables:
            inside = [one for one in places if table.start <= one < table.start + len(table.sizes)]
            if inside:
                sets = self._sets(table.number)
                found.update({one: sets.members(one - table.start) for one in inside})
        return found


def _of_one_family(sets: Sets, one: int, other: int) -> bool:
    return any(one in family.sets and other in family.sets for family in sets.families)


def _turn(number: Number) -> int:
    """When a number became or would become public: the ledger's first, then the request's in their order."""
    return min(0, number.table)
