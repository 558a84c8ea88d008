"""What the review service loads at its start: the libraries that compute are for boxes."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("duckdb", "highspy", "numpy", "openpyxl", "pandas", "pyroaring", "scipy", "sqlglot", "statsmodels")


def test_nothing_that_computes_is_loaded_into_the_service() -> None:
    asked = f"import sys, egress_review.wiring; print(*(one for one in {HEAVY!r} if one in sys.modules))"
    said = subprocess.run([sys.executable, "-c", asked], capture_output=True, text=True, check=True)
    assert said.stdout.split() == []
