"""What cannot be attacked in its time is not proven, and said so soon."""

from __future__ import annotations

import time
from itertools import combinations, product

import pytest

from egress_review.checks.attack.audit import AttackRules, audit
from egress_review.checks.attack.exact import exact_recovery
from egress_review.checks.attack.model import Key
from egress_review.checks.attack.propagation import propagate
from egress_review.checks.attack.relevance import Outline, relevant
from egress_review.checks.attack.system import TooComplex, systems
from tests.support.attacked import cube

BANDS = [[frozenset({one, other}) for one, other in combinations("abcd", 2)][:3] for _ in range(5)]


def test_no_system_is_built_after_its_time() -> None:
    with pytest.raises(TooComplex):
        systems([cube((4, 4, 4), 1, 10)], time.monotonic() - 1)


def test_an_attack_without_time_proves_nothing() -> None:
    found = audit([cube((4, 4, 4), 1, 10)], AttackRules(), 10, exact=-1)
    assert not found.complete
    assert not found.safe
    assert found.sensitive == 10


def test_nothing_is_certain_after_the_time() -> None:
    (system,) = systems([cube((4, 4, 4), 1, 10)])
    assert exact_recovery(system).certain
    assert not exact_recovery(system, time.monotonic() - 1).certain


def test_bounds_that_are_out_of_time_are_looser_not_wrong() -> None:
    (system,) = systems([cube((6, 6, 6), 1, 60)])
    early, all_ = propagate(system, until=time.monotonic() - 1), propagate(system)
    assert (early.low <= all_.low).all()
    assert (early.high >= all_.high).all()
    assert early.high.sum() > all_.high.sum()


def outline(bands: dict[int, int]) -> Outline:
    """A table by pairs of levels of some dimensions, each cut in one of three ways, that hides something."""
    keys = []
    for dimension, band in bands.items():
        pair = BANDS[dimension][band]
        parts = {"in": pair, "out": frozenset("abcd") - pair}
        keys.append(Key(f"{dimension}.{band}", {}, f"d{dimension}", parts))
    whole = frozenset({(1,) * len(keys)})
    return Outline(tuple(keys), {}, whole, whole)


def many(keys: int) -> list[Outline]:
    return [
        outline(dict(zip(some, bands, strict=True)))
        for some in combinations(range(5), keys)
        for bands in product(range(3), repeat=keys)
    ]


def test_too_many_margins_are_seen_before_any_table_is_computed() -> None:
    assert relevant(many(2)[:40], [0], additive=True)
    with pytest.raises(TooComplex):
        relevant(many(4), [0], additive=True)


def test_tables_are_not_related_after_the_time() -> None:
    with pytest.raises(TooComplex):
        relevant(many(2)[:40], [0], additive=True, until=time.monotonic() - 1)
