"""What protecting a table costs: the information that its readers lose."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np

from egress_review.checks.attack.model import PublishedTable


@dataclass(frozen=True, slots=True)
class Loss:
    """Information lost from a table, against its true values.

    Attributes:
        cells: of the table before.
        primary: hidden because they break a rule themselves.
        secondary: hidden to protect those.
        hidden_share: part of the absolute sum of all cells that is hidden, margins included; 0 to 1.
        changed: cells shown with another number than the true one.
        absolute_change: sum of the changes of the cells that are shown.
        merged_levels: levels that are gone because bands were merged.
        merged_cells: cells that are gone with them.
    """

    cells: int
    primary: int = 0
    secondary: int = 0
    hidden_share: float = 0.0
    changed: int = 0
    absolute_change: float = 0.0
    merged_levels: int = 0
    merged_cells: int = 0

    def to_json(self) -> dict[str, float]:
        """The wire form."""
        return asdict(self)


def loss_of(table: PublishedTable, merged_levels: int = 0, merged_cells: int = 0) -> Loss:
    """The loss of a protected table."""
    hidden = table.suppressed
    total = float(np.nansum(np.abs(table.true)))
    change = np.abs(table.published - table.true)[~hidden]
    return Loss(
        cells=len(table.rows) + merged_cells,
        primary=int((hidden & table.sensitive).sum()),
        secondary=int((hidden & ~table.sensitive).sum()),
        hidden_share=float(np.nansum(np.abs(table.true[hidden]))) / total if total else 0.0,
        changed=int((change > 0).sum()),
        absolute_change=float(np.nansum(change)),
        merged_levels=merged_levels,
        merged_cells=merged_cells,
    )
