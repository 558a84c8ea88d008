"""The SQL adapter of the ledger: SQLite embedded, PostgreSQL elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import replace
from operator import itemgetter
from typing import Any

import sqlalchemy as sa

from egress_review.checks.hidden import hidden_row_from_json
from egress_review.ledger import tables
from egress_review.ledger.domain import Entry, entry_from_content
from egress_review.ledger.protocol import Remembered
from egress_review.store.engine import reading
from onggi.errors import Conflict, Invalid, NotFound, Tampered
from onggi.events import Event
from onggi.reasons import Reason

_PAGE = 100


class SqlLedgerUnit:
    """See `egress_review.ledger.protocol.LedgerUnit`.

    Args:
        append: writes an event in the same transaction, and locks out other writers.
    """

    def __init__(self, connection: sa.Connection, append: Callable[[Event], int]) -> None:
        self._connection = connection
        self._append = append

    def add(self, entry: Entry, event: Event) -> Entry:
        """Append an entry."""
        table = tables.entries
        same = (table.c.release == entry.release) & (table.c.output == entry.output)
        if self._connection.execute(sa.select(table.c.position).where(same)).first():
            raise Conflict(Reason.ALREADY_EXISTS, what="ledger entry", name=entry.release)
        kept = replace(entry, position=self._append(event))
        insert(self._connection, kept)
        return kept

    def restore(self, entry: Entry) -> None:
        """Put back an entry."""
        insert(self._connection, entry)

    def newest(self, datasets: Collection[str]) -> int:
        """Position of the newest entry with sets."""
        newest = sa.select(sa.func.max(tables.entries.c.position)).where(*_about(datasets))
        found = self._connection.execute(newest).scalar()
        return -1 if found is None else int(found)


class SqlLedger:
    """See `egress_review.ledger.protocol.LedgerStore`."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    def sets_of(self, datasets: Collection[str]) -> tuple[Remembered, ...]:
        """The entries with sets, oldest first."""
        table = tables.entries
        columns = (table.c.position, table.c.sets, table.c.release, table.c.question)
        query = sa.select(*columns).where(*_about(datasets)).order_by(table.c.position)
        with reading(self._engine) as connection:
            return tuple(map(_remembered, connection.execute(query)))

    def entry(self, position: int) -> Entry:
        """One entry."""
        query = sa.select(tables.entries.c.content).where(tables.entries.c.position == position)
        with reading(self._engine) as connection:
            found = connection.execute(query).scalar()
        if found is None:
            raise NotFound(Reason.NOT_FOUND, what="ledger entry")
        return _read(found, position)

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first, a page at a time."""
        table, last = tables.entries, -1
        while True:
            query = sa.select(table.c.position, table.c.content).where(table.c.position > last)
            with reading(self._engine) as connection:
                rows = connection.execute(query.order_by(table.c.position).limit(_PAGE)).all()
            for row in rows:
                yield _read(row.content, int(row.position))
            if not rows:
                return
            last = int(rows[-1].position)

    def agrees(self, entry: Entry) -> bool:
        """Whether the columns that are searched say what the entry says."""
        kept, about = _rows(entry)
        table, datasets = tables.entries, tables.datasets
        row = sa.select(table).where(table.c.position == entry.position)
        named = sa.select(datasets).where(datasets.c.position == entry.position)
        with reading(self._engine) as connection:
            found = connection.execute(row).mappings().first()
            searched = [dict(one) for one in connection.execute(named).mappings()]
        by_name = itemgetter("dataset")
        return found is not None and {**found} == kept and sorted(searched, key=by_name) == about


def insert(connection: sa.Connection, entry: Entry) -> None:
    """Write the rows of an entry that has its position."""
    row, about = _rows(entry)
    connection.execute(sa.insert(tables.entries), [row])
    if about:
        connection.execute(sa.insert(tables.datasets), about)


def _rows(entry: Entry) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The row of an entry, and those that say which data sets it is about."""
    row = {
        "position": entry.position,
        "release": entry.release,
        "output": entry.output,
        "sets": entry.sets,
        "content": _text(entry.content()),
        "question": _text(entry.question()),
    }
    about = [
        {"dataset": name, "version": version, "position": entry.position}
        for name, version in sorted(entry.datasets)
    ]
    return row, about


def _about(datasets: Collection[str]) -> tuple[sa.ColumnElement[bool], ...]:
    table = tables.datasets
    positions = sa.select(table.c.position).where(table.c.dataset.in_(list(datasets)))
    return tables.entries.c.position.in_(positions), tables.entries.c.sets.is_not(None)


def _text(body: Mapping[str, Any]) -> str:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def _remembered(row: sa.Row[Any, Any, Any, Any]) -> Remembered:
    position = int(row.position)
    try:
        asked = json.loads(row.question)
        hidden = tuple(map(hidden_row_from_json, asked["hidden"]))
        return Remembered(position, row.sets, row.release, asked["claim"], hidden)
    except (KeyError, TypeError, ValueError, Invalid):
        raise Tampered(Reason.LEDGER_TAMPERED, position=position) from None


def _read(content: str, position: int) -> Entry:
    try:
        return entry_from_content(json.loads(content), position)
    except (KeyError, TypeError, ValueError):
        raise Tampered(Reason.LEDGER_TAMPERED, position=position) from None
