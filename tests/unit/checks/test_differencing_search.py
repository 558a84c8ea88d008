"""The search against brute force in small universes: nothing that it claims to find is missed."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Sequence
from functools import partial

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.checks.differencing import triples
from egress_review.checks.differencing.hits import Number
from egress_review.checks.differencing.prints import PARTS, merged, prints_of
from egress_review.checks.differencing.rests import with_rests
from egress_review.checks.differencing.search import Found, search
from egress_review.checks.differencing.sets import COUNT, Family, Sets, from_bytes, make_sets, to_bytes

K = 3
PEOPLE = 24
FOREVER = math.inf
Table = list[frozenset[int]]


def sets_of(table: Table, tags: frozenset[str] = frozenset({COUNT})) -> Sets:
    """One family of cells, each in a row of its own."""
    members = [np.array(sorted(cell), dtype=np.uint64) for cell in table]
    apart = sum(len(cell) for cell in table) == len(frozenset().union(*table))
    family = Family(tuple(range(len(table))), tags, apart)
    return make_sets(members, range(len(table)), range(len(table)), [family])


def find(request: Sequence[Table], ledger: Sequence[Table], k: int = K) -> Found:
    loads = [partial(sets_of, one) for one in ledger]
    return search([sets_of(one) for one in request], loads, k, FOREVER)


@st.composite
def tables(draw: st.DrawFn) -> Table:
    """Cells of at least K persons, cut from one order of the people so that tables nearly fit each other."""
    people = list(range(PEOPLE))
    for one, other in draw(st.lists(st.tuples(st.sampled_from(people), st.sampled_from(people)), max_size=2)):
        people[one], people[other] = people[other], people[one]
    ends = sorted(draw(st.sets(st.integers(0, PEOPLE), min_size=2, max_size=5)))
    parts = [frozenset(people[a:b]) for a, b in itertools.pairwise(ends)]
    if draw(st.booleans()):
        parts.append(frozenset(draw(st.sets(st.integers(0, PEOPLE - 1), min_size=K, max_size=PEOPLE))))
    kept = list(dict.fromkeys(part for part in parts if len(part) >= K))
    return kept or [frozenset(range(K))]


class ByHand:
    """Every sum of sets that the search claims to find, tried one by one."""

    def __init__(self, request: Sequence[Table], ledger: Sequence[Table]) -> None:
        tables = {**dict(enumerate(ledger)), **{-1 - at: one for at, one in enumerate(request)}}
        self.known = {Number(at, place): cell for at, one in tables.items() for place, cell in enumerate(one)}
        self.families = [
            [Number(at, place) for place in range(len(one))]
            for at, one in tables.items()
            if sum(map(len, one)) == len(frozenset().union(*one))
        ]

    def left(self, whole: Number, parts: Sequence[Number]) -> int:
        count = dict.fromkeys(self.known[whole], 1)
        for part in parts:
            for person in self.known[part]:
                count[person] = count.get(person, 0) - 1
        return sum(value != 0 for value in count.values())

    def sums(self) -> Iterator[tuple[Number, tuple[Number, ...]]]:
        unions = [
            parts
            for family in self.families
            for size in range(3, len(family) + 1)
            for parts in itertools.combinations(family, size)
        ]
        few = [parts for size in (1, 2) for parts in itertools.combinations(self.known, size)]
        yield from itertools.product(self.known, [*few, *unions])

    def found(self) -> Iterator[tuple[Number, bool, int]]:
        """The number that brings it about, whether nothing says that it can be subtracted, its parts."""
        for whole, parts in self.sums():
            new = [one for one in (whole, *parts) if one.is_new]
            if len(parts) == 2 and any(self.left(whole, (part,)) < K for part in parts):
                continue  # two of the three say it alone
            if new and whole not in parts and 1 <= self.left(whole, parts) < K:
                one_row_or_other = len(parts) == 1 and parts[0].table == whole.table
                yield min(new), one_row_or_other, len(parts)


@settings(max_examples=150, deadline=None)
@given(st.lists(tables(), min_size=1, max_size=2), st.lists(tables(), max_size=3))
def test_nothing_that_is_claimed_is_missed_and_nothing_is_made_up(
    request: list[Table], ledger: list[Table]
) -> None:
    said, by_hand = find(request, ledger), ByHand(request, ledger)
    assert said.complete
    hits = {hit.new: hit for hit in said.hits}
    for new, unlike, parts in by_hand.found():
        if parts > 2:
            # Of the unions of one column the nearest is told: it may do without this number of the table.
            assert new.table in {one.table for one in hits}, (new, parts)
            continue
        assert new in hits, (new, parts)
        # The plainest is told: first what can be subtracted, then what has the fewest parts.
        assert (not hits[new].alike, len(hits[new].parts)) <= (unlike, parts)
    for hit in said.hits:
        assert by_hand.left(hit.whole, hit.parts) == hit.difference
        assert 1 <= hit.difference < K


def test_the_nearest_union_is_told_where_several_are_near() -> None:
    """With {11, 12, 13} too the union is two persons away; without it, one."""
    cells = [range(11), range(11, 14), range(14, 17), range(17, 23)]
    earlier = [[frozenset({0, 1, 2})], [frozenset(range(2, 13)), frozenset(range(13, 23))]]
    said = find([[frozenset(one) for one in cells]], earlier)
    told = {one.parts: one.difference for one in said.hits if one.whole == Number(1, 1)}
    assert told[Number(-1, 2), Number(-1, 3)] == 1
    assert not any(Number(-1, 1) in parts for parts in told)


def test_what_can_be_subtracted_is_told_before_rows_that_share_persons() -> None:
    (first, *_) = find([[frozenset({0, 1, 2}), frozenset({3, 4, 5}), frozenset({0, 1, 2, 3})]], []).hits
    assert (first.new, first.alike, len(first.parts)) == (Number(-1, 0), True, 2)


def test_a_table_that_lacks_three_persons_of_an_earlier_cell_is_found() -> None:
    said = find([[frozenset(range(40))]], [[frozenset(range(43)), frozenset(range(100, 150))]], k=10)
    (hit,) = said.hits
    assert (hit.new, hit.whole, hit.parts, hit.difference) == (
        Number(-1, 0), Number(0, 0), (Number(-1, 0),), 3,
    )  # fmt: skip


def test_the_same_table_again_says_nothing_new() -> None:
    table = [frozenset(range(40)), frozenset(range(40, 90))]
    assert find([table], [table, table], k=10).hits == ()


def test_a_total_is_compared_with_the_union_of_any_number_of_cells() -> None:
    bands = [frozenset(range(at, at + 20)) for at in range(0, 400, 20)]
    total = frozenset(range(395))
    (hit,) = find([[total]], [bands], k=10).hits
    assert hit.difference == 5
    assert len(hit.parts) == 20
    (turned,) = find([bands], [[total]], k=10).hits
    assert turned.whole == Number(0, 0)


def test_what_two_tables_take_from_a_third_is_found() -> None:
    """Men of the north and the rest of the men, from different tables, against all men but four."""
    men, north, rest = frozenset(range(200)), frozenset(range(60)), frozenset(range(60, 196))
    said = find([[rest]], [[men], [north]], k=10)
    (hit,) = said.hits
    assert (hit.difference, hit.whole, set(hit.parts)) == (4, Number(0, 0), {Number(1, 0), Number(-1, 0)})


def test_two_tables_of_one_request_are_compared() -> None:
    (hit,) = find([[frozenset(range(43))], [frozenset(range(40))]], [], k=10).hits
    assert hit.new == Number(-2, 0)
    assert hit.difference == 3


def test_of_equal_tables_in_one_request_none_slips_through() -> None:
    """Whichever of them is approved, its two columns and the earlier total single out three persons."""
    some, others, everyone = frozenset(range(40)), frozenset(range(40, 80)), frozenset(range(83))
    twice = [[some, others], [some, others]]
    assert {hit.new.table for hit in find(twice, [[everyone]], k=10).hits} == {-1, -2}
    thrice = [[some], [others], [some, frozenset(range(30, 80))], [others]]
    assert {-2, -4} <= {hit.new.table for hit in find(thrice, [[everyone]], k=10).hits}


def test_sets_that_lost_and_gained_a_few_are_found() -> None:
    (hit,) = find([[frozenset(range(2, 43))]], [[frozenset(range(40))]], k=10).hits
    assert hit.difference == 5


@pytest.mark.parametrize("lost", [0, 10, 11])
def test_differences_of_nobody_or_of_enough_persons_are_nothing(lost: int) -> None:
    assert find([[frozenset(range(lost, 100))]], [[frozenset(range(100))]], k=10).hits == ()


def test_numbers_of_different_kinds_are_told_apart() -> None:
    old = partial(sets_of, [frozenset(range(43))], frozenset({"value:cost"}))
    new = sets_of([frozenset(range(40))], frozenset({"value:age"}))
    (hit,) = search([new], [old], 10, FOREVER).hits
    assert not hit.alike
    (alike,) = search([sets_of([frozenset(range(40))], frozenset({"value:cost"}))], [old], 10, FOREVER).hits
    assert alike.alike


@settings(max_examples=200, deadline=None)
@given(st.sets(st.integers(0, 7), min_size=1, max_size=7), st.sets(st.integers(0, PEOPLE - 1), min_size=K))
def test_what_cells_leave_of_a_total_is_a_set_like_others(shown: set[int], new: set[int]) -> None:
    """A table of eight cells of three persons each and their total, some of the cells hidden."""
    cells = [np.arange(3 * at, 3 * at + 3, dtype=np.uint64) for at in sorted(shown)]
    everybody = np.arange(PEOPLE, dtype=np.uint64)
    families = [
        Family((0,), frozenset({COUNT}), disjoint=True),
        Family(tuple(range(1, len(cells) + 1)), frozenset({COUNT}), disjoint=True),
    ]
    places = range(len(cells) + 1)
    old = make_sets([everybody, *cells], places, places, families)
    rest = set(range(PEOPLE)) - {int(one) for cell in cells for one in cell}
    grown = with_rests(old, K)
    kept = [set(map(int, grown.members(at))) for at in grown.rest_of]
    assert kept == ([rest] if rest not in [set(range(PEOPLE)), *({*map(int, one)} for one in cells)] else [])
    assert np.array_equal(grown.prints, prints_of([grown.members(at) for at in range(len(grown.place))]))
    assert grown.sizes.tolist() == [grown.members(at).size for at in range(len(grown.place))]
    said = search([sets_of([frozenset(new)])], [lambda: old], K, FOREVER)
    assert said.hits or not 1 <= len(rest ^ new) < K


def test_out_of_time_is_said() -> None:
    old = partial(sets_of, [frozenset(range(43))])
    said = search([sets_of([frozenset(range(40))])], [old], 10, deadline=0.0)
    assert not said.complete


def test_too_many_matches_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    men, north, rest = frozenset(range(200)), frozenset(range(60)), frozenset(range(60, 196))
    monkeypatch.setattr(triples, "MOST_MATCHES", 0)
    assert not find([[rest]], [[men], [north]], k=10).complete


def test_a_threshold_beyond_the_parts_is_said() -> None:
    assert not find([[frozenset(range(100))]], [[frozenset(range(150))]], k=PARTS + 1).complete


@given(st.lists(st.sets(st.integers(0, 2**64 - 1), min_size=1), min_size=1, max_size=5))
def test_sets_come_back_from_their_bytes(people: list[set[int]]) -> None:
    sets = sets_of([frozenset(one) for one in people])
    again = from_bytes(to_bytes(sets))
    assert [again.members(at).tolist() for at in range(len(people))] == [sorted(one) for one in people]
    assert (again.families, again.place, again.row) == (sets.families, sets.place, sets.row)
    assert (again.prints == sets.prints).all()
    assert to_bytes(again) == to_bytes(sets)


@pytest.mark.parametrize(
    "raw", [b"", b"onggi-sets-2\n", b"other", to_bytes(sets_of([frozenset({1, 2})]))[:-1]]
)
def test_other_bytes_are_refused(raw: bytes) -> None:
    with pytest.raises(ValueError):
        from_bytes(raw)


@given(st.sets(st.integers(0, 2**64 - 1)), st.sets(st.integers(0, 2**64 - 1)), st.integers(1, PARTS))
def test_prints_of_disjoint_sets_add_up(some: set[int], others: set[int], parts: int) -> None:
    others -= some
    arrays = [np.array(sorted(one), dtype=np.uint64) for one in (some, others, some | others)]
    prints = merged(prints_of(arrays), parts)
    assert (prints[0] + prints[1] == prints[2]).all()


def test_who_is_in_both_parts_and_not_in_the_whole_counts_twice() -> None:
    whole, near, part = frozenset({*range(1, 8), 9, 10}), frozenset(range(1, 9)), frozenset(range(8, 12))
    (hit,) = find([[whole]], [[near], [part]]).hits
    assert (len(hit.parts), hit.difference) == (2, 2)
