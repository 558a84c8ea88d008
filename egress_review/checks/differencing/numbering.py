"""Numbers of persons.

A unit column of whole numbers is its own numbering (64 bit, two's complement). Any other is numbered by the
first 64 bits of SHA-256 of its text: the same person has the same number in every version of the data set,
and no register has to be kept. Two persons of one query never share a number: that is counted, and a query
where they would is *not proven*. Two persons who are never in one query share one with probability below
n²/2⁶⁵ (less than 2⁻²⁵ for a million persons), and nobody who asks for tables can choose the texts.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import duckdb
import numpy as np

from egress_review.checks.differencing.prints import Persons
from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped

_WHOLE = frozenset({"TINYINT", "SMALLINT", "INTEGER", "BIGINT", "UTINYINT", "USMALLINT", "UINTEGER"})


def number_sql(
    source: duckdb.DuckDBPyConnection, select: Callable[[list[str]], str], unit: str, person: str
) -> str:
    """An expression for the number of a person.

    Args:
        select: SQL that selects expressions over the query's rows.
        unit: expression of the person over those rows.
        person: expression of the person where the number is wanted.

    Raises:
        CheckStopped: two persons of the query have one number.
    """
    described = source.execute(f"DESCRIBE {select([f'{unit} AS person'])}").fetchall()
    if described[0][1] in _WHOLE:
        return f"{person}::BIGINT"
    counts = [f"count(DISTINCT {unit})", f"count(DISTINCT {hashed(unit)})"]
    texts, numbers = source.execute(select(counts)).fetchall()[0]
    if texts != numbers:
        raise CheckStopped(FindingCode.QUERY_FAILED, cause="person numbers")
    return hashed(person)


def hashed(expression: str) -> str:
    """The number of a person who is no whole number."""
    return f"CAST('0x' || substr(sha256(CAST({expression} AS VARCHAR)), 1, 16) AS UBIGINT)"


def persons_from(found: Any) -> Persons:
    """Numbers as they come from `number_sql`."""
    numbers = np.asarray(found)
    return numbers.astype(np.int64 if numbers.dtype.kind == "i" else np.uint64).view(np.uint64)
