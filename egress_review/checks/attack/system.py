"""Everything that linked tables say, as linear equalities over the cells that nobody is shown.

Guarantees: each equality holds in the source: a line whose true values do not add up (persons who are in two
groups, say) is left out; nothing that can be concluded by adding and subtracting published and hidden cells
is lost, since the coarser cells that tables have in common are unknowns too, even where none of them shows
them. Does not guarantee more: products, such as a mean times its count, are given as a table of sums.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from egress_review.checks.attack.cells import (
    Address,
    Cell,
    Shape,
    cells_by_shape,
    collect,
    meet,
    merge_keys,
    project,
    refines,
    shapes_of,
)
from egress_review.checks.attack.model import Flags, Floats, Key, PublishedTable

MOST_SHAPES = 256
TOLERANCE = 1e-9
"""How far, relative to the sum of its parts, a line of fractions may be off."""

Indices = npt.NDArray[np.int64]


class TooComplex(Exception):
    """The tables are linked in more ways than the attack follows; nothing is proven about them."""


@dataclass(frozen=True, slots=True)
class Line:
    """A margin and its parts: `parent` = sum of `parts`."""

    parent: Address
    parts: tuple[Address, ...]


@dataclass(frozen=True, slots=True)
class System:
    """Equalities `matrix @ x = rhs` over unknown cells `low <= x <= high`.

    Attributes:
        cells: every cell, shown or not, by address.
        unknowns: addresses of the unknown cells, in the order of the columns.
        matrix: lines by unknowns, entries 1 (a part) and -1 (a margin).
        lines: in the order of the rows of `matrix`.
        low, high, true: by unknown; true is nan where it is not known.
        integral, sensitive, singleton: by unknown.
    """

    cells: dict[Address, Cell]
    unknowns: tuple[Address, ...]
    matrix: sparse.csr_array
    rhs: Floats
    lines: tuple[Line, ...]
    low: Floats
    high: Floats
    true: Floats
    integral: Flags
    sensitive: Flags
    singleton: Flags

    def components(self) -> Iterator[tuple[Indices, Indices]]:
        """Rows and columns of each part of the system that shares no unknown with the others."""
        return components_of(self.matrix)

    def part(self, rows: Indices, columns: Indices) -> System:
        """The system of some lines over some unknowns that no other line holds."""
        return replace(
            self,
            unknowns=tuple(self.unknowns[one] for one in columns),
            matrix=self.matrix[rows][:, columns],
            rhs=self.rhs[rows],
            lines=tuple(self.lines[one] for one in rows),
            low=self.low[columns],
            high=self.high[columns],
            true=self.true[columns],
            integral=self.integral[columns],
            sensitive=self.sensitive[columns],
            singleton=self.singleton[columns],
        )


def components_of(matrix: sparse.csr_array) -> Iterator[tuple[Indices, Indices]]:
    """Rows and columns of each part of a matrix that shares no column with the others."""
    height, width = matrix.shape
    corner = sparse.csr_array((width, width)), sparse.csr_array((height, height))
    graph = sparse.block_array([[corner[0], matrix.T], [matrix, corner[1]]], format="csr")
    _, labels = csgraph.connected_components(graph, directed=False)
    order = np.argsort(labels, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(labels[order])) + 1):
        yield members[members >= width] - width, members[members < width]


def systems(tables: Sequence[PublishedTable]) -> list[System]:
    """One system for each subject that tables are about.

    Raises:
        TooComplex: the tables share too many margins, or their hierarchies contradict each other.
    """
    subjects: dict[str, list[tuple[int, PublishedTable]]] = {}
    for number, table in enumerate(tables):
        subjects.setdefault(table.subject, []).append((number, table))
    return [_system(linked) for linked in subjects.values()]


def _system(tables: Sequence[tuple[int, PublishedTable]]) -> System:
    try:
        keys = merge_keys(table for _, table in tables)
        cells = collect(tables)
        listed = {shape for _, table in tables for shape in shapes_of(table)}
    except ValueError as error:
        raise TooComplex(str(error)) from None
    lines = _lines(cells, listed, keys)
    return _assemble(cells, [line for line in lines if _holds(line, cells)])


def _closure(listed: set[Shape]) -> set[Shape]:
    """The shapes with all that any two of them have in common."""
    shapes = set(listed)
    ahead = list(listed)
    while ahead:
        shape = ahead.pop()
        for other in list(shapes):
            common = meet(shape, other)
            if common not in shapes:
                shapes.add(common)
                ahead.append(common)
        if len(shapes) > MOST_SHAPES:
            raise TooComplex("too many margins in common")
    return shapes


def _lines(cells: dict[Address, Cell], listed: set[Shape], keys: dict[str, Key]) -> list[Line]:
    """Every margin with its parts in the next finer shapes, finest margins first."""
    shapes = _closure(listed)
    covers = [(coarse, fine) for coarse, fine in combinations_both(shapes) if _next(coarse, fine, shapes)]
    covers.sort(key=lambda pair: -sum(depth for _, depth in pair[1]))
    members = cells_by_shape(cells, shapes, keys)
    lines: list[Line] = []
    for coarse, fine in covers:
        groups: dict[Address, list[Address]] = {}
        for address in members[fine]:
            groups.setdefault(project(address, coarse, keys), []).append(address)
        for parent, parts in groups.items():
            if parts == [parent]:
                continue
            line = Line(parent, tuple(parts))
            if parent not in cells:
                cells[parent] = _unlisted(line, cells)
                members[coarse].append(parent)
            lines.append(line)
    return lines


def combinations_both(shapes: set[Shape]) -> Iterator[tuple[Shape, Shape]]:
    """Every pair of shapes of which the second refines the first."""
    for one, other in combinations(sorted(shapes), 2):
        if refines(other, one):
            yield one, other
        elif refines(one, other):
            yield other, one


def _next(coarse: Shape, fine: Shape, shapes: set[Shape]) -> bool:
    return not any(refines(fine, one) and refines(one, coarse) for one in shapes)


def _unlisted(line: Line, cells: dict[Address, Cell]) -> Cell:
    """A margin that no table shows, as far as its parts tell."""
    parts = [cells[one] for one in line.parts]
    return Cell(
        low=math.fsum(one.low for one in parts),
        high=math.fsum(one.high for one in parts),
        true=math.fsum(one.true for one in parts),
        integral=all(one.integral for one in parts),
    )


def _holds(line: Line, cells: dict[Address, Cell]) -> bool:
    values = [cells[one].true for one in line.parts]
    off = math.fsum([*values, -cells[line.parent].true])
    if math.isnan(off):
        return True
    return abs(off) <= TOLERANCE * (1 + math.fsum(map(abs, values)))


def _assemble(cells: dict[Address, Cell], lines: Sequence[Line]) -> System:
    columns: dict[Address, int] = {}
    entries: list[tuple[int, int, int]] = []
    rhs: list[float] = []
    kept: list[Line] = []
    for line in lines:
        terms = [(1, one) for one in line.parts] + [(-1, line.parent)]
        hidden = [(sign, one) for sign, one in terms if not cells[one].shown]
        if not hidden:
            continue
        row = len(kept)
        kept.append(line)
        rhs.append(-math.fsum(sign * cells[one].low for sign, one in terms if cells[one].shown))
        entries += [(row, columns.setdefault(one, len(columns)), sign) for sign, one in hidden]
    for address, cell in cells.items():
        if not cell.shown and cell.rows:
            columns.setdefault(address, len(columns))
    return _packed(cells, tuple(columns), entries, rhs, tuple(kept))


def _packed(
    cells: dict[Address, Cell],
    unknowns: tuple[Address, ...],
    entries: Sequence[tuple[int, int, int]],
    rhs: Sequence[float],
    lines: tuple[Line, ...],
) -> System:
    found = [cells[one] for one in unknowns]
    table = np.array(entries, dtype=np.int64).reshape(-1, 3)
    matrix = sparse.coo_array((table[:, 2], (table[:, 0], table[:, 1])), shape=(len(lines), len(unknowns)))
    return System(
        cells=cells,
        unknowns=unknowns,
        matrix=sparse.csr_array(matrix, dtype=np.int64),
        rhs=np.array(rhs, dtype=np.float64),
        lines=lines,
        low=np.array([one.low for one in found], dtype=np.float64),
        high=np.array([one.high for one in found], dtype=np.float64),
        true=np.array([one.true for one in found], dtype=np.float64),
        integral=np.array([one.integral for one in found], dtype=bool),
        sensitive=np.array([one.sensitive for one in found], dtype=bool),
        singleton=np.array([one.singleton for one in found], dtype=bool),
    )
