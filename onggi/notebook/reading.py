"""`onggi.read`: a table of a data set as pandas, Polars or Dask, reading only the columns and rows that
are asked for.

All three read the files that the manifest lists, in its order, and never look into the folder. With
pandas and Dask a whole-number column that misses a value anywhere in the table is `float64` (as pandas
has it) whatever is filtered, so that all parts of a Dask frame agree.
"""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, overload

from onggi.errors import Invalid
from onggi.manifest import Table
from onggi.notebook.catalogue import choose, granted
from onggi.notebook.conditions import Alternatives, Condition, check_columns, conditions
from onggi.notebook.speech import speaking
from onggi.reasons import Reason

if TYPE_CHECKING:
    import dask.dataframe as dd
    import pandas as pd
    import polars as pl

_COMPARE: Mapping[str, Callable[[Any, Any], Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


@overload
def read(
    dataset: str,
    table: str,
    columns: Sequence[str] | None = None,
    where: object = None,
    engine: Literal["pandas"] = "pandas",
    *,
    version: str | None = None,
) -> pd.DataFrame: ...
@overload
def read(
    dataset: str,
    table: str,
    columns: Sequence[str] | None = None,
    where: object = None,
    *,
    engine: Literal["polars"],
    version: str | None = None,
) -> pl.LazyFrame: ...
@overload
def read(
    dataset: str,
    table: str,
    columns: Sequence[str] | None = None,
    where: object = None,
    *,
    engine: Literal["dask"],
    version: str | None = None,
) -> dd.DataFrame: ...
@speaking
def read(
    dataset: str,
    table: str,
    columns: Sequence[str] | None = None,
    where: object = None,
    engine: str = "pandas",
    *,
    version: str | None = None,
) -> Any:
    """Read a table.

    Args:
        dataset: name of a granted data set, e.g. `nafld`. table: name of one of its tables, e.g.
        `measurement`. columns: the columns wanted, in this order; all of them if None. where:
        conditions on rows, see `onggi.notebook.conditions`; applied while reading. engine: `pandas`
        gives a DataFrame, `polars` a LazyFrame (`.collect()` runs it), `dask` a Dask DataFrame with
            one partition for each file.
        version: of the data set; the newest granted if None.

    Raises:
        NotFound: no such data set, table or column; says what there is.
        Invalid: a condition or the engine cannot be understood.
    """
    found = choose(dataset, version, granted())
    schema = found.manifest.table(table)
    wanted = [column.name for column in schema.columns] if columns is None else list(columns)
    check_columns(wanted, schema)
    alternatives = conditions(where, schema)
    files = [f"{found.path}/{file.path}" for file in schema.files]
    readers = {"pandas": _pandas, "polars": _polars, "dask": _dask}
    if engine not in readers:
        raise Invalid(Reason.FIELD_INVALID, field="engine", value=f"{engine}: {', '.join(readers)}")
    return readers[engine](files, schema, wanted, alternatives)


def _pandas(files: list[str], schema: Table, columns: list[str], alternatives: Alternatives) -> Any:
    return _frame(files, columns, alternatives, _with_gaps(files, schema))


def _frame(files: list[str], columns: list[str], alternatives: Alternatives, gaps: list[str]) -> Any:
    """Rows of some files as pandas."""
    import pyarrow.dataset as ds

    found = ds.dataset(files, format="parquet", partitioning=None)
    chosen = _any_of(alternatives, lambda one: _arrow(ds.field(one.column), one))
    frame = found.to_table(columns=columns, filter=chosen).to_pandas()
    return frame.astype({name: "float64" for name in gaps if name in columns})


def _with_gaps(files: list[str], schema: Table) -> list[str]:
    """Whole-number columns that miss a value somewhere, by the statistics in the files' footers."""
    import pyarrow.parquet as pq

    whole = {n: column.name for n, column in enumerate(schema.columns) if column.type in {"int32", "int64"}}
    gaps: set[str] = set()
    for path in files:
        footer = pq.read_metadata(path)
        for group in range(footer.num_row_groups):
            counted = {name: footer.row_group(group).column(n).statistics for n, name in whole.items()}
            gaps.update(name for name, known in counted.items() if known is None or known.null_count)
    return sorted(gaps)


def _arrow(field: Any, one: Condition) -> Any:
    if one.operator in _COMPARE:
        return _COMPARE[one.operator](field, one.value)
    inside = field.isin(list(one.value))
    return inside if one.operator == "in" else ~inside & field.is_valid()


def _polars(files: list[str], schema: Table, columns: list[str], alternatives: Alternatives) -> Any:  # noqa: ARG001 - one form for all
    import polars as pl

    frame = pl.scan_parquet(files, hive_partitioning=False)
    chosen = _any_of(alternatives, lambda one: _polars_condition(pl.col(one.column), one))
    return (frame if chosen is None else frame.filter(chosen)).select(columns)


def _polars_condition(column: Any, one: Condition) -> Any:
    if one.operator in _COMPARE:
        return _COMPARE[one.operator](column, one.value)
    inside = column.is_in(list(one.value))
    return inside if one.operator == "in" else ~inside


def _dask(files: list[str], schema: Table, columns: list[str], alternatives: Alternatives) -> Any:
    import dask.dataframe as dd

    gaps = _with_gaps(files, schema)
    empty = _frame(files[:1], columns, alternatives, gaps).iloc[:0]
    # Dask itself narrows the keyword `columns` to those that a computation uses.
    return dd.from_map(_one_file, files, columns=columns, alternatives=alternatives, gaps=gaps, meta=empty)


def _one_file(path: str, columns: list[str], alternatives: Alternatives, gaps: list[str]) -> Any:
    return _frame([path], columns, alternatives, gaps)


def _any_of(alternatives: Alternatives, understood: Callable[[Condition], Any]) -> Any:
    """One expression: any alternative of which all conditions hold; None if there is none."""
    if not alternatives:
        return None
    groups = [functools.reduce(operator.and_, map(understood, group)) for group in alternatives]
    return functools.reduce(operator.or_, groups)
