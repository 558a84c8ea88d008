"""Computes a proven query from the source: the published values, and the evidence behind each.

Values come from the plain query in one thread, as a notebook computes it, so that they agree digit by digit.
The evidence goes unit by unit first, in passes over the buckets of the data set: as much as fits into memory
at a time, merged exactly.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import duckdb

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source import partials
from egress_review.checks.source.cells import group_of
from egress_review.checks.source.evidence import Group, GroupId, group_id
from egress_review.checks.source.opening import Source, bucket_of

BYTES_A_ROW = 256
"""Of memory for a row whose unit has no other in its cell, with one measure; as measured, and a half more."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a profile needs to know.

    Attributes:
        rows_are_units: whether rows are protected and not persons.
        institutions: whether institutions are looked at.
    """

    rows_are_units: bool = False
    institutions: bool = False


@contextmanager
def stopping() -> Iterator[None]:
    """What DuckDB cannot do, as the finding that says so."""
    try:
        yield
    except duckdb.OutOfMemoryException:
        raise CheckStopped(FindingCode.MEMORY_LIMIT) from None
    except duckdb.Error as error:
        raise CheckStopped(FindingCode.QUERY_FAILED, cause=type(error).__name__) from None


def recompute(source: Source, query: Query, most: int, wanted: Wanted | None = None) -> list[Group]:
    """The groups of a query, at most `most`.

    Raises:
        CheckStopped: `too_many_cells`, `memory_limit` or `query_failed`.
    """
    asked = wanted or Wanted()
    statistics = partials.statistics(query)
    columns = partials.group_columns(statistics, units=asked.rows_are_units)
    values = _values(source, query, most, columns)
    if len(values) > most:
        raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=most)
    evidence: list[dict[GroupId, dict[str, Any]]] = []
    if not asked.rows_are_units:
        evidence = [_evidence(source, query, unit, statistics) for unit in query.units]
    about = _institutions(source, query, statistics) if asked.institutions and query.second_unit else {}
    return [group_of(row, query, statistics, evidence, about) for row in values]


def units_of_groups(
    source: Source, query: Query, most: int, wanted: Wanted | None = None
) -> dict[GroupId, int]:
    """Units of each group; nothing else is looked at.

    Raises:
        CheckStopped: as `recompute`.
    """
    bare = replace(query, items=query.keys)
    groups = recompute(source, bare, most, wanted)
    return {group_id(group.values, group.grouping): group.persons for group in groups}


def units_without_filter(
    source: Source, query: Query, most: int, wanted: Wanted | None = None
) -> dict[GroupId, int] | None:
    """Units of each group if the query filtered nothing; None if that is not known.

    Raises:
        CheckStopped: as `recompute`, but not for too many groups.
    """
    if query.narrowed:
        return None
    try:
        return units_of_groups(source, query.unfiltered(), most, wanted)
    except CheckStopped as stopped:
        if stopped.finding.code is FindingCode.TOO_MANY_CELLS:
            return None
        raise


def _values(source: Source, query: Query, most: int, more: Sequence[str]) -> list[dict[str, Any]]:
    columns = [f"{item.sql} AS c_{number}" for number, item in enumerate(query.items)]
    columns.extend([f"{query.grouping_id()} AS g", *more])
    having = f" HAVING {query.having_sql}" if query.having_sql else ""
    group = query.group_sql()
    sql = f"{query.select_sql(columns)}{group}{having} LIMIT {most + 1}"
    with closing(source.connect()) as database, stopping():
        return _records(database.execute(sql))


def _evidence(
    source: Source, query: Query, unit: str, wanted: Sequence[partials.Statistic]
) -> dict[GroupId, dict[str, Any]]:
    """The evidence by the persons of one unit class, pass by pass."""
    parts = list(passes(source, query, unit))
    with closing(source.connect(source.threads)) as database, stopping():
        for number, (part, asked) in enumerate(parts):
            if part is not source:
                part.show(database)
            sql = partials.person_sql(asked, unit, wanted)
            if len(parts) == 1:
                return _by_group(database.execute(sql), len(query.keys))
            into = "CREATE TEMP TABLE partials AS" if number == 0 else "INSERT INTO partials"
            database.execute(f"{into} {sql}")
        merged = partials.merge_sql("partials", query, wanted)
        return _by_group(database.execute(merged), len(query.keys))


def passes(source: Source, query: Query, unit: str) -> Iterator[tuple[Source, Query]]:
    """The source cut into parts of whole persons: by the files of its buckets, or by a hash of the person."""
    at_once = source.memory_bytes // (BYTES_A_ROW * max(len(partials.statistics(query)), 1))
    count = -(-source.rows // max(at_once, 1))
    if count <= 1:
        yield source, query
        return
    by_file = query.bucket_local and source.buckets >= count and _complete(source)
    for number in range(count):
        if by_file:
            yield source.of_buckets(range(number, source.buckets, count)), query
        else:
            mine = f"hash({unit}) % {count} = {number}"  # a missing person has a hash too
            where = f"({query.where_sql}) AND {mine}" if query.where_sql else mine
            yield source, replace(query, where_sql=where)


def _complete(source: Source) -> bool:
    """Whether every table has a file for every bucket."""
    buckets = set(range(source.buckets))
    return all(
        {bucket_of(file) for file in table.files} == buckets
        for manifest, _ in source.pairs
        for table in manifest.tables
    )


def _institutions(
    source: Source, query: Query, wanted: Sequence[partials.Statistic]
) -> dict[GroupId, dict[str, Any]]:
    with closing(source.connect(source.threads)) as database, stopping():
        return _by_group(database.execute(partials.institution_sql(query, wanted)), len(query.keys))


def _records(found: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    names = [one[0] for one in found.description or []]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _by_group(found: duckdb.DuckDBPyConnection, keys: int) -> dict[GroupId, dict[str, Any]]:
    return {
        group_id((record[f"k{number}"] for number in range(keys)), record["g"]): record
        for record in _records(found)
    }
