"""Fits a model and gives its table: the same bytes in the notebook and in the gate.

Every number has six significant digits: more say nothing about a population, and digits that nobody can check
could carry a message.

Source: statsmodels (OLS, Logit, GLM with Poisson family, PHReg with Efron's ties, SurvfuncRight).
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from onggi.errors import Invalid
from onggi.models.design import Design, complete_cases, design, levels_of, numbers
from onggi.models.spec import ModelKind, ModelSpec
from onggi.reasons import Reason

if TYPE_CHECKING:
    import pandas as pd

    from onggi.models.design import Matrix

TERM_COLUMNS = ("term", "estimate", "std_error", "statistic", "p_value", "ci_low", "ci_high")
STEP_COLUMNS = ("time", "events", "survival")
SIGNIFICANT_DIGITS = 6
_MAX_ITERATIONS = 100

Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Fitted:
    """A model's table and what the rules of disclosure look at.

    Attributes:
        columns, rows: the table, in its order.
        frame: the complete cases that were used.
        design: None for Kaplan-Meier.
        response: what is explained, shape (rows,); the event of a survival model.
        linear: the linear predictor, shape (rows,), or None.
    """

    columns: tuple[str, ...]
    rows: tuple[Row, ...]
    frame: pd.DataFrame
    design: Design | None
    response: Matrix
    linear: Matrix | None = None


def fit(spec: ModelSpec, frame: pd.DataFrame) -> Fitted:
    """Fit a model over the rows of `frame`.

    Raises:
        Invalid: `MODEL_NOT_FITTED` with the cause (no rows, collinear columns, no convergence, separation,
            a response that is no 0/1 or no count); `FIELD_INVALID` for a column that does not fit.
    """
    used = complete_cases(frame, spec.columns)
    if used.empty:
        raise not_fitted("rows")
    if spec.kind is ModelKind.KAPLAN_MEIER:
        return _kaplan_meier(spec, used)
    formula = spec.read()
    built = design(used, formula, intercept=spec.kind is not ModelKind.COX)
    response = numbers(used, spec.event if spec.kind is ModelKind.COX else formula.response)
    _require_fit(spec, built, response)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # what they say is tested below, and becomes a cause
            result, summary = _FITS[spec.kind](spec, used, built, response)
    except (ValueError, ArithmeticError, _linear_algebra_error()) as error:
        raise not_fitted(type(error).__name__) from None
    rows = [*_terms(built.names, result), *((f"_{name}", value) for name, value in summary.items())]
    table = tuple(_row(one) for one in rows)
    linear = built.matrix @ result.params
    return Fitted(TERM_COLUMNS, table, used, built, response, linear)


def not_fitted(cause: str) -> Invalid:
    """The error of a model that has no table."""
    return Invalid(Reason.MODEL_NOT_FITTED, cause=cause)


def _linear_algebra_error() -> type[Exception]:
    from numpy.linalg import LinAlgError

    return LinAlgError


def _require_fit(spec: ModelSpec, built: Design, response: Matrix) -> None:
    import numpy as np

    rows, columns = built.matrix.shape
    if columns == 0 or rows <= columns:
        raise not_fitted("rows")
    scale = np.linalg.norm(built.matrix, axis=0)
    if not scale.all() or np.linalg.matrix_rank(built.matrix / scale) < columns:
        raise not_fitted("collinear")
    if spec.kind in {ModelKind.LOGIT, ModelKind.COX} and not np.isin(response, (0.0, 1.0)).all():
        raise not_fitted("0/1")
    if spec.kind is ModelKind.POISSON and ((response < 0).any() or (response % 1 != 0).any()):
        raise not_fitted("count")


def _ols(_: ModelSpec, __: pd.DataFrame, built: Design, response: Matrix) -> tuple[Any, dict[str, float]]:
    import statsmodels.api as sm

    result = sm.OLS(response, built.matrix).fit()
    return result, {
        "observations": result.nobs,
        "df_residual": result.df_resid,
        "r_squared": result.rsquared,
        "residual_std_error": math.sqrt(result.scale),
    }


def _logit(_: ModelSpec, __: pd.DataFrame, built: Design, response: Matrix) -> tuple[Any, dict[str, float]]:
    import statsmodels.api as sm

    result = sm.Logit(response, built.matrix).fit(disp=0, maxiter=_MAX_ITERATIONS)
    _require_converged(result.mle_retvals["converged"])
    return result, _likelihood(result)


def _poisson(_: ModelSpec, __: pd.DataFrame, built: Design, response: Matrix) -> tuple[Any, dict[str, float]]:
    import statsmodels.api as sm

    result = sm.GLM(response, built.matrix, family=sm.families.Poisson()).fit(maxiter=_MAX_ITERATIONS)
    _require_converged(result.converged)
    return result, _likelihood(result)


def _cox(
    spec: ModelSpec, frame: pd.DataFrame, built: Design, response: Matrix
) -> tuple[Any, dict[str, float]]:
    from statsmodels.duration.hazard_regression import PHReg

    result = PHReg(numbers(frame, spec.time), built.matrix, status=response, ties="efron").fit(disp=0)
    return result, {
        "observations": len(response),
        "events": response.sum(),
        "log_likelihood": result.llf,
    }


def _likelihood(result: Any) -> dict[str, float]:
    return {"observations": result.nobs, "df_residual": result.df_resid, "log_likelihood": result.llf}


def _require_converged(converged: object) -> None:
    if not converged:
        raise not_fitted("convergence")


_FITS: Mapping[
    ModelKind, Callable[[ModelSpec, pd.DataFrame, Design, Matrix], tuple[Any, dict[str, float]]]
] = {ModelKind.COX: _cox, ModelKind.LOGIT: _logit, ModelKind.OLS: _ols, ModelKind.POISSON: _poisson}


def _terms(names: Sequence[str], result: Any) -> list[Row]:
    import numpy as np

    interval = result.conf_int()
    columns = (result.params, result.bse, result.tvalues, result.pvalues, interval[:, 0], interval[:, 1])
    values = np.column_stack(columns)
    if not np.isfinite(values).all():
        raise not_fitted("convergence")
    return [(name, *row) for name, row in zip(names, values.tolist(), strict=True)]


def _row(row: Row) -> Row:
    """A table's row, with nothing where a summary has no such column."""
    name, *values = row
    missing = len(TERM_COLUMNS) - 1 - len(values)
    return (name, *(significant(value) for value in values), *([None] * missing))


def significant(value: float) -> float:
    """A number with six significant digits."""
    return float(f"{float(value):.{SIGNIFICANT_DIGITS}g}")


def _kaplan_meier(spec: ModelSpec, frame: pd.DataFrame) -> Fitted:
    import numpy as np

    event = numbers(frame, spec.event)
    if not np.isin(event, (0.0, 1.0)).all():
        raise not_fitted("0/1")
    rows: list[Row] = []
    for key, chosen in curves(spec, frame):
        time = numbers(frame[chosen], spec.time)
        rows += [(*key, *step) for step in _steps(time, event[chosen], spec.events_per_step)]
    if not rows:
        raise not_fitted("events")
    return Fitted((*spec.by, *STEP_COLUMNS), tuple(rows), frame, None, event)


def curves(spec: ModelSpec, frame: pd.DataFrame) -> list[tuple[tuple[Any, ...], Any]]:
    """For each curve, in order: the values of `by`, and which rows belong to it (a Boolean array)."""
    import numpy as np

    found: list[tuple[tuple[Any, ...], Any]] = [((), np.ones(len(frame), dtype=bool))]
    for column in spec.by:
        levels = levels_of(frame, column)
        found = [
            ((*key, level), chosen & (frame[column] == level).to_numpy())
            for key, chosen in found
            for level in levels
        ]
    return [(key, chosen) for key, chosen in found if chosen.any()]


def _steps(time: Matrix, event: Matrix, least: int) -> list[Row]:
    """The steps of a curve, each when `least` events have gathered; it ends where fewer are left at risk."""
    from statsmodels.duration.survfunc import SurvfuncRight

    if not event.any():
        return []
    curve = SurvfuncRight(time, event)
    steps: list[Row] = []
    gathered = 0
    found = (curve.surv_times, curve.n_events, curve.n_risk, curve.surv_prob)
    for at, events, risk, survival in zip(*(column.tolist() for column in found), strict=True):
        gathered += round(events)
        if 0 < risk - events < least:
            break
        if gathered >= least:
            steps.append((significant(at), gathered, significant(survival)))
            gathered = 0
    return steps
