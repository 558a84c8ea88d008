"""What a comparison finds, as values: the review process reads them without the libraries that look."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

MOST_HITS = 200


@dataclass(frozen=True, slots=True, order=True)
class Number:
    """A published number: its table and its place there.

    Attributes:
        table: of the ledger from 0 on; of the request -1, -2, … in its order.
    """

    table: int
    place: int

    @property
    def is_new(self) -> bool:
        """Whether it is of the request."""
        return self.table < 0


@dataclass(frozen=True, slots=True)
class Hit:
    """Numbers of which one minus the others is about a few persons.

    Attributes:
        new: the number of the request that brings it about.
        whole, parts: the difference; the new one is among them.
        difference: how many persons it is about.
        alike: whether they are numbers of one kind, so that they can be subtracted.
        of_rows: whether the persons are those whose rows add something else, not those who are in one only.
    """

    new: Number
    whole: Number
    parts: tuple[Number, ...]
    difference: int
    alike: bool
    of_rows: bool = False

    def renumbered(self, tables: Sequence[int]) -> Hit:
        """The same with other numbers for the request's tables: that of table -1 first."""

        def other(one: Number) -> Number:
            return Number(tables[-1 - one.table], one.place) if one.is_new else one

        parts = tuple(map(other, self.parts))
        return replace(self, new=other(self.new), whole=other(self.whole), parts=parts)

    @property
    def rank(self) -> tuple[bool, bool, int, int]:
        """The plainest is told."""
        return not self.alike, self.of_rows, len(self.parts), self.difference
