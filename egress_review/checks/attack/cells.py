"""The cells of linked tables, each once, however many tables show it.

A cell's *address* is its levels by key name, totals left out: the cell (70+, F) of a table by age and sex and
the cell (F, 70+) of another are one. Its *shape* is the depth of each of those levels.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import product

import numpy as np

from egress_review.checks.attack.model import TOTAL, Key, PublishedTable

Address = tuple[tuple[str, str], ...]
Shape = tuple[tuple[str, int], ...]


@dataclass(slots=True)
class Cell:
    """What an attacker knows of one cell, and what is true of it.

    Attributes:
        low, high: bounds of the true value, from what is published and known rules.
        true: nan if nobody knows it any more.
        shown: whether some table publishes its exact number.
        source: name of the table that says most of it.
        rows: where it stands: number of the table and of the row in it.
    """

    low: float
    high: float
    true: float = float("nan")
    integral: bool = True
    sensitive: bool = False
    singleton: bool = False
    source: str = ""
    rows: list[tuple[int, int]] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        """Whether its exact number is known without any calculation."""
        return self.low == self.high


def merge_keys(tables: Iterable[PublishedTable]) -> dict[str, Key]:
    """The keys of all tables by name, with the hierarchies that any of them knows.

    Raises:
        ValueError: two tables put one level below different ones.
    """
    parents: dict[str, dict[str, str]] = {}
    for table in tables:
        for key in table.keys:
            known = parents.setdefault(key.name, {})
            for level, parent in key.parents.items():
                if known.setdefault(level, parent) != parent:
                    raise ValueError("two hierarchies of one key do not agree")
    return {name: Key(name, known) for name, known in parents.items()}


def address_of(table: PublishedTable, row: int) -> Address:
    """The address of one row of a table."""
    levels = zip(table.keys, table.rows[row], strict=True)
    return tuple(sorted((key.name, level) for key, level in levels if level is not TOTAL))


def shapes_of(table: PublishedTable) -> set[Shape]:
    """The shapes of which a table lists all cells that are not empty."""
    names = [key.name for key in table.keys]
    return {
        tuple(sorted((name, depth) for name, depth in zip(names, depths, strict=True) if depth))
        for depths in table.shapes
    }


def collect(tables: Sequence[tuple[int, PublishedTable]]) -> dict[Address, Cell]:
    """Every cell that some of the tables lists; what several say of it is taken together."""
    cells: dict[Address, Cell] = {}
    for number, table in tables:
        for row in range(len(table.rows)):
            address = address_of(table, row)
            said = _said(table, row)
            known = cells.get(address)
            if known is None:
                cells[address] = said
            else:
                _join(known, said)
            cells[address].rows.append((number, row))
    return cells


def _said(table: PublishedTable, row: int) -> Cell:
    low, high = (0.0 if table.non_negative else -np.inf), np.inf
    if not table.suppressed[row]:
        value = float(table.published[row])
        if table.rounding is None:
            low = high = value
        else:
            first, last = table.rounding.interval(value, integral=table.integral)
            low, high = max(low, first), last
    elif table.below is not None:
        high = table.below - 1 if table.integral else table.below
    return Cell(
        low=low,
        high=high,
        true=float(table.true[row]),
        integral=table.integral,
        sensitive=bool(table.sensitive[row]),
        singleton=bool(table.singleton[row]),
        source=table.name,
    )


def _join(known: Cell, said: Cell) -> None:
    if said.high - said.low < known.high - known.low:
        known.source = said.source
    known.low, known.high = max(known.low, said.low), min(known.high, said.high)
    if np.isnan(known.true):
        known.true = said.true
    known.integral = known.integral or said.integral
    known.sensitive = known.sensitive or said.sensitive
    known.singleton = known.singleton or said.singleton


def meet(first: Shape, second: Shape) -> Shape:
    """The finest shape that both refine."""
    depths = dict(second)
    both = ((name, min(depth, depths.get(name, 0))) for name, depth in first)
    return tuple((name, depth) for name, depth in both if depth)


def refines(fine: Shape, coarse: Shape) -> bool:
    """Whether every cell of `coarse` is a sum of cells of `fine`."""
    depths = dict(fine)
    return fine != coarse and all(depths.get(name, 0) >= depth for name, depth in coarse)


def project(address: Address, shape: Shape, keys: dict[str, Key]) -> Address:
    """The cell of `shape` that holds the cell of a finer shape."""
    depths = dict(shape)
    found = ((name, keys[name].at(level, depths[name])) for name, level in address if name in depths)
    return tuple((name, level) for name, level in found if level is not None)


def cells_by_shape(
    addresses: Iterable[Address], shapes: set[Shape], keys: dict[str, Key]
) -> dict[Shape, list[Address]]:
    """The cells of each shape; a level with nothing below it belongs to every depth from its own on."""
    deepest = _deepest(keys)
    inner = {name: set(key.parents.values()) for name, key in keys.items()}
    found: dict[Shape, list[Address]] = {shape: [] for shape in shapes}
    for address in addresses:
        choices = [_depths(keys[name], level, deepest[name], inner[name]) for name, level in address]
        for shape in _named(address, choices):
            if shape in found:
                found[shape].append(address)
    return found


def _deepest(keys: dict[str, Key]) -> dict[str, int]:
    return {name: max((key.depth(level) for level in key.parents), default=1) for name, key in keys.items()}


def _depths(key: Key, level: str, deepest: int, inner: set[str]) -> range:
    depth = key.depth(level) if key.parents else 1
    return range(depth, depth + 1 if level in inner else max(deepest, depth) + 1)


def _named(address: Address, choices: Sequence[range]) -> Iterator[Shape]:
    names = [name for name, _ in address]
    for depths in product(*choices):
        yield tuple(zip(names, depths, strict=True))
