"""Which sets nearly lie in which: a few witnesses leave out no pair that counting everybody finds."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from egress_review.checks.differencing import relations
from egress_review.checks.differencing.relations import Newcomer, contained, witnesses
from egress_review.checks.differencing.sets import COUNT, Family, Sets, make_sets

K = 3


def cut(random: np.random.Generator, people: int, cells: int) -> Sets:
    """A table of disjoint cells with their total, of some of the people."""
    who = np.sort(random.choice(people, size=int(people * 0.9), replace=False)).astype(np.uint64)
    label = random.integers(0, cells, who.size)
    members = [who[label == one] for one in range(cells)]
    members = [one for one in members if one.size] + [who]
    return made(members)


def made(members: list[np.ndarray]) -> Sets:
    places = range(len(members))
    return make_sets(members, places, places, [Family(tuple(places), frozenset({COUNT}), disjoint=False)])


def near_copy(random: np.random.Generator, sets: Sets) -> Sets:
    """Its sets, some without a person or two, some together."""
    members = [sets.members(one) for one in range(len(sets.place))]
    lost = [one[random.integers(0, 3) :] for one in members]
    joined = np.union1d(members[0], members[1])
    return made([one for one in [*lost, joined] if one.size])


def by_counting(old: Sets, new: Sets) -> set[tuple[int, int, int]]:
    found = set()
    for row in range(len(old.place)):
        for column in range(len(new.place)):
            some, others = old.members(row), new.members(column)
            shared = np.intersect1d(some, others).size
            if shared and (some.size - shared < K or others.size - shared < K):
                found.add((row, column, shared))
    return found


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(2, 12), st.integers(2, 12), st.sampled_from([40, 600]))
def test_no_pair_is_missed(seed: int, cells: int, others: int, people: int) -> None:
    random = np.random.default_rng(seed)
    old = cut(random, people, cells)
    for new in (cut(random, people, others), near_copy(random, old), old):
        pairs = contained(old, Newcomer(new), K)
        said = set(zip(pairs.old.tolist(), pairs.new.tolist(), pairs.shared.tolist(), strict=True))
        assert said == by_counting(old, new)


@pytest.mark.parametrize("few", [0, 100])
def test_both_ways_of_counting_say_the_same(monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    monkeypatch.setattr(relations, "_FEW", few)
    random = np.random.default_rng(1)
    old = cut(random, 600, 5)
    new = near_copy(random, old)
    pairs = contained(old, Newcomer(new), K)
    said = set(zip(pairs.old.tolist(), pairs.new.tolist(), pairs.shared.tolist(), strict=True))
    assert said == by_counting(old, new)


def test_a_set_whose_persons_come_late_is_a_suspect(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(relations, "_FIRST", 300)
    people = np.arange(600, dtype=np.uint64)
    sets = made([people[:300], people[300:]])
    assert witnesses(sets, K).unknown.tolist() == [1]
    pairs = contained(sets, Newcomer(made([people[:299], people[302:]])), K)
    assert pairs.new.tolist() == [0, 1]
