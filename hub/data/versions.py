"""What the data sets that Onggi builds are called; apart, so that their names cost no library."""

from __future__ import annotations

NAFLD = "nafld"
NAFLD_VERSION = "1"
CLAIMS = "claims"


def claims_version(rows: int, seed: int) -> str:
    """The version that a size and a seed make."""
    return f"rows{rows}-seed{seed}"
