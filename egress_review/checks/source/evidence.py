"""What stands behind a published number, as the source says: the input of every rule of disclosure control.

A *unit* is what a profile protects: the person, or the row where a profile counts rows. All sums are of whole
units, taken absolutely: one negative value cannot hide that another unit is nearly the whole.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from egress_review.checks.reading.query import Query

TOP = 3
"""How many of the largest units are kept; enough for (n, k) with n up to 3 and for p%."""
TIED = 100
"""How many of several most frequent values are known."""
ENDS = 20
"""How many units at an end of the range are told apart."""

GroupId = tuple[Hashable, ...]
"""A group's grouping id and key values, fit for a dictionary: see `group_id`."""


@dataclass(frozen=True, slots=True)
class Cell:
    """One published number and its evidence.

    Attributes:
        key: values of the query's keys; None where the key is a margin's or missing.
        grouping: bit n is set where key n is a margin's.
        measure: index among the query's measures.
        value: as recomputed.
        rows: source rows of the group.
        units: of the group.
        contributors: units that contribute a value that is not zero.
        present: units with a value that is not missing, zero included.
        values: rows with a value that is not missing.
        total_abs: sum over units of the absolute sum of each; counts have the rows of each as its sum.
        top: the largest of those absolute sums, the largest first, at most `TOP`.
        minimum, maximum: of the values; None for counts.
        units_at_minimum, units_at_maximum: units that hold it, counted up to `ENDS`; 0 if not asked for.
        negatives: whether a value is below zero.
        tied: the most frequent values, the least first, at most `TIED`; empty if not asked for.
        holders: units that hold the one of them that the fewest hold.
        institutions: that contribute, or None if the data name none or nobody asked.
        institutions_abs: sum over institutions of the absolute sum of each.
        top_institutions: the largest of them, as `top`.
        parts: numerator and denominator of a ratio.
    """

    key: tuple[Any, ...]
    grouping: int
    measure: int
    value: Any
    rows: int
    units: int
    contributors: int
    present: int = 0
    values: int = 0
    total_abs: float = 0.0
    top: tuple[float, ...] = ()
    minimum: Any = None
    maximum: Any = None
    units_at_minimum: int = 0
    units_at_maximum: int = 0
    negatives: bool = False
    tied: tuple[Any, ...] = ()
    holders: int = 0
    institutions: int | None = None
    institutions_abs: float = 0.0
    top_institutions: tuple[float, ...] = ()
    parts: tuple[Cell, ...] = ()

    @property
    def same_value(self) -> bool:
        """Whether all values are one and the same: then the table says it of each."""
        return self.minimum is not None and bool(self.minimum == self.maximum)

    @property
    def largest_share(self) -> float | None:
        """Share of the largest unit in the absolute total; None if there is no total."""
        return share(self.top[:1], self.total_abs) if self.top else None


@dataclass(frozen=True, slots=True)
class Group:
    """One row of the recomputed table and what stands behind it.

    Attributes:
        values: as published, in the order of the query's items.
        rows: source rows.
        persons: distinct persons; where a profile counts rows, rows.
        cells: one for each measure.
        grouping: as `Cell.grouping`.
    """

    values: tuple[Any, ...]
    rows: int
    persons: int
    cells: tuple[Cell, ...] = ()
    grouping: int = 0

    @property
    def contributors(self) -> tuple[int, ...]:
        """For each measure, units that contribute a value."""
        return tuple(one.contributors for one in self.cells)

    def key(self, query: Query) -> tuple[Any, ...]:
        """The values of the query's keys."""
        return tuple([self.values[place] for place in query.key_places])


def share(top: Sequence[float], total: float) -> float | None:
    """What part of an absolute total the largest make; None of nothing, NaN of what is not finite."""
    if total == 0:
        return None
    return math.fsum(top) / total if math.isfinite(total) else math.nan


def group_id(key: Iterable[Any], grouping: int) -> GroupId:
    """The dictionary key of a group: NaN equals NaN, and 1 is not True."""
    shown: list[Hashable] = [grouping]
    for value in key:
        nan = isinstance(value, float) and math.isnan(value)
        shown.append((type(value).__name__, "nan" if nan else value))
    return tuple(shown)
