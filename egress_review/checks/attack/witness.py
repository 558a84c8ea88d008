"""Why a hidden cell is known: published cells that, added and subtracted, give it.

A witness is proven in whole numbers before it is shown: the combination of lines leaves exactly the cell.
Among all combinations one with the smallest sum of coefficients is taken; it is minimal in that sense, and
mostly has few terms.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from scipy import sparse

from egress_review.checks.attack.cells import Cell
from egress_review.checks.attack.frame import Address
from egress_review.checks.attack.highs import LinearProgram
from egress_review.checks.attack.model import Floats
from egress_review.checks.attack.system import Line, System

MOST_TERMS = 4
_DENOMINATORS = 12


@dataclass(frozen=True, slots=True)
class Term:
    """A known cell in a witness, and how often it is taken."""

    coefficient: Fraction
    address: Address
    value: float
    source: str


@dataclass(frozen=True, slots=True)
class Witness:
    """`value` is the sum of the terms; or, without terms, what bounds leave of `address`."""

    address: Address
    value: float
    terms: tuple[Term, ...] = ()

    def text(self) -> str:
        """For a reviewer, without words: "[age=70+] 43 − [age=70+, sex=M] 40 = 3". Of many terms the last are
        added up: "− (14 ×) 213".
        """
        shown = sorted(self.terms, key=lambda one: (one.coefficient < 0, len(one.address), -abs(one.value)))
        parts = [_said(one, first=not order) for order, one in enumerate(shown[:MOST_TERMS])]
        rest = shown[MOST_TERMS:]
        if rest:
            total = float(sum(float(one.coefficient) * one.value for one in rest))
            parts.append(f" {'−' if total < 0 else '+'} ({len(rest)} ×) {number(abs(total))}")
        return f"{''.join(parts) or place(self.address)} = {number(self.value)}"


def _said(term: Term, *, first: bool) -> str:
    sign = ("−" if first else " − ") if term.coefficient < 0 else ("" if first else " + ")
    times = "" if abs(term.coefficient) == 1 else f"{abs(term.coefficient)}·"
    return f"{sign}{times}{place(term.address, term.source)} {number(term.value)}"


def place(address: Address, source: str = "") -> str:
    """A cell by its levels; `[*]` is the grand total."""
    levels = ", ".join(f"{name}={level}" for name, level in address) or "*"
    return f"{source}[{levels}]"


def number(value: float) -> str:
    """A number as people write it."""
    return str(int(value)) if float(value).is_integer() else f"{value:.12g}"


class Prover:
    """Finds witnesses in one system, one after the other, until its time is up.

    Args:
        known: unknowns whose value is known from bounds; they count as published.
        until: of `time.monotonic()`.
    """

    def __init__(self, system: System, known: Mapping[int, float], until: float) -> None:
        self._system = system
        self._known = known
        self._until = until
        self._free = np.setdiff1d(np.arange(len(system.unknowns)), np.array(sorted(known), dtype=np.int64))
        self._place = {int(column): number for number, column in enumerate(self._free)}
        self._matrix = sparse.csr_array(system.matrix[:, self._free])
        self._program: LinearProgram | None = None

    def prove(self, unknown: int, determined: frozenset[int]) -> Witness:
        """A witness of a determined unknown; of one line, else of few lines, else one that names cells
        which are themselves determined; without terms if none of them is found in time.
        """
        column = self._place[unknown]
        lines = self._lines_with(column)
        for line in lines:
            if self._matrix.indptr[line + 1] - self._matrix.indptr[line] == 1:
                return self._witness(unknown, {line: Fraction(1, int(self._matrix[line, column]))})
        found = self._shortest(column) if time.monotonic() < self._until else None
        if found is not None:
            return self._witness(unknown, found)
        return self._by_determined(unknown, column, lines, determined)

    def _lines_with(self, column: int) -> list[int]:
        return [int(one) for one in np.flatnonzero(self._matrix[:, [column]].toarray())]

    def _shortest(self, column: int) -> dict[int, Fraction] | None:
        if self._program is None:
            height, width = self._matrix.shape
            both = sparse.hstack([self._matrix.T, -self._matrix.T], format="csr")
            self._program = LinearProgram(
                both, np.zeros(width), np.zeros(2 * height), np.full(2 * height, np.inf)
            )
            self._program.set_cost(np.ones(2 * height))
        unit = np.zeros(self._matrix.shape[1])
        unit[column] = 1
        found = self._program.solve_for(unit, self._until)
        return None if found is None else self._exact(found, column)

    def _exact(self, found: Floats, column: int) -> dict[int, Fraction] | None:
        """The combination in whole numbers over one denominator, if it leaves exactly the unknown."""
        height = self._matrix.shape[0]
        y = found[:height] - found[height:]
        for denominator in range(1, _DENOMINATORS + 1):
            whole = np.rint(y * denominator).astype(np.int64)
            left = whole @ self._matrix
            left[column] -= denominator
            if not left.any():
                return {int(one): Fraction(int(whole[one]), denominator) for one in np.flatnonzero(whole)}
        return None

    def _by_determined(
        self, unknown: int, column: int, lines: Sequence[int], determined: frozenset[int]
    ) -> Witness:
        for line in lines:
            others = self._matrix.indices[self._matrix.indptr[line] : self._matrix.indptr[line + 1]]
            if all(int(self._free[one]) in determined for one in others):
                return self._witness(unknown, {line: Fraction(1, int(self._matrix[line, column]))})
        return Witness(self._system.unknowns[unknown], float(self._system.true[unknown]))

    def _witness(self, unknown: int, combination: Mapping[int, Fraction]) -> Witness:
        address = self._system.unknowns[unknown]
        coefficients: dict[Address, Fraction] = {}
        for line, times in combination.items():
            for one, sign in _terms(self._system.lines[line]):
                coefficients[one] = coefficients.get(one, Fraction(0)) - sign * times
        coefficients.pop(address, None)
        terms = tuple(
            Term(times, one, _value(self._system.cells[one]), self._system.cells[one].source)
            for one, times in coefficients.items()
            if times
        )
        value = float(self._system.true[unknown])
        if np.isnan(value):
            value = float(sum(float(one.coefficient) * one.value for one in terms))
        return Witness(address, value, terms)


def _terms(line: Line) -> list[tuple[Address, int]]:
    return [(line.parent, -1), *((one, 1) for one in line.parts)]


def _value(cell: Cell) -> float:
    return cell.low if cell.shown else cell.true
