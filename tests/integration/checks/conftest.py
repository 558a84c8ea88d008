from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from egress_review.checks.job import OutputToCheck
from egress_review.checks.order import Order
from egress_review.checks.report import OutputReport
from egress_review.checks.worker import check
from tests.support.check_tables import Made, Source, Vault, small_source

Checker = Callable[..., OutputReport]

PEOPLE = """
SELECT n AS person_id, CASE WHEN n % 2 = 0 THEN 'F' ELSE 'M' END AS sex, 20 + n % 60 AS age,
       CASE WHEN n % 7 = 0 THEN NULL ELSE (n % 50) / 3.0 - 8 END AS cost,
       CASE WHEN n % 10 = 0 THEN NULL WHEN n % 10 = 1 THEN '' WHEN n % 10 = 2 THEN '서울, "강남"'
            WHEN n % 10 = 3 THEN 'two
lines' ELSE 'other' END AS region,
       9007199254740993::BIGINT AS big
FROM range(1, 601) AS r(n)
"""
# Ward A: 20 rows, all of one person. Ward B: 40 persons, a visit each. Ward C: 9 persons, three visits each.
VISITS = """
SELECT 1000 + n AS visit_id, 5 AS person_id, 'A' AS ward, n AS days FROM range(20) AS r(n)
UNION ALL SELECT 2000 + n, 100 + n, 'B', n FROM range(40) AS r(n)
UNION ALL SELECT 3000 + n, 200 + n // 3, 'C', n FROM range(27) AS r(n)
"""


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Source:
    return small_source(
        tmp_path_factory.mktemp("data") / "small",
        {
            "person": (
                "person_id BIGINT, sex VARCHAR, age BIGINT, cost DOUBLE, region VARCHAR, big BIGINT",
                PEOPLE,
            ),
            "visit": ("visit_id BIGINT, person_id BIGINT, ward VARCHAR, days BIGINT", VISITS),
        },
    )


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    folder = tmp_path / "vault"
    folder.mkdir()
    return Vault(folder)


@pytest.fixture
def checked(source: Source, vault: Vault) -> Checker:
    """Check a table in this process: the worker's own function, without its box."""

    def run(made: Made, *, name: str = "table.csv", granted: bool = True, claim: bool = True) -> OutputReport:
        output: OutputToCheck = vault.keep(made.body, name, made.claim if claim else None)
        datasets = (source.granted,) if granted else ()
        with tempfile.TemporaryDirectory() as scratch:
            return check(
                Order(output.name, output.sha256, output.path, scratch, output.claim, datasets, vault.policy)
            )

    return run
