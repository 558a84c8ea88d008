"""The ledger's place in the review store, behind a Protocol: append, and read.

Guarantees, of every implementation: an entry and its audit event become durable together with the release or
not at all; entries are never changed or removed; within a unit `newest` is not overtaken by another unit
once an event was appended in it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from egress_review.checks.hidden import HiddenRow
from egress_review.ledger.domain import Entry
from onggi.events import Event

__all__ = ["LedgerStore", "LedgerUnit", "Remembered"]


@dataclass(frozen=True, slots=True)
class Remembered:
    """All that a comparison needs of an entry: where its sets lie, and what its table was about."""

    position: int
    sets: str
    release: str = ""
    claim: Mapping[str, Any] | None = None
    hidden: tuple[HiddenRow, ...] = ()


class LedgerUnit(Protocol):
    """The ledger within a transaction of the review store."""

    def add(self, entry: Entry, event: Event) -> Entry:
        """Append an entry; it comes back with its position.

        Raises:
            Conflict: if that output of that release is in the ledger.
        """
        ...

    def restore(self, entry: Entry) -> None:
        """Put back an entry whose event the log has; it has its position.

        Raises:
            Conflict: if something stands there.
        """
        ...

    def newest(self, datasets: Collection[str]) -> int:
        """Position of the newest entry with sets about any of these data sets; -1 if there is none."""
        ...


class LedgerStore(Protocol):
    """Reading the ledger."""

    def sets_of(self, datasets: Collection[str]) -> tuple[Remembered, ...]:
        """The entries with sets about any of these data sets, in all versions and projects, oldest first."""
        ...

    def entry(self, position: int) -> Entry:
        """One entry.

        Raises:
            NotFound: if there is none.
        """
        ...

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""
        ...

    def agrees(self, entry: Entry) -> bool:
        """Whether what comparisons look up of an entry is what the entry says."""
        ...
