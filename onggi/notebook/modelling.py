"""`onggi.model`: a regression or a survival curve and its claim, so that the gate can fit it again."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from onggi.claim import Claim, Scalar
from onggi.clock import SystemClock, to_text
from onggi.errors import Invalid
from onggi.models.spec import ModelKind, ModelSpec, model_kind
from onggi.notebook.catalogue import granted
from onggi.notebook.query import datasets_in, frame, one_version_each
from onggi.notebook.speech import speaking
from onggi.notebook.tables import NO_FILE, write
from onggi.reasons import Reason
from onggi.table_form import order_rows

if TYPE_CHECKING:
    import pandas as pd


@speaking
def model(  # noqa: PLR0913 - a model is said in one call; all but three arguments have names
    kind: str,
    formula: str,
    sql: str,
    to: str | Path | None = None,
    *,
    time: str = "",
    event: str = "",
    events_per_step: int = 10,
    parameters: Mapping[str, Scalar] | None = None,
    versions: Mapping[str, str] | None = None,
) -> pd.DataFrame:
    """Fit a model over the rows of a SELECT, write its table to `to` and its claim beside it, and give it.

    Args:
        kind: `ols`, `logit`, `poisson`, `cox` or `kaplan_meier`.
        formula: `y ~ age + C(sex)`: columns of the SQL, `C(…)` where a column is a category, `a:b` and `a*b`
            for interactions. For `cox` there is nothing left of `~`; for `kaplan_meier` it names the curves:
            `~ sex`, or `~ 1` for one.
        sql: one SELECT of rows; whatever is to be computed for a column is computed here.
        to: the file to write, ending in `.csv`; an older one is replaced. Without it nothing is written.
        time, event: columns of a survival model: time at risk, and 1 for an event or 0 for the end of
            observation.
        events_per_step: of `kaplan_meier`: events that are gathered before the curve steps down.
        parameters: values of `$name` in the SQL.
        versions: of data sets, by name, where not the newest granted is meant.

    Raises:
        Invalid: the model cannot be fitted, or is asked for in a way that the gate cannot compute again.
        NotFound: a data set or version is not granted.
    """
    if to is not None and Path(to).suffix != ".csv":
        raise Invalid(Reason.FILE_FORM_UNKNOWN, name=Path(to).name, endings=".csv")
    spec = _spec(model_kind(kind), formula, time, event, events_per_step)
    values = dict(parameters or {})
    used = datasets_in(sql, one_version_each(granted(), versions or {}))
    from onggi.models.fit import fit
    from onggi.notebook.result import result_table

    fitted = fit(spec, frame(sql, values, used))
    rows = order_rows(fitted.rows)
    claim = Claim(
        sql=sql,
        datasets=tuple((one.name, one.version) for one in used),
        columns=fitted.columns,
        created=to_text(SystemClock().now()),
        output_sha256=NO_FILE,
        parameters=values,
        model=spec,
    )
    manifests = [one.manifest for one in used]
    written = None if to is None else write(Path(to), fitted.columns, rows, claim, manifests)
    return result_table(fitted.columns, rows, claim.sql, written)


def _spec(kind: ModelKind, formula: str, time: str, event: str, events_per_step: int) -> ModelSpec:
    if kind is not ModelKind.KAPLAN_MEIER:
        return ModelSpec(kind, formula, time, event)
    left, _, right = formula.partition("~")
    by = [] if right.strip() in {"", "1"} else [name.strip() for name in right.split("+")]
    if left.strip() or not all(name.isidentifier() for name in by):
        raise Invalid(Reason.FIELD_INVALID, field="formula", value=formula[:60])
    return ModelSpec(kind, "", time, event, tuple(by), events_per_step)
