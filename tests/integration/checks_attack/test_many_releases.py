"""A year of releases about one population, each cut in another way."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import pytest

from egress_review.checks.attack.linked import Linked, attack_linked
from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.policy import CheckPolicy
from tests.support.check_tables import Source, small_source
from tests.support.releases import COLUMNS, PERSONS, cuts, table

SECONDS = 120.0
"""Enough on a busy machine: what is said is tested here, how soon by `tests.bench.many_releases`."""


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return small_source(tmp_path_factory.mktemp("data") / "small", {"person": (COLUMNS, PERSONS)})


@pytest.fixture(scope="module")
def released(source: Source, tmp_path_factory: pytest.TempPathFactory) -> list[Linked]:
    folder = tmp_path_factory.mktemp("spilled")
    asked = list(islice(cuts(), 300))
    asked[249] = ("age < 22", "code"), ""
    return [table(source, folder, *one, name=f"rel-{at}") for at, one in enumerate(asked, 1)]


def attacked(new: Linked, released: list[Linked]) -> set[tuple[Code, str]]:
    start = time.monotonic()
    (found,) = attack_linked([new], released, CheckPolicy(), start + SECONDS)
    return {(one.code, one.params.get("witness", "")) for one in found}


YOUNG = ("region = 'R0'", "code"), "age < 22"


def test_a_cell_is_recovered_through_one_of_three_hundred(
    source: Source, released: list[Linked], tmp_path: Path
) -> None:
    new = table(source, tmp_path, *YOUNG)
    assert new.hidden
    found = attacked(new, released)
    assert {code for code, _ in found} == {Code.CELL_RECOVERABLE}
    assert all("rel-250[" in witness for _, witness in found)
    assert attacked(new, [*released[:249], *released[250:]]) == set()


@pytest.mark.parametrize(
    "cut",
    [
        (("age // 20", "region"), ""),
        (("age // 11", "sex"), ""),
        (("age // 11", "smoker", "code < 'F'"), ""),
    ],
)
def test_three_hundred_releases_are_judged(
    source: Source, released: list[Linked], tmp_path: Path, cut: tuple[tuple[str, ...], str]
) -> None:
    assert len(released) == 300
    said = {code for code, _ in attacked(table(source, tmp_path, *cut), released)}
    assert Code.ATTACK_OVER_BUDGET not in said
