"""The cells of linked tables, each once, however many tables show it: by their address in a frame."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from egress_review.checks.attack.frame import Address, Frame
from egress_review.checks.attack.model import PublishedTable


@dataclass(slots=True)
class Cell:
    """What an attacker knows of one cell, and what is true of it.

    Attributes:
        low, high: bounds of the true value, from what is published and known rules.
        true: nan if nobody knows it any more.
        shown: whether some table publishes its exact number.
        concealed: whether some table shows something of it, and not its exact number.
        source: name of the table that says most of it.
        rows: where it stands: number of the table and of the row in it.
    """

    low: float
    high: float
    true: float = float("nan")
    integral: bool = True
    sensitive: bool = False
    singleton: bool = False
    concealed: bool = False
    source: str = ""
    rows: list[tuple[int, int]] = field(default_factory=list)

    @property
    def shown(self) -> bool:
        """Whether its exact number is known without any calculation."""
        return self.low == self.high


def collect(tables: Iterable[tuple[int, PublishedTable]], frame: Frame) -> dict[Address, Cell]:
    """Every cell that some of the tables lists; what several say of it is taken together."""
    cells: dict[Address, Cell] = {}
    for number, table in tables:
        for row in range(len(table.rows)):
            address = frame.address(table, row)
            if address is None:
                continue
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
    if table.suppressed[row] or table.rounding is not None:
        low, high = max(low, float(table.least[row])), min(high, float(table.most[row]))
    return Cell(
        low=low,
        high=high,
        true=float(table.true[row]),
        integral=table.integral,
        sensitive=bool(table.sensitive[row]),
        singleton=bool(table.singleton[row]),
        concealed=low < high,
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
    known.concealed = known.concealed or said.concealed
