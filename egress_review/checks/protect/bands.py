"""Merging bands: adjacent levels of one key become one, until no cell has too few persons.

Levels are ordered as people read them: by their first number, then as text. Persons of merged cells are added
up; who stands in two of them is counted twice, so a merged table is only proposed, and checked again when it
is made.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from egress_review.checks.attack.model import TOTAL, Floats, Level, PublishedTable

_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Merged:
    """A table with merged bands.

    Attributes:
        key: the name of the key whose levels were merged.
        bands: level → band, for those that changed.
        table: its values and persons added up; nothing in it is suppressed.
        persons: by row.
    """

    key: str
    bands: Mapping[str, str]
    table: PublishedTable
    persons: Floats

    @property
    def merged_levels(self) -> int:
        """Levels that are gone."""
        return len(self.bands) - len(set(self.bands.values()))


def merge_bands(table: PublishedTable, persons: Floats, least: int, key: int) -> Merged:
    """Merge levels of one key until no cell has 1 to `least` - 1 persons, or one band is left.

    Args:
        persons: by row.
        key: the number of a key without hierarchy.
    """
    groups = [[level] for level in sorted({row[key] for row in table.rows if row[key]}, key=_order)]
    while len(groups) > 1:
        merged = _apply(table, persons, least, key, groups)
        small = merged.table.sensitive
        if not small.any():
            return merged
        weak = [sum(small[row] for row in _rows(merged.table, key, _label(one))) for one in groups]
        if not any(weak):
            return merged
        totals = [sum(merged.persons[row] for row in _rows(merged.table, key, _label(one))) for one in groups]
        _merge(groups, max(range(len(groups)), key=lambda at: (weak[at], -totals[at])), totals)
    return _apply(table, persons, least, key, groups)


def _order(level: Level) -> tuple[float, str]:
    text = level or ""
    found = _NUMBER.search(text)
    return (float(found.group()) if found else np.inf, text)


def _rows(table: PublishedTable, key: int, level: str) -> list[int]:
    return [number for number, row in enumerate(table.rows) if row[key] == level]


def _merge(groups: list[list[Level]], at: int, totals: list[float]) -> None:
    """Join one group with its smaller neighbour."""
    sides = [side for side in (at - 1, at + 1) if 0 <= side < len(groups)]
    other = min(sides, key=lambda side: totals[side])
    first, last = sorted((at, other))
    groups[first : last + 1] = [groups[first] + groups[last]]


def _label(group: list[Level]) -> str:
    return str(group[0]) if len(group) == 1 else f"{group[0]} – {group[-1]}"


def _apply(table: PublishedTable, persons: Floats, least: int, key: int, groups: list[list[Level]]) -> Merged:
    bands = {str(level): _label(group) for group in groups for level in group}
    places: dict[tuple[Level, ...], int] = {}
    of_row = np.array(
        [places.setdefault(_renamed(row, key, bands), len(places)) for row in table.rows], dtype=np.int64
    )
    values: Floats = np.bincount(of_row, table.true, len(places)).astype(np.float64)
    counts: Floats = np.bincount(of_row, persons, len(places)).astype(np.float64)
    merged = replace(
        table,
        rows=tuple(places),
        published=values,
        true=values,
        suppressed=np.zeros(len(places), bool),
        sensitive=(counts > 0) & (counts < least),
        singleton=counts == 1,
        least=np.full(len(places), -np.inf),
        most=np.full(len(places), np.inf),
        rounding=None,
    )
    changed = {level: band for level, band in bands.items() if level != band}
    return Merged(table.keys[key].name, changed, merged, counts)


def _renamed(row: tuple[Level, ...], key: int, bands: Mapping[str, str]) -> tuple[Level, ...]:
    level = row[key]
    return row if level is TOTAL else (*row[:key], bands[level], *row[key + 1 :])
