"""The attack on a table and all that is linked with it: what an attacker knows of the cells that are hidden.

    audit([this_table, *earlier_releases], AttackRules(percent=10.0), seconds=30.0)

Guarantees: every sensitive cell is either shown to be safe, or is in the answer: recovered, too closely
bounded, or *open* because the time was up or the proof incomplete. An open cell is never a safe one.
"""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from egress_review.checks.attack.bounds import Intervals, Width, bounds
from egress_review.checks.attack.exact import Recovery, exact_recovery
from egress_review.checks.attack.frame import Address
from egress_review.checks.attack.model import Flags, Floats, PublishedTable
from egress_review.checks.attack.propagation import slack
from egress_review.checks.attack.system import System, TooComplex, systems
from egress_review.checks.attack.witness import Prover, number, place
from egress_review.checks.findings import FindingCode

_WITNESS_SHARE = 0.3
MOST_WITNESSES = 200


@dataclass(frozen=True, slots=True)
class AttackRules:
    """When a hidden cell is safe: its possible values span at least the protection level.

    Attributes:
        percent: of the cell's value, the least width of its interval.
        fixed: the least width whatever the value; 0 for none. Whole numbers are always asked for 1.
        contributors: whether the only person of a cell counts as an attacker who knows that cell.
    """

    percent: float = 10.0
    fixed: float = 0.0
    contributors: bool = True

    def need(self, system: System) -> Floats:
        """Protection levels by unknown: nan where the cell is not sensitive."""
        value = np.where(np.isfinite(system.true), np.abs(system.true), np.abs(system.low))
        level = np.maximum(self.fixed, self.percent / 100 * np.where(np.isfinite(value), value, 0))
        least = np.where(system.integral, 1.0, slack(value, value) * 2)
        return np.where(system.sensitive, np.maximum(level, least), np.nan)


class Exposed(StrEnum):
    """How a hidden cell is exposed."""

    RECOVERED = "recovered"
    BY_CONTRIBUTOR = "by_contributor"
    NARROW = "narrow"
    OPEN = "open"


@dataclass(frozen=True, slots=True)
class Exposure:
    """One sensitive cell that is not shown to be safe.

    Attributes:
        rows: where it stands: number of the table and of the row in it.
        low, high: what an attacker knows of it; nan if it is open.
        witness: how it is calculated, for reviewers; "" if it is open.
    """

    how: Exposed
    address: Address
    rows: tuple[tuple[int, int], ...]
    low: float
    high: float
    witness: str


@dataclass(frozen=True, slots=True)
class Audit:
    """What an attack found.

    Attributes:
        sensitive: cells that were asked for.
        complete: False if the tables are too complex; then nothing is proven of any cell.
        cause: why not.
    """

    exposures: tuple[Exposure, ...]
    sensitive: int
    complete: bool = True
    cause: FindingCode = FindingCode.ATTACK_OVER_BUDGET

    @property
    def safe(self) -> bool:
        """Whether every sensitive cell was shown to be safe."""
        return self.complete and not self.exposures


def audit(
    tables: Sequence[PublishedTable], rules: AttackRules, seconds: float, *, exact: float = math.inf
) -> Audit:
    """Attack the sensitive cells of linked tables.

    Args:
        tables: of the request, and earlier releases that share cells with them.
        seconds: wall-clock time for intervals and witnesses.
        exact: for the system and exact recovery; what is not decided in that time is open.
    """
    start = time.monotonic()
    until = start + seconds
    try:
        found = systems(tables, start + exact)
    except TooComplex as error:
        cells = sum(int(table.sensitive.sum()) for table in tables)
        return Audit((), cells, complete=False, cause=error.code)
    exposures: list[Exposure] = []
    sensitive = 0
    for system in found:
        exposures += _shown_elsewhere(system)
        sensitive += int(system.sensitive.sum())
        if system.sensitive.any():
            exposures += _attack(system, rules, until, start + exact)
    return Audit(tuple(exposures), sensitive)


def _shown_elsewhere(system: System) -> list[Exposure]:
    """What one table conceals and another shows, or several that round it in different ways."""
    exposures = []
    for address, cell in system.cells.items():
        if cell.sensitive and cell.concealed and cell.shown:
            text = f"{place(address, cell.source)} = {number(cell.low)}"
            exposures.append(
                Exposure(Exposed.RECOVERED, address, tuple(cell.rows), cell.low, cell.high, text)
            )
    return exposures


def _attack(system: System, rules: AttackRules, until: float, exact: float) -> list[Exposure]:
    recovery = exact_recovery(system, exact)
    left = max(0.0, until - time.monotonic())
    need = rules.need(system)
    intervals = bounds(system, recovery, need, left * (1 - _WITNESS_SHARE))
    exposures = _recovered(system, recovery, time.monotonic() + left * _WITNESS_SHARE)
    tied = recovery.ties if rules.contributors else {}
    exposures += _others(system, recovery, intervals, tied)
    return exposures


def _recovered(system: System, recovery: Recovery, until: float) -> list[Exposure]:
    known = {int(one): float(recovery.ranges.low[one]) for one in np.flatnonzero(recovery.by_bounds)}
    prover = Prover(system, known, until)
    determined = frozenset(map(int, np.flatnonzero(recovery.recovered)))
    exposures: list[Exposure] = []
    for unknown in map(int, np.flatnonzero(recovery.recovered & system.sensitive)):
        if recovery.by_bounds[unknown]:
            value, text = known[unknown], _by_line(system, recovery, unknown)
        elif len(exposures) < MOST_WITNESSES:
            witness = prover.prove(unknown, determined)
            value, text = witness.value, witness.text()
        else:
            value = float(system.true[unknown])
            text = f"{place(system.unknowns[unknown])} = {number(value)}"
        exposures.append(_exposure(Exposed.RECOVERED, system, unknown, (value, value), text))
    return exposures


def _others(
    system: System, recovery: Recovery, intervals: Intervals, ties: Mapping[int, int]
) -> list[Exposure]:
    exposures: list[Exposure] = []
    rest: Flags = system.sensitive & ~recovery.recovered
    for unknown in map(int, np.flatnonzero(rest)):
        ends = float(intervals.low[unknown]), float(intervals.high[unknown])
        if unknown in ties:
            text = f"{place(system.unknowns[unknown])} ← {place(system.unknowns[ties[unknown]])}"
            exposures.append(_exposure(Exposed.BY_CONTRIBUTOR, system, unknown, ends, text))
        if intervals.width[unknown] == Width.NARROW:
            text = f"{number(ends[0])} ≤ {place(system.unknowns[unknown])} ≤ {number(ends[1])}"
            exposures.append(_exposure(Exposed.NARROW, system, unknown, ends, text))
        elif intervals.width[unknown] == Width.OPEN or not recovery.certain:
            exposures.append(_exposure(Exposed.OPEN, system, unknown, (np.nan, np.nan), ""))
    return exposures


def _exposure(
    how: Exposed, system: System, unknown: int, ends: tuple[float, float], witness: str
) -> Exposure:
    address = system.unknowns[unknown]
    return Exposure(how, address, tuple(system.cells[address].rows), *ends, witness)


def _by_line(system: System, recovery: Recovery, unknown: int) -> str:
    """The line that pinned an unknown, with what is published in it."""
    line = int(recovery.ranges.line[unknown])
    value = number(float(recovery.ranges.low[unknown]))
    if line < 0:
        return f"{place(system.unknowns[unknown])} = {value}"
    parent = system.lines[line].parent
    cell = system.cells[parent]
    total = number(cell.low) if cell.shown else f"{number(cell.low)}…{number(cell.high)}"
    return f"{place(parent, cell.source)} {total}, ≥ 0 ⇒ {place(system.unknowns[unknown])} = {value}"
