"""What `onggi.table` gives: a pandas frame that knows its query and claim and shows the SQL."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import Any

import pandas as pd

from onggi.claim import Claim
from onggi.table_form import Row


class ResultTable(pd.DataFrame):
    """A result table.

    Attributes:
        sql: the query that made it, or None of a frame that was derived from one.
        claim: what was written beside its file, or None if there is no file.
    """

    sql: str | None = None
    claim: Claim | None = None
    _metadata = ("sql", "claim")

    @property
    def _constructor(self) -> Any:
        # Whatever is computed from the frame is a plain frame: the query does not describe it.
        return pd.DataFrame

    def __repr__(self) -> str:
        shown = str(super().__repr__())
        return f"{shown}\n\n{self.sql}" if self.sql else shown

    def _repr_html_(self) -> str:
        shown = str(super()._repr_html_())  # type: ignore[misc]
        return f"{shown}<pre>{html.escape(self.sql)}</pre>" if self.sql else shown


def result_table(columns: Sequence[str], rows: Sequence[Row], sql: str, claim: Claim | None) -> ResultTable:
    """The frame of a table."""
    frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=list(columns), coerce_float=True)
    table = ResultTable(frame)
    object.__setattr__(table, "sql", sql)
    object.__setattr__(table, "claim", claim)
    return table
