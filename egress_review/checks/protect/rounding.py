"""Rounding a whole table, every number from its own true value.

Margins are rounded like all other cells and not added up from rounded ones: a rounded table does not add up,
and says so. That keeps each number within half a base of the truth.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from egress_review.checks.attack.model import PublishedTable, Rounding


def round_table(table: PublishedTable, rounding: Rounding) -> PublishedTable:
    """The table with every number rounded and none suppressed."""
    return replace(
        table,
        published=rounding.apply(table.true),
        suppressed=np.zeros(len(table.rows), bool),
        rounding=rounding,
    )
