"""What cannot be attacked in its time is not proven, and said so soon."""

from __future__ import annotations

import time
from itertools import combinations, product
from pathlib import Path

import duckdb
import pytest

from egress_review.checks.attack import system as system_module
from egress_review.checks.attack.about import about, axes_of, placed_measures, settled
from egress_review.checks.attack.audit import AttackRules, audit
from egress_review.checks.attack.exact import exact_recovery
from egress_review.checks.attack.model import Key, Slice, make_table
from egress_review.checks.attack.propagation import propagate
from egress_review.checks.attack.relevance import Outline, relevant
from egress_review.checks.attack.system import TooComplex, systems
from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.reading.select import read_query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source.opening import open_source
from egress_review.checks.source.tasks import InTime
from onggi.claim import claim_from_json
from tests.support.attacked import cube
from tests.support.check_tables import small_source

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
    with pytest.raises(TooComplex) as stopped:
        relevant(many(4), [0], additive=True)
    assert stopped.value.code is FindingCode.ATTACK_TOO_MANY_MARGINS


def test_too_many_cells_are_said_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(system_module, "MOST_CELLS", 3)
    (one, two) = (frozenset({"a"}), frozenset({"a", "b"}))
    some = make_table(["k"], [(f"L{at}",) for at in range(5)], range(5), slices={"d": Slice(one, two, "a")})
    found = audit([some], AttackRules(), 10)
    assert (found.complete, found.cause) == (False, FindingCode.ATTACK_TOO_MANY_CELLS)


def test_a_query_that_runs_on_is_broken_off() -> None:
    endless = "SELECT count(*) FROM range(10000000000) a, range(10000000000) b WHERE a.range + b.range < 0"
    start = time.monotonic()
    with (
        duckdb.connect() as opened,
        InTime(opened, start + 0.3) as database,
        pytest.raises(CheckStopped) as said,
    ):
        database.execute(endless)
    assert said.value.finding.code is FindingCode.ATTACK_OVER_BUDGET
    assert time.monotonic() - start < 5


def test_nothing_is_asked_after_the_time() -> None:
    with duckdb.connect() as opened, InTime(opened, time.monotonic() - 1) as database:
        with pytest.raises(CheckStopped):
            database.execute("SELECT 1")
        with pytest.raises(CheckStopped):
            list(database.in_time([1]))


def test_a_source_is_not_read_after_the_time(tmp_path: Path) -> None:
    """Neither what is counted nor how keys and filters divide it; with time it is."""
    rows = "SELECT i AS person_id, i % 40 AS age, i // 2 AS visit FROM range(400) t(i)"
    made = small_source(tmp_path / "small", {"person": ("person_id BIGINT, age BIGINT, visit BIGINT", rows)})
    sql = (
        "SELECT age // 10 AS tens, count(DISTINCT visit) AS n, count(*) FILTER (WHERE age < 20) AS young"
        " FROM small.person GROUP BY tens"
    )
    claim = claim_from_json(made.table(sql).claim)
    query = read_query(claim, Catalogue([made.manifest]))
    source = open_source([(made.manifest, made.folder)], tmp_path, 2**30)
    assert placed_measures(query, claim.datasets, source, time.monotonic() + 60)
    found = {n: about(query, one, claim.datasets) for n, one in enumerate(query.measures)}
    late = time.monotonic() - 1
    for read in (
        lambda: settled(tuple(found.values()), source, many=True, until=late),
        lambda: axes_of(tuple(found.values()), source, late),
    ):
        with pytest.raises(CheckStopped) as said:
            read()
        assert said.value.finding.code is FindingCode.ATTACK_OVER_BUDGET


def test_tables_are_not_related_after_the_time() -> None:
    with pytest.raises(TooComplex):
        relevant(many(2)[:40], [0], additive=True, until=time.monotonic() - 1)
