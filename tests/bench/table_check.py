# ruff: noqa: E501 - queries read best on one line
"""How long the check of one table takes, from order to report, its box included.

    python -m tests.bench.table_check DATASET_FOLDER [--times 9]

For the NAFLD cohort: persons by sex and age, and a join of persons and events.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

from egress_review.checks.runner import run_checks
from tests.support.check_tables import Source, Vault

TABLES = {
    "persons by sex and age": "SELECT gender_source_value AS sex, floor(age_at_index / 10) * 10 AS age,"
    " COUNT(*) AS n FROM nafld.person GROUP BY ALL",
    "events by sex, joined": "SELECT gender_source_value AS sex, condition_source_value AS event, COUNT(*) AS n,"
    " COUNT(DISTINCT person_id) AS p FROM nafld.person JOIN nafld.condition_occurrence USING (person_id) GROUP BY ALL",
    "400,123 measurements": "SELECT measurement_source_value AS test, COUNT(*) AS n, AVG(value_as_number) AS mean"
    " FROM nafld.measurement GROUP BY ALL",
}  # fmt: skip


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--times", type=int, default=9)
    given = parser.parse_args()
    source = Source(given.folder)
    for name, sql in TABLES.items():
        with tempfile.TemporaryDirectory() as folder:
            vault, made, took, verdict = Vault(Path(folder)), source.table(sql), [], ""
            for _ in range(given.times):
                began = time.monotonic()
                verdict = run_checks(vault.job(vault.keep(made.body, claim=made.claim), source)).verdict.value
                took.append(time.monotonic() - began)
        print(f"{name}: p50 {statistics.median(took):.2f} s, worst {max(took):.2f} s, {verdict}")


if __name__ == "__main__":
    main()
