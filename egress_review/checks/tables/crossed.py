"""Reads the header that pandas writes over several lines, or over its row numbers, as one long table.

A table of several levels of columns has a line for each level, then the line of its index names. A level
with a name is a key; the levels without one say which number stands below (`mean`, `cost`). What does not
have this shape exactly stays unread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped
from egress_review.checks.tables.csv_form import MAX_COLUMNS, RawTable, unquote
from egress_review.checks.tables.headings import Item, words_of_file
from egress_review.checks.tables.style import NOTHING, one_style
from onggi.table_form import format_value

_MOST_LEVELS = 6


@dataclass(frozen=True, slots=True)
class _Head:
    """Attributes:
    index: names of the key columns.
    levels: for each level its name, or "", and the labels of all columns behind the index.
    """

    index: tuple[str, ...]
    levels: tuple[tuple[str, tuple[str, ...]], ...]

    @property
    def measured(self) -> list[tuple[str, ...]]:
        """For each column behind the index, which number stands in it."""
        unnamed = [labels for name, labels in self.levels if not name]
        width = len(self.levels[0][1])
        return [tuple(labels[at] for labels in unnamed) for at in range(width)]


def read_header(raw: RawTable, items: Sequence[Item], margins: Sequence[str]) -> RawTable:
    """A table whose header could not be read line by line, as a long one.

    Args:
        raw: without columns; all records are rows.
        items: what the query selects.
        margins: labels behind which pandas leaves the lower levels blank.

    Raises:
        CheckStopped: `csv_unreadable`, or `header_differs` if it has not as many numbers as the query.
    """
    plain = _without_numbers(raw) or _with_a_blank(raw)
    if plain is not None:
        return plain
    head = _head(raw.rows)
    if head is None:
        raise CheckStopped(FindingCode.CSV_UNREADABLE, line=1, cause="header")
    measured = list(dict.fromkeys(head.measured))
    aggregates = [one for one in items if one.aggregate]
    columns = _measure_names(measured, [one.name for one in aggregates])
    if columns is None:
        expected = ", ".join(one.name for one in items)
        raise CheckStopped(
            FindingCode.HEADER_DIFFERS, expected=expected, found=", ".join(map(" ".join, measured))
        )
    keys = tuple(name for name, _ in head.levels if name)
    rows: list[tuple[str, ...]] = []
    for record in raw.rows[len(head.levels) + 1 :]:
        rows.extend(_unfolded(record, head, measured, margins))
    header = (*head.index, *keys, *columns)
    if len(header) > MAX_COLUMNS or len(set(header)) != len(header):
        raise CheckStopped(FindingCode.CSV_UNREADABLE, line=1, cause="header")
    words = _words(measured, columns, aggregates)
    numbers = list(zip(*raw.rows[len(head.levels) + 1 :], strict=True))[len(head.index) :]
    styled = all(one_style(column, NOTHING) for column in numbers)
    return RawTable(header, tuple(rows), canonical=styled, crossed=bool(keys), words=words)


def _words(
    measured: Sequence[tuple[str, ...]], columns: Sequence[str], aggregates: Sequence[Item]
) -> tuple[str, ...]:
    """Labels over the numbers that no statistic and no column of the query is called."""
    named = {one.name: one for one in aggregates if one.name}
    return tuple(
        label
        for labels, name, other in zip(measured, columns, aggregates, strict=True)
        for label in words_of_file(labels, named.get(name, other))
    )


def _without_numbers(raw: RawTable) -> RawTable | None:
    """The table without its first column, if that has no name and counts the rows from 0.

    Of the others one may have none: who misses the key.
    """
    header = tuple(unquote(field) for field in raw.rows[0])
    rest = header[1:]
    if header[0] or not rest or not rest[0] or len(set(rest)) != len(rest):
        return None
    if [record[0] for record in raw.rows[1:]] != [str(at) for at in range(len(raw.rows) - 1)]:
        return None
    return RawTable(rest, tuple(record[1:] for record in raw.rows[1:]), canonical=True)


def _with_a_blank(raw: RawTable) -> RawTable | None:
    """The table as it is, if one of its columns has no name: pandas gives none to who misses the key."""
    header = tuple(unquote(field) for field in raw.rows[0])
    if not header[0] or header.count("") != 1 or len(set(header)) != len(header):
        return None
    return RawTable(header, tuple(raw.rows[1:]), canonical=True)


def _head(records: Sequence[tuple[str, ...]]) -> _Head | None:
    for at, record in enumerate(records[: _MOST_LEVELS + 1]):
        index = tuple(unquote(field) for field in record if field)
        if at == 0 or not index or not all(record[: len(index)]) or len(index) == len(record):
            continue
        levels = [tuple(unquote(field) for field in one) for one in records[:at]]
        # The name of a level stands over the last column of the index or over the first; it has no other.
        named = [[name for name in one[: len(index)] if name] for one in levels]
        if any(len(one) > 1 for one in named):
            continue
        behind = tuple(
            (name[0] if name else "", one[len(index) :]) for name, one in zip(named, levels, strict=True)
        )
        return _Head(index, behind)
    return None


def _measure_names(measured: Sequence[tuple[str, ...]], aggregates: Sequence[str]) -> list[str] | None:
    """Column names for the numbers: by the name of an aggregate among the labels, else in their order;
    what has no name is numbered.
    """
    if len(measured) != len(aggregates):
        return None
    by_name = [[name for name in aggregates if name and name in labels] for labels in measured]
    if all(len(one) == 1 for one in by_name):
        found = [one[0] for one in by_name]
        if len(set(found)) == len(found):
            return found
    return [name or str(at) for at, name in enumerate(aggregates)]


def _unfolded(
    record: tuple[str, ...], head: _Head, measured: Sequence[tuple[str, ...]], margins: Sequence[str]
) -> Iterator[tuple[str, ...]]:
    """One line as the rows of its combinations of keys, in the order of the columns."""
    width = len(head.index)
    found: dict[tuple[str, ...], dict[tuple[str, ...], str]] = {}
    for at, (which, field) in enumerate(zip(head.measured, record[width:], strict=True)):
        key = _filled([labels[at] for name, labels in head.levels if name], margins)
        numbers = found.setdefault(key, {})
        if which in numbers:
            raise CheckStopped(FindingCode.CSV_UNREADABLE, line=1, cause="header")
        numbers[which] = field
    for key, numbers in found.items():
        labels = tuple(format_value(label) if label else "" for label in key)
        yield (*record[:width], *labels, *(numbers.get(which, "") for which in measured))


def _filled(labels: Sequence[str], margins: Sequence[str]) -> tuple[str, ...]:
    """A blank behind a margin's label is the same margin."""
    filled: list[str] = []
    for label in labels:
        filled.append(filled[-1] if not label and filled and filled[-1] in margins else label)
    return tuple(filled)
