"""Computes a proven query from the source: the published values, and the evidence behind each.

Values come from the plain query in one thread, as a notebook computes it, so that they agree digit by digit.
The evidence goes unit by unit first, in passes over the buckets of the data set: as much as fits into memory
at a time, merged exactly. Both are tasks of the source's runner, in this process or spread over others.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any, cast

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.query import Query
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.source import partials
from egress_review.checks.source.cells import group_of, numbers_of
from egress_review.checks.source.evidence import Group, GroupId, group_id
from egress_review.checks.source.opening import Source, bucket_of
from egress_review.checks.source.running import Task
from egress_review.checks.source.sieve import Sieved
from egress_review.checks.source.tasks import PARTIALS, InTurn, Partial, Record, Rows, merged

BYTES_A_ROW, BYTES_A_STATISTIC, BYTES_A_TEXT = 128, 40, 64
"""Of memory for a row whose unit has no other in its cell, for each statistic of it, and for the name of the
unit if it is a text, in each grouping set; as measured, and a quarter more."""
BYTES_A_PRINT = 32
"""Of memory for the print of a row while DuckDB hands it over."""
ROWS_TO_SIEVE = 1_000_000
"""In a table of fewer nothing is gained."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a profile needs to know.

    Attributes:
        rows_are_units: whether rows are protected and not persons.
        institutions: whether institutions are looked at.
    """

    rows_are_units: bool = False
    institutions: bool = False


def recompute(source: Source, query: Query, most: int, wanted: Wanted | None = None) -> list[Group]:
    """The groups of a query, at most `most`.

    Raises:
        CheckStopped: `too_many_cells`, `memory_limit` or `query_failed`.
    """
    asked = wanted or Wanted()
    statistics = partials.statistics(query)
    named = partials.numbered(query)
    columns = [*_named(named), *partials.group_columns(statistics, units=asked.rows_are_units)]
    here = source.for_task()
    classes = [] if asked.rows_are_units else [_by_person(source, named, unit) for unit in query.units]
    tasks: list[Task] = [Rows(here, _values_sql(query, most, columns)), *chain.from_iterable(classes)]
    units = ("",) if asked.rows_are_units else query.units
    moded = partials.mode_arguments(query)
    for argument in moded:
        tasks += [Rows(here, partials.mode_sql(named, unit, argument), here.threads) for unit in units]
    if asked.institutions and query.second_unit:
        tasks.append(Rows(here, partials.institution_sql(named, statistics), here.threads))
    with closing(source.runner.run(tasks)) as answers:
        values = next(answers)
        if len(values) > most:
            raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=most)
        places = _places(values, named)
        if named is not query and len(set(places)) < len(places):
            raise CheckStopped(FindingCode.QUERY_FAILED, cause="hash")
        evidence = [_by_group(_one(source, named, len(parts), answers), named) for parts in classes]
        modes = {one: [_by_group(next(answers), named) for _ in units] for one in moded}
        about = _by_group(next(answers, ()), named)
    numbers = numbers_of(query, statistics)
    return [
        group_of(row, place, query, numbers, evidence, about, modes=modes)
        for row, place in zip(values, places, strict=True)
    ]


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


def _values_sql(query: Query, most: int, more: Sequence[str]) -> str:
    columns = [f"{item.sql} AS c_{number}" for number, item in enumerate(query.items)]
    columns.extend([f"{query.grouping_id()} AS g", *more])
    having = f" HAVING {query.having_sql}" if query.having_sql else ""
    return f"{query.select_sql(columns)}{query.group_sql()}{having} LIMIT {most + 1}"


def _named(query: Query) -> list[str]:
    """What names a group, as columns of the values."""
    return [f"{key.sql} AS k{number}" for number, key in enumerate(query.keys)]


def _by_person(source: Source, query: Query, unit: str) -> list[Task]:
    """The tasks that give the evidence by the persons of one unit class."""
    wanted = partials.statistics(query)
    if _sieved(source, query):
        return [_sieve(source, query, unit, wanted)]
    return _in_passes(source, query, unit, wanted)


def _in_passes(source: Source, query: Query, unit: str, wanted: Sequence[partials.Statistic]) -> list[Task]:
    """As many tasks as there are passes, or one that does them in turn."""
    parts = [(part, partials.person_sql(asked, unit, wanted)) for part, asked in passes(source, query, unit)]
    if len(parts) == 1:
        return [Rows(part, sql, part.threads) for part, sql in parts]
    if source.runner.at_once == 1:
        here = source.for_task()
        return [InTurn(here, tuple(parts), partials.merge_sql(PARTIALS, query, wanted), here.threads)]
    return [Partial(part, sql, part.threads) for part, sql in parts]


def _sieved(source: Source, query: Query) -> bool:
    """Whether rows that are alone of their person in their group are worth being told from the others."""
    return source.runner.at_once == 1 and not query.has_margins and source.rows >= ROWS_TO_SIEVE


def _sieve(source: Source, query: Query, unit: str, wanted: Sequence[partials.Statistic]) -> Task:
    here = source.for_task()
    most = max(here.memory_bytes // 4 // BYTES_A_PRINT, 1)
    parts = tuple(
        (part, partials.print_sql(asked, unit), partials.sieved_sql(asked, unit, wanted))
        for part, asked in _parts(source, query, unit, most * 9 // 10)
    )
    (otherwise,) = _in_passes(source, query, unit, wanted)
    merge = partials.merge_sql(PARTIALS, query, wanted)
    return Sieved(here, parts, merge, most, otherwise, here.threads)


def _one(source: Source, query: Query, parts: int, answers: Iterator[Any]) -> Sequence[Record]:
    """The next answers as one: what the only task says, or the merged answers of all."""
    if parts == 1:
        return cast("Sequence[Record]", next(answers))
    sql = partials.merge_sql(PARTIALS, query, partials.statistics(query))
    return merged(source, islice(answers, parts), sql)


def passes(source: Source, query: Query, unit: str) -> Iterator[tuple[Source, Query]]:
    """The source cut into parts of whole persons: by the files of its buckets, or by a hash of the person.

    As many as memory asks for, and at least one for everybody who works on it.
    """
    a_row = BYTES_A_ROW + BYTES_A_STATISTIC * len(partials.statistics(query))
    a_row += BYTES_A_TEXT if source.units_are_texts else 0
    at_once = source.for_task().memory_bytes // (a_row * len(query.grouping_sets))
    yield from _parts(source, query, unit, at_once)


def _parts(source: Source, query: Query, unit: str, at_once: int) -> Iterator[tuple[Source, Query]]:
    """The source cut into parts of whole persons, of about so many rows each at most."""
    part = source.for_task()
    count = max(-(-source.rows // max(at_once, 1)), source.runner.at_once)
    if count <= 1:
        yield part, query
        return
    by_file = query.bucket_local and source.buckets >= count and _complete(source)
    for number in range(count):
        if by_file:
            yield part.of_buckets(range(number, source.buckets, count)), query
        else:
            mine = f"hash({unit}) % {count} = {number}"  # a missing person has a hash too
            where = f"({query.where_sql}) AND {mine}" if query.where_sql else mine
            yield part, replace(query, where_sql=where)


def _complete(source: Source) -> bool:
    """Whether every table has a file for every bucket."""
    buckets = set(range(source.buckets))
    return all(
        {bucket_of(file) for file in table.files} == buckets
        for manifest, _ in source.pairs
        for table in manifest.tables
    )


def _by_group(found: Iterable[Record], query: Query) -> dict[GroupId, Record]:
    records = list(found)
    return dict(zip(_places(records, query), records, strict=True))


def _places(records: Iterable[Record], query: Query) -> list[GroupId]:
    keys = [f"k{number}" for number in range(len(query.keys))]
    return [group_id((record[key] for key in keys), int(record["g"])) for record in records]
