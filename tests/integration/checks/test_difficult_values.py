# ruff: noqa: E501 - queries read best on one line
"""Values that tables trip over: groups without a value, NaN, infinities, negatives, 2^53 + 1, hours that clocks skip."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Sequence

import pytest

from egress_review.checks.findings import FindingCode as Code
from egress_review.checks.findings import Verdict
from egress_review.checks.order import Order
from egress_review.checks.report import OutputReport
from egress_review.checks.worker import check
from onggi.file_forms import parquet_bytes, xlsx_bytes
from tests.support.check_tables import Made, Source, Vault, small_source

# 30 persons in each of ten groups. Seoul had no such hour change, Berlin lost 2026-03-29 02:00 to 03:00.
ODD = """
SELECT n AS person_id, 'g' || n // 30 AS g,
       CASE n // 30 WHEN 0 THEN NULL WHEN 1 THEN 'NaN'::DOUBLE WHEN 2 THEN 'Infinity'::DOUBLE WHEN 3 THEN '-Infinity'::DOUBLE
            WHEN 4 THEN -1.5 WHEN 5 THEN (CASE WHEN n % 2 = 0 THEN 'Infinity' ELSE '-Infinity' END)::DOUBLE WHEN 6 THEN -0.0
            WHEN 7 THEN 1e308 WHEN 8 THEN 5e-324 ELSE n / 7.0 END AS v,
       9007199254740993 + (n % 2) AS big,
       TIMESTAMP '2026-03-29 01:30:00' + to_minutes((n % 4) * 30) AS t,
       CASE WHEN n % 2 = 0 THEN 'NaN'::DOUBLE END AS nan
FROM range(300) AS r(n)
"""
QUERIES = [
    "SELECT g, COUNT(v) AS n, SUM(v) AS s, AVG(v) AS m, MIN(v) AS lo, MAX(v) AS hi FROM odd.person WHERE g <> 'g7' GROUP BY g",
    "SELECT g, MEDIAN(v) AS m, QUANTILE_CONT(v, 0.25) AS q FROM odd.person GROUP BY g",
    "SELECT g, STDDEV(v) AS s, VAR_POP(v) AS p FROM odd.person WHERE g IN ('g0', 'g4', 'g6', 'g9') GROUP BY g",
    "SELECT v, COUNT(*) AS n FROM odd.person WHERE g < 'g9' GROUP BY v",
    "SELECT nan, COUNT(*) AS n FROM odd.person GROUP BY nan",
    "SELECT big, COUNT(*) AS n, SUM(big) AS s FROM odd.person GROUP BY big",
    "SELECT t, COUNT(*) AS n FROM odd.person GROUP BY t",
    "SELECT date_trunc('hour', t) AS h, COUNT(*) AS n, MIN(t) AS first FROM odd.person GROUP BY h",
    "SELECT g, SUM(v) / COUNT(*) AS m, 100.0 * COUNT(v) / COUNT(*) AS p FROM odd.person WHERE g NOT IN ('g5', 'g7') GROUP BY g",
]


@pytest.fixture(scope="module")
def odd(tmp_path_factory: pytest.TempPathFactory) -> Source:
    columns = "person_id BIGINT, g VARCHAR, v DOUBLE, big BIGINT, t TIMESTAMP, nan DOUBLE"
    return small_source(tmp_path_factory.mktemp("data") / "odd", {"person": (columns, ODD)}, "odd")


def checked(made: Made, odd: Source, vault: Vault, name: str = "table.csv") -> OutputReport:
    output = vault.keep(made.body, name, made.claim)
    with tempfile.TemporaryDirectory() as scratch:
        order = Order(
            output.name, output.sha256, output.path, scratch, output.claim, (odd.granted,), vault.policy
        )
        return check(order)


@pytest.mark.parametrize("sql", QUERIES)
def test_difficult_values_are_recomputed_or_not_proven(sql: str, odd: Source, vault: Vault) -> None:
    report = checked(odd.table(sql), odd, vault)
    assert {one.code for one in report.findings} & {Code.RECOMPUTED}, report.findings


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("NaN", "0.0"), ("Infinity", "1e308"), ("-Infinity", "Infinity"), ("-1.5", "1.5"), (",0,", ",30,"), (",30,NaN", ",30,"),
    ],
)  # fmt: skip
def test_a_difficult_value_cannot_be_exchanged(old: str, new: str, odd: Source, vault: Vault) -> None:
    made = odd.table(QUERIES[0])
    report = checked(made.edited(old, new), odd, vault)
    assert report.verdict is Verdict.BLOCK
    assert Code.RECOMPUTED not in {one.code for one in report.findings}


@pytest.mark.parametrize("write", [parquet_bytes, xlsx_bytes])
def test_difficult_values_survive_every_form(
    write: Callable[[Sequence[str], Sequence[Sequence[object]]], bytes], odd: Source, vault: Vault
) -> None:
    made = odd.table(QUERIES[5])
    rows = [(9007199254740993 + n, 150, 150 * (9007199254740993 + n)) for n in (0, 1)]
    ending = "parquet" if write is parquet_bytes else "xlsx"
    report = checked(made.with_body(write(["big", "n", "s"], rows)), odd, vault, f"table.{ending}")
    assert Code.RECOMPUTED in {one.code for one in report.findings}, report.findings
    off = [(9007199254740992, *rows[0][1:]), rows[1]]
    wrong = checked(made.with_body(write(["big", "n", "s"], off)), odd, vault, f"table.{ending}")
    assert wrong.verdict is Verdict.BLOCK


def test_an_hour_that_clocks_skip_stays_where_it_is(odd: Source, vault: Vault) -> None:
    made = odd.table(QUERIES[6])
    assert b"2026-03-29T02:30:00,75" in made.body
    for text in ("2026-03-29T03:30:00", "2026-03-29T02:30:00Z", "2026-03-29 02:30:00"):
        report = checked(made.edited("2026-03-29T02:30:00", text), odd, vault)
        assert Code.RECOMPUTED not in {one.code for one in report.findings}
