"""The design matrix of a formula: every column named, every level counted once.

Categorical columns are coded against their first level in the order of `onggi.table_form`: numbers by
size, text by code point. Rows with a missing value in any column of the model are left out, as in R and
statsmodels.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onggi.errors import Invalid
from onggi.models.formula import Factor, Formula
from onggi.reasons import Reason
from onggi.table_form import format_value, order_rows

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    import pandas as pd

    Matrix = npt.NDArray[np.float64]

INTERCEPT = "(intercept)"
MAX_COLUMNS = 300


@dataclass(frozen=True, slots=True)
class Design:
    """The columns of a model.

    Attributes:
        matrix: shape (rows, columns), float64.
        names: of the columns, as they are published.
        levels: of each categorical column, in coding order; the first is the reference.
    """

    matrix: Matrix
    names: tuple[str, ...]
    levels: Mapping[str, tuple[Any, ...]]


def complete_cases(frame: pd.DataFrame, columns: Sequence[str]) -> pd.DataFrame:
    """The rows in which no column of the model is missing.

    Raises:
        Invalid: `FIELD_INVALID`, with a column that the data do not have.
    """
    for name in columns:
        if list(frame.columns).count(name) != 1:
            raise Invalid(Reason.FIELD_INVALID, field="column", value=name[:60])
    return frame.dropna(subset=list(columns)).reset_index(drop=True)


def numbers(frame: pd.DataFrame, column: str) -> Matrix:
    """A column as finite numbers, shape (rows,).

    Raises:
        Invalid: if it is not numeric or not finite everywhere.
    """
    import numpy as np

    try:
        values = np.asarray(frame[column].to_numpy(), dtype=np.float64)
    except (TypeError, ValueError):
        raise Invalid(Reason.FIELD_INVALID, field="column", value=f"{column} (C({column})?)"[:60]) from None
    if not np.isfinite(values).all():
        raise Invalid(Reason.FIELD_INVALID, field="column", value=f"{column} (∞)"[:60])
    return values


def design(frame: pd.DataFrame, formula: Formula, *, intercept: bool) -> Design:
    """The design matrix over complete cases.

    Raises:
        Invalid: a column that is not numeric, a categorical one with a single level, too many columns.
    """
    import numpy as np

    levels = {
        one.column: levels_of(frame, one.column) for term in formula.terms for one in term if one.categorical
    }
    names = [INTERCEPT] if intercept else []
    columns: list[Matrix] = [np.ones(len(frame))] if intercept else []
    for term in formula.terms:
        for name, column in _term(frame, term, levels):
            names.append(name)
            columns.append(column)
            if len(names) > MAX_COLUMNS:
                raise Invalid(Reason.FIELD_INVALID, field="formula", value=f"> {MAX_COLUMNS}")
    matrix = np.column_stack(columns) if columns else np.empty((len(frame), 0))
    return Design(matrix, tuple(names), levels)


def levels_of(frame: pd.DataFrame, column: str) -> tuple[Any, ...]:
    """The levels of a categorical column, in order.

    Raises:
        Invalid: if it has fewer than two, or values of several types.
    """
    try:
        found = [value for (value,) in order_rows((one,) for one in frame[column].unique().tolist())]
    except TypeError:
        raise Invalid(Reason.FIELD_INVALID, field="column", value=column[:60]) from None
    if not 1 < len(found) <= MAX_COLUMNS:
        raise Invalid(Reason.FIELD_INVALID, field="column", value=f"C({column}): {len(found)}"[:60])
    return tuple(found)


def _term(
    frame: pd.DataFrame, term: Sequence[Factor], levels: Mapping[str, tuple[Any, ...]]
) -> list[tuple[str, Matrix]]:
    """The columns of one term: products over its factors."""
    parts = _factor(frame, term[0], levels)
    for factor in term[1:]:
        own = _factor(frame, factor, levels)
        parts = [(f"{a}:{b}", x * y) for a, x in parts for b, y in own]
    return parts


def _factor(
    frame: pd.DataFrame, factor: Factor, levels: Mapping[str, tuple[Any, ...]]
) -> list[tuple[str, Matrix]]:
    import numpy as np

    if not factor.categorical:
        return [(factor.column, numbers(frame, factor.column))]
    column = frame[factor.column]
    return [
        (f"{factor.column}[{format_value(level)}]", (column == level).to_numpy().astype(np.float64))
        for level in levels[factor.column][1:]
    ]
