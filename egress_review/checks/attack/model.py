"""A table as an attacker reads it: levels, totals, hidden cells, rounded numbers.

Nothing here knows SQL, files or persons: whoever calls says what is published, what is hidden and what is
true. Tables of the request and earlier releases have the same form, so that they can be attacked together.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

TOTAL: Final = None
"""The level of a key that a margin sums over. A NULL of the data is a level like others: give it a text."""

Level = str | None
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]


class Method(StrEnum):
    """How a number was rounded."""

    NEAREST = "nearest"
    MIDPOINT = "midpoint"


@dataclass(frozen=True, slots=True)
class Rounding:
    """The rule by which every number of a table was rounded from its own true value.

    Attributes:
        base: of the grid, greater than 0.
        method: `nearest` multiple, or the `midpoint` of the band ((k-1)*base, k*base] that holds the value.

    Source: midpoint rounding: OpenSAFELY documentation, outputs/sdc: ceiling(x/6)*6 - 3*(x != 0).
    """

    base: float
    method: Method = Method.NEAREST

    def apply(self, values: Floats) -> Floats:
        """The rounded numbers; a value half way between two goes to the even multiple."""
        if self.method is Method.NEAREST:
            rounded: Floats = np.rint(values / self.base) * self.base
        else:
            rounded = np.ceil(values / self.base) * self.base - (self.base / 2) * (values != 0)
        return rounded

    def interval(self, published: float, *, integral: bool) -> tuple[float, float]:
        """Smallest and largest true value that may stand behind a published one.

        At the middle both neighbours are held possible: the check of the file allows both.
        """
        if self.method is Method.MIDPOINT:
            if published == 0:
                return 0.0, 0.0
            top = published + self.base / 2
            bottom = top - self.base
            return (math.floor(bottom) + 1.0, math.floor(top) + 0.0) if integral else (bottom, top)
        low, high = published - self.base / 2, published + self.base / 2
        return (math.ceil(low) + 0.0, math.floor(high) + 0.0) if integral else (low, high)


@dataclass(frozen=True, slots=True)
class Key:
    """A column that names groups.

    Attributes:
        name: as other tables name it too: cells are shared by name and level.
        parents: level → the broader level that holds it, where the key has a hierarchy; a level that is no
            key of it stands right below the total. The broadest levels partition the total, and the levels
            below a level partition it.
        dimension: that the key divides; keys of one dimension are about the same thing (an age in bands of
            five years, and of ten). "" where it has its own.
        parts: level → the smallest parts of the dimension that it holds; empty where `parents` say it.
    """

    name: str
    parents: Mapping[str, str] = field(default_factory=dict)
    dimension: str = ""
    parts: Mapping[str, frozenset[str]] = field(default_factory=dict)

    def depth(self, level: Level) -> int:
        """0 for the total, 1 right below it, and so on.

        Raises:
            ValueError: the hierarchy runs in a circle.
        """
        depth = 0
        while level is not TOTAL:
            depth += 1
            level = self.parents.get(level)
            if depth > len(self.parents) + 1:
                raise ValueError("the hierarchy runs in a circle")
        return depth

    def at(self, level: Level, depth: int) -> Level:
        """The level of depth `depth` that holds `level`, or `level` itself if it is no deeper."""
        for _ in range(self.depth(level) - depth):
            level = TOTAL if level is TOTAL else self.parents.get(level)
        return level


@dataclass(frozen=True, slots=True)
class Slice:
    """What a filter leaves of a dimension.

    Attributes:
        parts: the smallest parts of the dimension that are left.
        whole: all parts of the dimension.
        label: of the filter, for witnesses.
    """

    parts: frozenset[str]
    whole: frozenset[str]
    label: str


@dataclass(frozen=True, slots=True)
class PublishedTable:
    """One measure of one table: every published and every hidden cell, one row each.

    Groups that are in no row are empty (0), if their kind of row is published at all: who sees a table knows
    which groups it does not list. A group that the file leaves out to hide it is a *suppressed* row here.

    Attributes:
        name: shown in witnesses: "" for the table itself, "R-12" for a release.
        keys: in the order of the levels of a row.
        rows: levels by row, `TOTAL` where a margin sums.
        published: numbers as the file shows them; nan where suppressed.
        true: numbers before rounding and suppression; nan where nobody knows them any more.
        suppressed: rows whose number is not shown.
        sensitive: rows whose number must not be found out: those that break a rule by themselves.
        singleton: rows behind which one person stands, who knows his own number.
        subject: measure, population and version of the data: only tables with the same are linked.
        rounding: of the published numbers, or None.
        integral: whether true values are whole numbers.
        non_negative: whether an attacker knows that no value is below 0.
        least, most: what a reader knows of each number if it is not shown as it is: what its mark says, that
            a group which is listed is not empty, what HAVING asks for.
        complete: grouping sets of which all rows are here, as depths by key; None: those of the rows.
        slices: dimension → what a filter leaves of it, where tables with other filters are linked.
    """

    name: str
    keys: tuple[Key, ...]
    rows: tuple[tuple[Level, ...], ...]
    published: Floats
    true: Floats
    suppressed: Flags
    sensitive: Flags
    singleton: Flags
    least: Floats
    most: Floats
    subject: str
    rounding: Rounding | None = None
    integral: bool = True
    non_negative: bool = True
    complete: frozenset[tuple[int, ...]] | None = None
    slices: Mapping[str, Slice] = field(default_factory=dict)

    def __post_init__(self) -> None:
        size = len(self.rows)
        numbers = (self.published, self.true, self.least, self.most)
        flags = (self.suppressed, self.sensitive, self.singleton)
        if any(len(one) != size for one in (*numbers, *flags)) or any(
            len(row) != len(self.keys) for row in self.rows
        ):
            raise ValueError("rows and numbers do not fit together")

    @property
    def shapes(self) -> frozenset[tuple[int, ...]]:
        """The grouping sets of which all rows are here, as depths by key."""
        if self.complete is not None:
            return self.complete
        return frozenset(
            tuple(key.depth(level) for key, level in zip(self.keys, row, strict=True)) for row in self.rows
        )


def make_table(  # noqa: PLR0913 - a table has as many properties
    keys: Sequence[str | Key],
    rows: Sequence[Sequence[Level]],
    values: Sequence[float] | Floats,
    *,
    suppressed: Sequence[bool] | Flags | None = None,
    sensitive: Sequence[bool] | Flags | None = None,
    singleton: Sequence[bool] | Flags | None = None,
    name: str = "",
    subject: str = "",
    rounding: Rounding | None = None,
    integral: bool = True,
    non_negative: bool = True,
    ends: tuple[Floats, Floats] | None = None,
    complete: frozenset[tuple[int, ...]] | None = None,
    slices: Mapping[str, Slice] | None = None,
) -> PublishedTable:
    """A table from its true values; what is published follows from suppression and rounding.

    Args:
        sensitive: those suppressed, if it is not given.
        ends: `least` and `most`; nothing is known if they are not given.
    """
    true = np.asarray(values, dtype=np.float64)
    hidden = np.zeros(len(true), bool) if suppressed is None else np.asarray(suppressed, bool)
    shown = rounding.apply(true) if rounding else true.copy()
    shown[hidden] = np.nan
    least, most = ends or (np.full(len(true), -np.inf), np.full(len(true), np.inf))
    return PublishedTable(
        name=name,
        keys=tuple(Key(one) if isinstance(one, str) else one for one in keys),
        rows=tuple(tuple(row) for row in rows),
        published=shown,
        true=true,
        suppressed=hidden,
        sensitive=hidden.copy() if sensitive is None else np.asarray(sensitive, bool),
        singleton=np.zeros(len(true), bool) if singleton is None else np.asarray(singleton, bool),
        least=least,
        most=most,
        subject=subject,
        rounding=rounding,
        integral=integral,
        non_negative=non_negative,
        complete=complete,
        slices=slices or {},
    )
