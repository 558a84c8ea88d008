"""Partners in tables of several keys: for each hidden cell the cheapest box of 2 x 2 x … cells around it.

A box's corners can go up and down by turns without any line noticing, so all of them are hidden. Works on the
finest cells of plain keys; hierarchies and margins are left to the linear programs of `suppression`.

Source: the hypercube method: Repsilber 1994; Giessing and Repsilber, Tools and strategies to protect multiple
tables with the GHQUAR cell suppression engine, LNCS 2316 (2002).
"""

from __future__ import annotations

from itertools import product

import numpy as np

from egress_review.checks.attack.model import Flags, Floats, PublishedTable

MOST_CELLS = 1_000_000


def hide_boxes(table: PublishedTable, cost: Floats) -> Flags:
    """The hidden rows of a table, with the corners of a box for each of them that is a finest cell.

    Args:
        cost: of hiding each row that is shown; inf for those that cannot be hidden or cannot move.
    """
    hidden = table.suppressed.copy()
    axes = range(len(table.keys))
    levels = [sorted({level for row in table.rows if (level := row[at]) is not None}) for at in axes]
    shape = tuple(len(one) for one in levels)
    plain = not any(key.parents for key in table.keys)
    if not plain or min(shape) <= 1 or np.prod(shape) > MOST_CELLS:
        return hidden
    place: list[dict[str | None, int]] = [
        {level: number for number, level in enumerate(one)} for one in levels
    ]
    rows = [number for number, row in enumerate(table.rows) if None not in row]
    at = [tuple(place[axis][level] for axis, level in enumerate(table.rows[row])) for row in rows]
    price, row_of = np.full(shape, np.inf), np.full(shape, -1)
    for index, row in zip(at, rows, strict=True):
        row_of[index] = row
        price[index] = 0.0 if hidden[row] and np.isfinite(cost[row]) else cost[row]
    for index, row in zip(at, rows, strict=True):
        if not table.suppressed[row]:
            continue
        corners = _cheapest(price, index)
        hidden[[row_of[one] for one in corners]] = True
        for one in corners:
            price[one] = 0.0
    return hidden


def _cheapest(price: Floats, index: tuple[int, ...]) -> list[tuple[int, ...]]:
    """The corners of the cheapest box around a cell, without the cell; none if there is no box."""
    total = np.zeros(price.shape)
    for mask in product((False, True), repeat=price.ndim):
        if any(mask):
            one = tuple(
                slice(None) if moved else slice(i, i + 1) for moved, i in zip(mask, index, strict=True)
            )
            total += price[one]
    for axis, i in enumerate(index):
        total[(slice(None),) * axis + (i,)] = np.inf
    best = np.unravel_index(int(np.argmin(total)), price.shape)
    if not np.isfinite(total[best]):
        return []
    ends = [(i, int(other)) for i, other in zip(index, best, strict=True)]
    return [corner for corner in product(*ends) if corner != index]
