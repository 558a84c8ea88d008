"""Complementary suppression: hiding further cells so that those which must be hidden stay hidden.

Two steps, repeated until an attack finds nothing or the time is up:

1. In tables of one or two keys no line may hide exactly one cell: the cheapest partner is hidden too, the one
   first that helps several lines at once. With more keys partners line by line do not close up: there each
   hidden cell gets the cheapest box of cells (`hypercube`).
2. A cell that the attack still finds is given room: a linear program moves it by its protection level and
   finds the cheapest set of cells that must move along. Those are hidden. This works with any margins,
   hierarchies and linked tables, since all of them are lines; cells behind which one person stands are not
   relied on, since that person would see through it.

The pattern is good, not the smallest one: finding that is NP-hard.

Source: Kelly, Golden and Assad, Cell suppression: disclosure protection for sensitive tabular data, Networks
22 (1992); Fischetti and Salazar-González, Solving the cell suppression problem on tabular data with linear
constraints, Management Science 47 (2001).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy import sparse

from egress_review.checks.attack.audit import AttackRules, Audit, Exposed, Exposure, audit
from egress_review.checks.attack.highs import LinearProgram
from egress_review.checks.attack.model import Flags, Floats, PublishedTable
from egress_review.checks.attack.system import System, TooComplex, systems
from egress_review.checks.protect.hypercube import hide_boxes

_MOST_ROUNDS = 30
_MOVED = 1e-6
_PAIRED_KEYS = 2
_PATIENCE = 3
"""Rounds after which a cell that is still found is given more room than it needs."""


@dataclass(frozen=True, slots=True)
class Suppressed:
    """A table with complementary suppression, and what an attack on it finds."""

    table: PublishedTable
    found: Audit


def suppress(
    table: PublishedTable,
    linked: Sequence[PublishedTable],
    rules: AttackRules,
    seconds: float,
    beside: Sequence[PublishedTable] = (),
) -> Suppressed:
    """Hide the sensitive cells of a table and as many others as they need.

    Args:
        table: with its sensitive cells marked; its own suppression is extended, its rounding kept.
        linked: published tables that share cells with it and cannot be changed.
        seconds: wall-clock time; whatever is reached then is given back, with what is still found in it.
        beside: tables with the same rows and subject, which hide whatever this one hides.
    """
    until = time.monotonic() + seconds
    table = _hide(table, table.suppressed | table.sensitive)
    try:
        room = _Room(table, beside, linked, rules)
    except TooComplex:
        return Suppressed(table, Audit((), int(table.sensitive.sum()), complete=False))
    found = Audit((), 0, complete=False)
    if len(table.keys) > _PAIRED_KEYS:
        room.box(table)
    for attempt in range(_MOST_ROUNDS):
        if len(table.keys) <= _PAIRED_KEYS:
            room.pair_lines()
        table = _hide(table, room.pattern(table))
        left = until - time.monotonic()
        alike = [_hide(one, table.suppressed) for one in beside]
        found = audit([table, *alike, *linked], rules, max(0.0, left) / 2)
        exposed = [one for one in found.exposures if one.how is not Exposed.OPEN]
        if not exposed or left <= 0 or not room.repair(exposed, 1 + attempt // _PATIENCE, until):
            return Suppressed(table, found)
    return Suppressed(table, found)


def _hide(table: PublishedTable, hidden: Flags) -> PublishedTable:
    return replace(table, suppressed=hidden, published=np.where(hidden, np.nan, table.published))


class _Room:
    """All cells of the table as unknowns, and which of them are hidden."""

    def __init__(
        self,
        table: PublishedTable,
        beside: Sequence[PublishedTable],
        linked: Sequence[PublishedTable],
        rules: AttackRules,
    ) -> None:
        everything = np.ones(len(table.rows), bool)
        opened = [_hide(one, everything) for one in (table, *beside)]
        found = systems([*opened, *linked])
        self._system: System = next(one for one in found if _holds(one, table))
        self._place = {address: number for number, address in enumerate(self._system.unknowns)}
        self._alike = np.full((len(opened), len(table.rows)), -1, dtype=np.int64)
        for address, cell in self._system.cells.items():
            for number, row in cell.rows:
                if number < len(opened):
                    self._alike[number, row] = self._place.get(address, -1)
        self._rows = self._alike[0]
        size = len(self._system.unknowns)
        self._hidden = np.zeros(size, bool)
        self._may = np.zeros(size, bool)
        self._may[self._alike[self._alike >= 0]] = True
        self._hide_rows(table.suppressed)
        # What no table shows, or earlier tables hide, is hidden for nothing.
        self._hidden |= ~self._may
        self._true = np.where(np.isfinite(self._system.true), self._system.true, 0.0)
        self._need = np.nan_to_num(rules.need(self._system), nan=1.0)
        self._rules = rules

    def pattern(self, table: PublishedTable) -> Flags:
        """The hidden rows of the table, and with them those of the tables beside it."""
        hidden: Flags = table.suppressed | (self._hidden[self._alike] & (self._alike >= 0)).any(axis=0)
        self._hide_rows(hidden)
        return hidden

    def _hide_rows(self, hidden: Flags) -> None:
        self._hidden[self._alike[:, hidden][self._alike[:, hidden] >= 0]] = True

    def pair_lines(self) -> None:
        """Hide a partner in every line that hides exactly one cell."""
        matrix = self._system.matrix
        counts = np.abs(matrix) @ self._hidden.astype(np.int64)
        ahead = list(np.flatnonzero(counts == 1))
        by_cell = sparse.csc_array(matrix)
        while ahead:
            line = int(ahead.pop())
            if counts[line] != 1:
                continue
            members = matrix.indices[matrix.indptr[line] : matrix.indptr[line + 1]]
            free = members[self._may[members] & ~self._hidden[members]]
            if not len(free):
                continue
            helped = [
                int((counts[by_cell.indices[by_cell.indptr[one] : by_cell.indptr[one + 1]]] == 1).sum())
                for one in free
            ]
            order = np.lexsort((self._cost()[free], -np.array(helped)))
            chosen = int(free[order[0]])
            self._hidden[chosen] = True
            touched = by_cell.indices[by_cell.indptr[chosen] : by_cell.indptr[chosen + 1]]
            counts[touched] += 1
            ahead.extend(touched[counts[touched] == 1])

    def box(self, table: PublishedTable) -> None:
        """Hide a box of cells around every hidden one."""
        inside = self._rows >= 0
        cost = np.full(len(self._rows), np.inf)
        at = self._rows[inside]
        movable = (self._true[at] > 0) & ~self._system.singleton[at]
        cost[inside] = np.where(movable, self._cost()[at], np.inf)
        hidden = hide_boxes(table, cost)
        self._hidden[self._rows[hidden & inside]] = True

    def _cost(self) -> Floats:
        """What hiding each cell loses: its value; an empty cell and a single person protect badly."""
        cost = 1 + np.abs(self._true)
        return np.where((self._true == 0) | self._system.singleton, 10 * cost.max(initial=1), cost)

    def repair(self, exposed: Sequence[Exposure], times: int, until: float) -> bool:
        """Give exposed cells room; whether any cell was hidden for it."""
        before = int(self._hidden.sum())
        program = _Moves(self._system, self._rules.contributors)
        least = times * self._need
        done = np.zeros(len(self._hidden), bool)
        places = [place for one in exposed if (place := self._place.get(one.address)) is not None]
        for unknown in sorted(places, key=lambda one: -least[one]):
            if done[unknown] or time.monotonic() > until:
                continue
            cost = np.where(self._hidden, 0.0, self._cost())
            moved = program.moved(unknown, least[unknown], cost, ~(self._may | self._hidden), until)
            if moved is not None:
                self._hidden |= moved > _MOVED
                # What moved far enough along has its room too.
                done |= moved >= least - _MOVED
        return int(self._hidden.sum()) > before


class _Moves:
    """The linear program of a move: some cells up, some down, every line as before."""

    def __init__(self, system: System, without_singletons: bool) -> None:  # noqa: FBT001 - a rule's value
        size = len(system.unknowns)
        true = np.where(np.isfinite(system.true), system.true, 0.0)
        up = np.where(np.isfinite(system.high), system.high - true, np.abs(true) + np.abs(true).sum() + 1)
        down = np.where(np.isfinite(system.low), true - system.low, np.abs(true) + np.abs(true).sum() + 1)
        self._room = np.maximum(np.concatenate([up, down]), 0)
        if without_singletons:
            self._room[np.concatenate([system.singleton, system.singleton])] = 0
        self._bounds = (up, down)
        self._size = size
        both = sparse.hstack([system.matrix, -system.matrix], format="csr")
        self._program = LinearProgram(
            both, np.zeros(both.shape[0]), np.zeros(2 * size), self._room, warm=True
        )

    def moved(self, unknown: int, by: float, cost: Floats, fixed: Flags, until: float) -> Floats | None:
        """How far each cell goes in the cheapest move of one, up if it can be, else down; None if there is
        none.
        """
        self._program.set_cost(np.concatenate([cost, cost]))
        for direction, other in ((0, self._size), (self._size, 0)):
            step = min(by, float(self._bounds[direction > 0][unknown]))
            if step <= 0:
                continue
            low = np.zeros(2 * self._size)
            high = np.where(np.concatenate([fixed, fixed]), 0.0, self._room)
            low[direction + unknown], high[direction + unknown] = step, max(step, high[direction + unknown])
            high[other + unknown] = 0.0
            self._program.set_all_bounds(low, high)
            solution = self._program.solve(until)
            if solution is not None:
                amounts: Floats = solution[: self._size] + solution[self._size :]
                return amounts
        return None


def _holds(system: System, table: PublishedTable) -> bool:
    return any(number == 0 for cell in system.cells.values() for number, _ in cell.rows) and bool(table.rows)
