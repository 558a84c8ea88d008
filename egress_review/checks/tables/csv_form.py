"""Reads a submitted CSV file, strictly in the one form of `onggi.table_form`.

Guarantees: a file is read in one way only or not at all. Other delimiters, encodings, byte-order marks,
line ends, ragged rows and stray quotes stop the check; nothing is guessed. Fields keep their quotes, so
that an empty text and a missing value stay different.
"""

from __future__ import annotations

from dataclasses import dataclass

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped

MAX_COLUMNS = 64
MAX_COLUMNS_OUTSIDE = 1_000
"""Of another system's cross table, which has a column for every combination of categories."""
_OTHER_DELIMITERS = ";\t|"


@dataclass(frozen=True, slots=True)
class RawTable:
    """A table as written.

    Attributes:
        columns: the header, without quotes.
        rows: records of raw fields, quotes included.
        canonical: whether only those fields are quoted that need it.
        form: of the file. In Parquet and XLSX a number has a value and no digits of its own.
        crossed: whether it was a cross table, which has a cell for combinations of nobody too.
        words: of its header that its query does not give: words of whoever wrote the file.
        foreign: whether another program wrote the Parquet or XLSX file, so that it may hold more than values.
    """

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    canonical: bool
    form: str = "csv"
    crossed: bool = False
    foreign: bool = False
    words: tuple[str, ...] = ()

    @property
    def typed(self) -> bool:
        """Whether numbers are values and not texts."""
        return self.form != "csv"


def unquote(raw: str) -> str:
    """A field's text."""
    return raw[1:-1].replace('""', '"') if raw.startswith('"') else raw


def read_csv(text: str, most_rows: int, *, own_form: bool = True) -> RawTable:
    """Read a table.

    Args:
        own_form: whether the header must be one line of different names. Of another system's table with
            another header, all records are rows, and there are no columns.

    Raises:
        CheckStopped: `csv_unreadable` with line and cause, or `too_many_cells`.
    """
    if text.startswith("\ufeff"):
        raise _unreadable(1, "bom")
    most_columns = MAX_COLUMNS if own_form else MAX_COLUMNS_OUTSIDE
    records = _records(text, most_rows, most_columns)
    header = tuple(unquote(raw) for raw in records[0])
    if len(header) == 1 and any(sign in header[0] for sign in _OTHER_DELIMITERS):
        raise _unreadable(1, "delimiter")
    plain = len(header) <= most_columns and len(set(header)) == len(header) and all(header)
    if not plain and own_form:
        raise _unreadable(1, "header")
    for number, record in enumerate(records[1:], start=2):
        if len(record) != len(header):
            raise _unreadable(number, "fields")
    if not plain:
        return RawTable((), tuple(records), canonical=False)
    alone = len(header) == 1
    canonical = all(
        _needs_no_change(raw, alone=alone) for record in records for raw in record if not raw or raw[0] == '"'
    )
    return RawTable(header, tuple(records[1:]), canonical)


def _needs_no_change(raw: str, *, alone: bool) -> bool:
    if not raw.startswith('"'):
        return bool(raw) or not alone
    text = unquote(raw)
    return not text or any(sign in text for sign in ',"\r\n')


def _unreadable(record: int, cause: str) -> CheckStopped:
    return CheckStopped(FindingCode.CSV_UNREADABLE, line=record, cause=cause)


def _records(text: str, most_rows: int, most_columns: int) -> list[tuple[str, ...]]:
    """Split into records of raw fields; `line` in a refusal counts records."""
    if not text.endswith("\n"):
        raise _unreadable(text.count("\n") + 1, "last_line")
    records: list[tuple[str, ...]] = []
    at = 0
    while at < len(text):
        end = text.find("\n", at)
        if text.find('"', at, end) < 0 and text.find("\r", at, end) < 0:
            if text.count(",", at, end) > most_columns:
                raise _unreadable(len(records) + 1, "fields")
            records.append(tuple(text[at:end].split(",")))
        else:
            record, end = _record(text, at, len(records) + 1, most_columns)
            records.append(record)
        if len(records) > most_rows + 1:
            raise CheckStopped(FindingCode.TOO_MANY_CELLS, limit=most_rows)
        at = end + 1
    return records


def _record(text: str, at: int, record: int, most_columns: int) -> tuple[tuple[str, ...], int]:
    """The raw fields of the record at `at`, some of them quoted, and where its line end stands."""
    fields: list[str] = []
    while at < len(text):
        raw, at = _field(text, at, record)
        fields.append(raw)
        if text[at] == "\n":
            return tuple(fields), at
        if len(fields) > most_columns:
            raise _unreadable(record, "fields")
        at += 1
    raise _unreadable(record, "fields")


def _field(text: str, start: int, record: int) -> tuple[str, int]:
    """The raw field at `start` and where its separator stands."""
    if text[start] == '"':
        end = _closing_quote(text, start, record)
    else:
        comma, line = text.find(",", start), text.find("\n", start)
        end = line if comma < 0 else min(comma, line)
        if '"' in text[start:end]:
            raise _unreadable(record, "quote")
        if "\r" in text[start:end]:
            raise _unreadable(record, "line_end")
    if end >= len(text) or text[end] not in ",\n":
        raise _unreadable(record, "line_end" if end < len(text) and text[end] == "\r" else "quote")
    return text[start:end], end


def _closing_quote(text: str, start: int, record: int) -> int:
    at = text.find('"', start + 1)
    while at >= 0:
        if text[at + 1 : at + 2] != '"':
            return at + 1
        at = text.find('"', at + 2)
    raise _unreadable(record, "quote")
