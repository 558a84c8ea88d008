"""The memory twin of the ledger."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import replace

from egress_review.ledger.domain import Entry
from egress_review.ledger.protocol import Remembered
from onggi.errors import Conflict, NotFound
from onggi.events import Event
from onggi.reasons import Reason


class MemoryLedger:
    """Reads, and within a unit appends to, a list of entries."""

    def __init__(self, entries: list[Entry], append: Callable[[Event], int] | None = None) -> None:
        self._entries = entries
        self._append = append

    def add(self, entry: Entry, event: Event) -> Entry:
        """Append an entry."""
        if any((one.release, one.output) == (entry.release, entry.output) for one in self._entries):
            raise Conflict(Reason.ALREADY_EXISTS, what="ledger entry", name=entry.release)
        if self._append is None:
            raise TypeError("a ledger that is read")
        kept = replace(entry, position=self._append(event))
        self._entries.append(kept)
        return kept

    def restore(self, entry: Entry) -> None:
        """Put back an entry."""
        if any(one.position == entry.position for one in self._entries):
            raise Conflict(Reason.ALREADY_EXISTS, what="ledger entry", name=entry.release)
        self._entries.append(entry)

    def newest(self, datasets: Collection[str]) -> int:
        """Position of the newest entry with sets."""
        return max((one.position for one in self.sets_of(datasets)), default=-1)

    def sets_of(self, datasets: Collection[str]) -> tuple[Remembered, ...]:
        """The entries with sets, oldest first."""
        return tuple(
            Remembered(one.position, one.sets, one.release, one.claim, one.hidden)
            for one in self.entries()
            if one.sets is not None and any(name in datasets for name, _ in one.datasets)
        )

    def entry(self, position: int) -> Entry:
        """One entry."""
        for one in self._entries:
            if one.position == position:
                return one
        raise NotFound(Reason.NOT_FOUND, what="ledger entry")

    def entries(self) -> Iterator[Entry]:
        """All entries, oldest first."""
        yield from sorted(self._entries, key=lambda one: one.position)

    def agrees(self, entry: Entry) -> bool:
        """Whether it is there: nothing is kept beside the entries."""
        return entry in self._entries
