"""The whole check of a model's table: rows from the source, the fit again, comparison, rules."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import duckdb
import numpy as np

from egress_review.checks.findings import FindingCode
from egress_review.checks.models.judge import judge_model
from egress_review.checks.reading.rows import PERSON, read_rows
from egress_review.checks.reading.scope import Catalogue
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from egress_review.checks.rules.profile import Profile
from egress_review.checks.source.opening import Source
from egress_review.checks.tables.csv_form import RawTable, read_csv, unquote
from onggi.claim import Claim
from onggi.errors import Invalid
from onggi.models.fit import SIGNIFICANT_DIGITS, Fitted, fit, significant
from onggi.models.spec import ModelKind, ModelSpec
from onggi.table_form import csv_bytes, format_value

if TYPE_CHECKING:
    import pandas as pd

MAX_ROWS = 20_000_000
LONGEST_NAMES = 600
"""Characters of all terms; a categorical column repeats its own for each level."""
_LAST_DIGIT = 2 * 10.0 ** (1 - SIGNIFICANT_DIGITS)


def check_model(
    raw: RawTable, claim: Claim, spec: ModelSpec, source: Source, profile: Profile
) -> tuple[Finding, ...]:
    """What is found about a table that says it is a model's.

    Args:
        profile: its threshold is the least number of units of a group; it says whether rows are the units.

    Raises:
        CheckStopped: what cannot be proven.
    """
    catalogue = Catalogue(manifest for manifest, _ in source.pairs)
    rows = read_rows(claim, numeric_columns(spec), catalogue, MAX_ROWS)
    with source.connect() as database:
        fitted = fit_again(spec, read_frame(rows.sql, database))
    persons = np.unique(fitted.frame[PERSON].to_numpy(), return_inverse=True)[1]
    if profile.counts_rows:
        persons = np.arange(len(persons))
    expected = read_csv(csv_bytes(fitted.columns, fitted.rows).decode(), len(fitted.rows) + 1)
    found = [
        *_differences(raw, expected, key=len(spec.by) + 1),
        *rows.notes,
        *_words(fitted),
        *judge_model(spec, fitted, persons, profile.rules.threshold.least),
    ]
    if not any(one.code in _UNPROVEN for one in found):
        numbers = sum(field != "" for row in expected.rows for field in row[1:])
        everyone = len(np.unique(persons))
        found.append(
            finding(FindingCode.RECOMPUTED, numbers=numbers, rows=len(expected.rows), persons=everyone)
        )
    return tuple(found)


def in_six_digits(raw: RawTable, spec: ModelSpec) -> RawTable:
    """Another system's table with its numbers as `onggi.models.fit` writes them."""
    first = len(spec.by) if spec.kind is ModelKind.KAPLAN_MEIER else 1
    rows = tuple((*row[:first], *map(_significant, row[first:])) for row in raw.rows)
    return replace(raw, rows=rows)


def _significant(field: str) -> str:
    try:
        value = float(field)
    except ValueError:
        return field
    return format_value(significant(value)) if math.isfinite(value) else field


_UNPROVEN = frozenset(
    {
        FindingCode.HEADER_DIFFERS,
        FindingCode.ROW_DUPLICATE,
        FindingCode.ROW_EXTRA,
        FindingCode.ROW_MISSING,
        FindingCode.ROW_ORDER_DIFFERS,
        FindingCode.VALUE_DIFFERS,
        FindingCode.FORM_NOT_CANONICAL,
    }
)


def numeric_columns(spec: ModelSpec) -> dict[str, bool]:
    """The columns of a model, and whether they are read as numbers."""
    kinds = dict.fromkeys(spec.columns, True)
    if spec.formula:
        kinds |= {one.column: not one.categorical for term in spec.read().terms for one in term}
    return kinds | dict.fromkeys((*spec.by, spec.event), False) if spec.kind.survival else kinds


def _words(fitted: Fitted) -> Iterator[Finding]:
    """Names of columns are the researcher's own words."""
    names = fitted.design.names if fitted.design else fitted.columns
    characters = sum(map(len, names))
    if characters > LONGEST_NAMES:
        yield finding(FindingCode.HEADER_LONG, characters=characters)


def read_frame(sql: str, database: duckdb.DuckDBPyConnection) -> pd.DataFrame:
    """The rows of a model, each with its person.

    Raises:
        CheckStopped: what cannot be proven.
    """
    try:
        frame = database.execute(sql).df()
    except duckdb.OutOfMemoryException:
        raise CheckStopped(FindingCode.MEMORY_LIMIT) from None
    except duckdb.Error as error:
        raise CheckStopped(FindingCode.QUERY_FAILED, cause=type(error).__name__) from None
    if len(frame) > MAX_ROWS:
        raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=MAX_ROWS)
    if frame[PERSON].isna().any():
        raise CheckStopped(FindingCode.MODEL_NOT_FITTED, cause="persons")
    return frame


def fit_again(spec: ModelSpec, frame: pd.DataFrame) -> Fitted:
    """The model over its rows.

    Raises:
        CheckStopped: it has no table.
    """
    try:
        return fit(spec, frame)
    except Invalid as error:
        cause = error.params.get("cause") or error.params.get("value", "")
        raise CheckStopped(FindingCode.MODEL_NOT_FITTED, cause=cause) from None


def _differences(raw: RawTable, expected: RawTable, *, key: int) -> Iterator[Finding]:
    """Every row and number that is not what the source gives."""
    if raw.columns != expected.columns:
        said, wanted = ", ".join(raw.columns), ", ".join(expected.columns)
        yield finding(FindingCode.HEADER_DIFFERS, expected=wanted, found=said)
        return
    if not raw.canonical:
        yield finding(FindingCode.FORM_NOT_CANONICAL)
    submitted = {row[:key]: row for row in raw.rows}
    computed = {row[:key]: row for row in expected.rows}
    if len(submitted) < len(raw.rows):
        yield finding(FindingCode.ROW_DUPLICATE)
    for place, row in submitted.items():
        if place not in computed:
            yield finding(FindingCode.ROW_EXTRA, _cell(raw, row, key))
    for place, row in computed.items():
        if place not in submitted:
            yield finding(FindingCode.ROW_MISSING, _cell(expected, row, key))
    both = [place for place in computed if place in submitted]
    if both != [place for place in submitted if place in computed]:
        yield finding(FindingCode.ROW_ORDER_DIFFERS)
    yield from _values(expected.columns, key, [(submitted[place], computed[place]) for place in both])


def _values(
    columns: tuple[str, ...], key: int, rows: list[tuple[tuple[str, ...], tuple[str, ...]]]
) -> Iterator[Finding]:
    """What differs in the last digit alone is said once."""
    close = 0
    for said, computed in rows:
        for number in range(key, len(columns)):
            if said[number] == computed[number]:
                continue
            if _nearly(said[number], computed[number]):
                close += 1
                continue
            cell = {name: unquote(field) for name, field in zip(columns[:key], said, strict=False)}
            yield finding(
                FindingCode.VALUE_DIFFERS,
                cell,
                column=columns[number],
                submitted=unquote(said[number]),
                recomputed=computed[number],
            )
    if close:
        yield finding(FindingCode.LAST_DIGITS_DIFFER, cells=close)


def _cell(table: RawTable, row: tuple[str, ...], key: int) -> dict[str, str]:
    return {name: unquote(field) for name, field in zip(table.columns[:key], row, strict=False)}


def _nearly(said: str, computed: str) -> bool:
    """Whether two numbers differ by one in their last digit, and are written alike."""
    try:
        one, other = float(said), float(computed)
    except ValueError:
        return False
    return said == repr(float(f"{one:.{SIGNIFICANT_DIGITS}g}")) and abs(one - other) <= _LAST_DIGIT * abs(
        other
    )
