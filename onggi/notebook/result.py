"""What `onggi.table` gives: a pandas frame that knows its query and claim and shows the SQL."""

from __future__ import annotations

import functools
import html
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from onggi.claim import Claim
from onggi.table_form import Row

if TYPE_CHECKING:
    import pandas as pd


def result_table(columns: Sequence[str], rows: Sequence[Row], sql: str, claim: Claim | None) -> pd.DataFrame:
    """The frame of a table.

    Its `sql` is the query that made it, its `claim` what was written beside its file (None without a file).
    Whatever is computed from the frame is a plain frame: the query does not describe it.
    """
    import pandas as pd

    frame = pd.DataFrame.from_records([tuple(row) for row in rows], columns=list(columns), coerce_float=True)
    table: pd.DataFrame = _frame_class()(frame)
    object.__setattr__(table, "sql", sql)
    object.__setattr__(table, "claim", claim)
    return table


@functools.cache
def _frame_class() -> type[Any]:
    """The class of result tables, made when pandas is first needed."""
    import pandas as pd

    class ResultTable(pd.DataFrame):
        sql: str = ""
        claim: Claim | None = None

        @property
        def _constructor(self) -> Any:
            return pd.DataFrame

        def __reduce__(self) -> Any:
            return pd.DataFrame, (pd.DataFrame(self),)

        def __repr__(self) -> str:
            return f"{pd.DataFrame(self)!r}\n\n{self.sql}"

        def _repr_html_(self) -> str:
            plain: Any = pd.DataFrame(self)
            return f"{plain._repr_html_()}<pre>{html.escape(self.sql)}</pre>"

    return ResultTable
