"""What each person adds to a published number: how many rows, or the sum of their values.

Two numbers over the same persons may still differ by the rows of one of them: costs with and without one
visit. So each number that is made of rows has a vector over the persons, and of it the ledger keeps prints
that add up (`prints`). Vectors are written in millionths and modulo 2**64: what has six decimals or fewer is
exact and adds up however it was gathered on the way. Of other doubles the rest goes into the vector too, so
that equal rows have equal amounts. Equal prints only say where to look: how many persons differ is then
counted in the vectors themselves, made again from claim and source.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import duckdb
import numpy as np
import numpy.typing as npt

from egress_review.checks.differencing.prints import PARTS, Persons, Prints
from egress_review.checks.reading.query import Kind, Measure, Query

ONE = 10**6
"""The amount of one row, person or unit of a value."""
_TURN = "18446744073709551616::HUGEINT"
_LARGEST = "9007199254740881::DOUBLE"
"""A prime below 2**53: no double from there on has decimals."""
_REST = 2**30
_FACTOR = 0x9E3779B97F4A7C15
_WHOLE = frozenset(
    {"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT"}
)
_DOUBLE = ("BOOLEAN", "DECIMAL", "DOUBLE", "FLOAT", "HUGEINT", "UHUGEINT")
_TIME = ("DATE", "INTERVAL", "TIME")

Places = npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True, order=True)
class Added:
    """What a row adds to a number.

    Attributes:
        argument: SQL of its value; "" where rows are counted.
        contributes: SQL condition on a row that is counted; "" for every row.
    """

    argument: str
    contributes: str = ""


@dataclass(frozen=True, slots=True)
class Amounts:
    """Vectors over the persons, of one table.

    Attributes:
        parts: places of the numbers that add up to each: one, or the cells of a margin that is not listed.
        row: of the table, -1 for a margin that is not listed.
        tags: what is published of each, as of a `Family`.
        sizes: persons who add anything.
        prints: vectors × parts.
    """

    parts: tuple[tuple[int, ...], ...]
    row: tuple[int, ...]
    tags: tuple[frozenset[str], ...]
    sizes: Places
    prints: Prints


NO_AMOUNTS = Amounts((), (), (), np.empty(0, dtype=np.int64), np.empty((0, PARTS), dtype=np.uint64))


@dataclass(frozen=True, slots=True)
class Vector:
    """One vector in full: persons, ascending, and what each adds; nobody who adds nothing."""

    persons: Persons
    amounts: Persons


def added_by(measure: Measure) -> tuple[Added, ...]:
    """What rows add to a measure that is no ratio; nothing to a number of different values."""
    if measure.kind is Kind.COUNT:
        return (Added("", measure.contributes),)
    if measure.kind is Kind.COUNT_DISTINCT:
        return ()
    value = Added(measure.argument)
    if measure.kind is Kind.SUM:
        return (value,)
    return (value, Added("", f"{measure.argument} IS NOT NULL"))


def amount_columns(source: duckdb.DuckDBPyConnection, query: Query, wanted: Sequence[Added]) -> list[str]:
    """An aggregate for each: what the rows of a group add, a number of 64 bits."""
    arguments = sorted({one.argument for one in wanted if one.argument})
    types: Mapping[str, str] = {}
    if arguments:
        described = source.execute(f"DESCRIBE {query.select_sql(arguments)}").fetchall()
        types = {argument: str(row[1]) for argument, row in zip(arguments, described, strict=True)}
    return [_column(one, types.get(one.argument, "")) for one in wanted]


def _column(one: Added, kind: str) -> str:
    if not one.argument:
        kept = f" FILTER (WHERE {one.contributes})" if one.contributes else ""
        return f"(count(*){kept} * {ONE})::UBIGINT"
    total = f"coalesce(sum({_amount(one.argument, kind)}), 0)"
    return f"((({total} % {_TURN}) + {_TURN}) % {_TURN})::UBIGINT"


def _amount(argument: str, kind: str) -> str:
    """The amount of one row as a whole number; NULL for what is no number."""
    if kind in _WHOLE:
        # Multiples of high powers of two would vanish modulo 2**64.
        whole = f"({argument})::HUGEINT"
        return f"{whole} * {ONE} + ({whole} // {2**53}) * {_FACTOR}::HUGEINT"
    if kind.startswith(_TIME):
        double = f"epoch({argument})"
    elif kind.startswith(_DOUBLE):
        double = f"CAST({argument} AS DOUBLE)"
    else:
        return "NULL::HUGEINT"
    scaled = f"CASE WHEN abs({double}) < 1e300 THEN {double} * {ONE}.0 END"
    near = f"round({scaled})"
    rest = f"({scaled} - {near})"
    # What sums of doubles with six decimals are off by is no rest.
    slack = f"(1e-7 + abs({scaled}) * 1e-12)"
    more = f"(CASE WHEN abs({rest}) > {slack} THEN round({rest} * {_REST}.0) ELSE 0 END)"
    return f"({near} % {_LARGEST})::HUGEINT + {more}::HUGEINT * {_FACTOR}::HUGEINT"


def differing(one: Vector, other: Vector) -> tuple[int, bool]:
    """How many persons add something else, and whether all of them add more to the same one of the two."""
    persons = np.concatenate([one.persons, other.persons])
    amounts = np.concatenate([one.amounts, np.uint64(0) - other.amounts])
    people, at = np.unique(persons, return_inverse=True)
    left = np.zeros(people.size, dtype=np.uint64)
    np.add.at(left, at, amounts)
    signs = np.sign(left.view(np.int64))
    return int(np.count_nonzero(signs)), bool((signs >= 0).all() or (signs <= 0).all())
