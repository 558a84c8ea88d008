"""Everything that linked tables say, as linear equalities over the cells that nobody is shown.

Guarantees: each equality holds in the source: a line whose true values do not add up (persons who are in two
groups, say) is left out; nothing that can be concluded by adding and subtracting published and hidden cells
is lost, since the coarser cells that tables have in common are unknowns too, even where none of them shows
them, and the finer ones of tables that cross each other (`crossing`). Does not guarantee more: products, such
as a mean times its count, are given as a table of sums.
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy import sparse
from scipy.sparse import csgraph

from egress_review.checks.attack.cells import Cell, collect
from egress_review.checks.attack.crossing import crossings
from egress_review.checks.attack.frame import Address, Frame, Shape
from egress_review.checks.attack.model import Flags, Floats, PublishedTable
from egress_review.checks.findings import FindingCode

MOST_SHAPES = 512
MOST_CELLS = 60_000
"""Of tables that are attacked together, with those that their filters leave out."""
MOST_OUTSIDE = 20_000
"""Cells that the filters of one shape leave out, up to which each is an unknown; of more, what is left of a
margin is one."""
TOLERANCE = 1e-9
"""How far, relative to the sum of its parts, a line of fractions may be off."""

Indices = npt.NDArray[np.int64]

_One = TypeVar("_One")


class TooComplex(Exception):
    """The tables are linked in more ways than the attack follows in its time; nothing is proven.

    Attributes:
        code: what was too much.
    """

    def __init__(self, code: FindingCode) -> None:
        super().__init__(code.value)
        self.code = code


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


def systems(tables: Sequence[PublishedTable], until: float = math.inf) -> list[System]:
    """One system for each subject that tables are about.

    Args:
        until: of `time.monotonic`.

    Raises:
        TooComplex: the tables share too many margins, their hierarchies contradict each other, or time is up.
    """
    subjects: dict[str, list[tuple[int, PublishedTable]]] = {}
    for number, table in enumerate(tables):
        subjects.setdefault(table.subject, []).append((number, table))
    return [_system(linked, until) for linked in subjects.values()]


def _in_time(items: Iterable[_One], until: float) -> Iterator[_One]:
    """The items, as long as there is time.

    Raises:
        TooComplex: time is up.
    """
    for one in items:
        if time.monotonic() > until:
            raise TooComplex(FindingCode.ATTACK_OVER_BUDGET)
        yield one


def _system(tables: Sequence[tuple[int, PublishedTable]], until: float) -> System:
    try:
        frame = Frame([table for _, table in tables])
        by_shape: dict[Shape, list[PublishedTable]] = {}
        for _, table in tables:
            for shape in frame.shapes(table):
                by_shape.setdefault(shape, []).append(table)
        # What the tables have in common is soon known, and most often what is too much.
        shapes = closure(set(by_shape), frame, until)
        cells = collect(_in_time(tables, until), frame)
    except ValueError as error:
        raise TooComplex(FindingCode.ATTACK_NOT_COVERED) from error
    unlisted = _add_outside(cells, by_shape, frame, until)
    shapes = _add_crossed(cells, by_shape, shapes, unlisted, frame, until)
    lines = _lines(cells, shapes, unlisted, frame, until)
    return _assemble(cells, [line for line in _in_time(lines, until) if _holds(line, cells)], until)


def _add_outside(
    cells: dict[Address, Cell], by_shape: dict[Shape, list[PublishedTable]], frame: Frame, until: float
) -> dict[Shape, list[PublishedTable]]:
    """What filters leave out of a shape is not empty but unknown; the shapes of which that is too much."""
    unlisted: dict[Shape, list[PublishedTable]] = {}
    for shape, tables in sorted(by_shape.items(), key=lambda one: frame.size(one[0])):
        if not all(table.slices for table in tables):
            continue
        if len(cells) > MOST_CELLS:
            raise TooComplex(FindingCode.ATTACK_TOO_MANY_CELLS)
        if frame.size(shape) > MOST_OUTSIDE:
            unlisted[shape] = tables
            continue
        for address in _in_time(frame.outside(tables[0], shape), until):
            if address not in cells and not any(frame.keeps(one, address) for one in tables[1:]):
                cells[address] = _outside(tables)
    return unlisted


def _outside(tables: Sequence[PublishedTable]) -> Cell:
    """What is known of a cell that the filters of some tables leave out."""
    low = 0.0 if all(one.non_negative for one in tables) else -np.inf
    return Cell(low, np.inf, integral=any(one.integral for one in tables))


def _add_crossed(
    cells: dict[Address, Cell],
    by_shape: Mapping[Shape, list[PublishedTable]],
    shapes: set[Shape],
    unlisted: dict[Shape, list[PublishedTable]],
    frame: Frame,
    until: float,
) -> set[Shape]:
    """The shapes, with finer ones where tables tell more together than two by two, and the cells of those."""
    listed = dict(by_shape)
    if not any(crossings(listed, frame)):
        return shapes
    tried = dict(cells)
    apart = _not_adding_up(_lines(tried, shapes, unlisted, frame, until), tried, frame)
    while (found := next(crossings(listed, frame, apart), None)) is not None:
        dimension, together, partition = found
        members = frame.cells_by_shape(_in_time(cells, until), set(together))
        for shape in sorted(together):
            fine = frame.recut(shape, dimension, partition)
            listed.setdefault(fine, listed[shape])
            whole = [one for one in listed if one not in unlisted and frame.refines(fine, one)]
            for address in _in_time(members[shape], until):
                for part in frame.parts(address, dimension, partition):
                    if part not in cells and all(frame.project(part, one) in cells for one in whole):
                        cells[part] = _outside(listed[shape])
            alike = {one for one in together if frame.recut(one, dimension, partition) == fine}
            if alike <= set(unlisted):  # nobody lists all of its cells
                unlisted[fine] = unlisted[shape]
            if len(cells) > MOST_CELLS:
                raise TooComplex(FindingCode.ATTACK_TOO_MANY_CELLS)
    return closure(set(listed), frame, until)


def _not_adding_up(lines: Iterable[Line], cells: Mapping[Address, Cell], frame: Frame) -> set[str]:
    """Dimensions along which the true numbers do not add up: a person may be in two of its parts."""
    return {
        dimension
        for line in lines
        if not _holds(line, cells)
        for dimension, _ in set(map(frame.block_of, line.parts[0])) ^ set(map(frame.block_of, line.parent))
    }


def closure(listed: set[Shape], frame: Frame, until: float = math.inf) -> set[Shape]:
    """The shapes with all that any two of them have in common.

    Raises:
        TooComplex: they are too many, or time is up.
    """
    shapes = set(listed)
    ahead = list(listed)
    while ahead:
        shape = ahead.pop()
        for other in _in_time(list(shapes), until):
            common = frame.meet(shape, other)
            if common not in shapes:
                shapes.add(common)
                ahead.append(common)
        if len(shapes) > MOST_SHAPES:
            raise TooComplex(FindingCode.ATTACK_TOO_MANY_MARGINS)
    return shapes


def _lines(
    cells: dict[Address, Cell],
    shapes: set[Shape],
    unlisted: dict[Shape, list[PublishedTable]],
    frame: Frame,
    until: float,
) -> list[Line]:
    """Every margin with its parts in the next finer shapes, finest margins first."""
    finer = {one: [other for other in shapes if frame.refines(other, one)] for one in _in_time(shapes, until)}
    members = frame.cells_by_shape(_in_time(cells, until), shapes)
    lines: list[Line] = []
    for coarse in sorted(shapes, key=lambda one: (len(finer[one]), one)):
        known = set(members[coarse])
        for fine in sorted(_next(coarse, finer)):
            groups: dict[Address, list[Address]] = {}
            for address in _in_time(members[fine], until):
                groups.setdefault(frame.project(address, coarse), []).append(address)
            for parent, parts in groups.items():
                if parent not in known:
                    known.add(parent)
                    members[coarse].append(parent)
                if parts == [parent]:
                    continue
                filtered = unlisted.get(fine, ())
                if filtered and not any(frame.keeps(one, parent) for one in filtered):
                    parts.append((("rest", f"\0{len(lines)}"),))
                    cells[parts[-1]] = _outside(filtered)
                line = Line(parent, tuple(parts))
                cells.setdefault(parent, _unlisted(line, cells))
                lines.append(line)
    return lines


def _next(coarse: Shape, finer: dict[Shape, list[Shape]]) -> list[Shape]:
    """The finer shapes between which and `coarse` there is none."""
    between = {one for other in finer[coarse] for one in finer[other]}
    return [one for one in finer[coarse] if one not in between]


def _unlisted(line: Line, cells: dict[Address, Cell]) -> Cell:
    """A margin that no table shows, as far as its parts tell."""
    return _sum(cells[one] for one in line.parts)


def _sum(cells: Iterable[Cell]) -> Cell:
    """What several cells, of which no table shows the sum, tell of it."""
    parts = tuple(cells)
    return Cell(
        low=math.fsum(one.low for one in parts),
        high=math.fsum(one.high for one in parts),
        true=math.fsum(one.true for one in parts),
        integral=all(one.integral for one in parts),
    )


def _holds(line: Line, cells: Mapping[Address, Cell]) -> bool:
    values = [cells[one].true for one in line.parts]
    off = math.fsum([*values, -cells[line.parent].true])
    if math.isnan(off):
        return True
    return abs(off) <= TOLERANCE * (1 + math.fsum(map(abs, values)))


def _assemble(cells: dict[Address, Cell], lines: Sequence[Line], until: float) -> System:
    lines = _merged(cells, lines, until)
    columns: dict[Address, int] = {}
    entries: list[tuple[int, int, int]] = []
    rhs: list[float] = []
    kept: list[Line] = []
    for line in _in_time(lines, until):
        terms = _terms(line)
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


def _terms(line: Line) -> list[tuple[int, Address]]:
    return [(1, one) for one in line.parts] + [(-1, line.parent)]


def _merged(cells: dict[Address, Cell], lines: Sequence[Line], until: float) -> list[Line]:
    """Cells that no table lists and that stand in the same lines are one: nothing tells them apart."""
    stands: dict[Address, list[tuple[int, int]]] = {}
    for number, line in enumerate(_in_time(lines, until)):
        for sign, one in _terms(line):
            if not cells[one].rows and not cells[one].shown:
                stands.setdefault(one, []).append((number, sign))
    alike: dict[tuple[tuple[int, int], ...], list[Address]] = {}
    for one, where in stands.items():
        alike.setdefault(tuple(where), []).append(one)
    instead: dict[Address, Address] = {}
    for together in alike.values():
        if len(together) > 1:
            rest: Address = (("rest", f"\0{len(cells)}"),)
            cells[rest] = _sum(cells[one] for one in together)
            instead.update(dict.fromkeys(together, rest))
    return [
        Line(
            instead.get(one.parent, one.parent),
            tuple(dict.fromkeys(instead.get(part, part) for part in one.parts)),
        )
        for one in lines
    ]


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
