"""Holds the events between two signed checkpoints against both, and says what happened to them.

Between two checkpoints whose tree edges are authentic there is one right sequence of leaf hashes. The file
states leaf hashes and holds events; whichever combines to the signed root is right, and the other is what was
changed. If neither does, the few things that a forger can do are tried in turn: lines moved, two events
exchanged, one added. Gaps in the numbering name what was removed. What is left is an interval that does not
match; then nothing more can be proven than that.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from egress_review.audit.findings import Found, Proof
from egress_review.audit.lines import EventLine
from egress_review.audit.merkle import HASH_BYTES, Frontier

__all__ = ["MAX_REMOVED", "Interval", "removed_before"]

MAX_REMOVED = 16
_MAX_TRIED = 64


@dataclass(frozen=True, slots=True)
class Interval:
    """The events that a file puts between two checkpoints.

    Attributes:
        start: the authentic edge of the tree before the first of them.
        end: the size of the tree after the last of them.
        root: signed.
        events: in the order of the file.
    """

    start: Frontier
    end: int
    root: bytes
    events: Sequence[EventLine]

    def explain(self) -> tuple[list[Found], list[bytes] | None]:
        """What is wrong; and the authentic leaf hashes, if they are known for certain in spite of it."""
        if len(self.events) < self._due:
            return list(self._removed()), None
        if len(self.events) > self._due:
            return list(self._added()), None
        computed = [event.computed for event in self.events]
        stated = [event.stated for event in self.events]
        if self._leads(computed):
            return [*self._numbers(), *self._differing(Proof.LEAF_HASH_CHANGED)], computed
        if self._leads(stated):
            return [*self._numbers(), *self._differing(Proof.EVENT_CHANGED)], stated
        found, leaves = self._moved() or self._exchanged(computed) or (None, None)
        if found:
            return [found], leaves
        unproven = Found(Proof.INTERVAL_CHANGED, self._places(0, self._due - 1))
        return [*self._differing(Proof.EVENT_CHANGED), unproven], None

    @property
    def _due(self) -> int:
        return self.end - self.start.size

    def _leads(self, leaves: Sequence[bytes]) -> bool:
        """Whether these leaf hashes lead from the start to the root."""
        if len(leaves) != self._due or any(len(leaf) != HASH_BYTES for leaf in leaves):
            return False
        edge = self.start.copy()
        for leaf in leaves:
            edge.add(leaf)
        return edge.root() == self.root

    def _numbers(self) -> Iterator[Found]:
        expected = range(self.start.size, self.end)
        if any(event.index != index for event, index in zip(self.events, expected, strict=True)):
            yield Found(Proof.NUMBERS_CHANGED, self._places(0, self._due - 1))

    def _differing(self, code: Proof) -> Iterator[Found]:
        for place, event in enumerate(self.events):
            if event.stated != event.computed:
                yield Found(code, {"index": str(self.start.size + place)})

    def _moved(self) -> tuple[Found, list[bytes]] | None:
        """Lines in another order than their own, true numbers."""
        ordered = sorted(self.events, key=lambda event: event.index)
        leaves = [event.computed for event in ordered]
        if not self._leads(leaves):
            return None
        wrong = [place for place in range(self._due) if self.events[place] is not ordered[place]]
        return Found(Proof.EVENTS_REORDERED, self._places(wrong[0], wrong[-1])), leaves

    def _exchanged(self, computed: Sequence[bytes]) -> tuple[Found, list[bytes]] | None:
        """Two events that changed places and numbers."""
        for first, last in combinations(range(self._due if self._due <= _MAX_TRIED else 0), 2):
            tried = list(computed)
            tried[first], tried[last] = tried[last], tried[first]
            if self._leads(tried):
                return Found(Proof.EVENTS_REORDERED, self._places(first, last)), tried
        return None

    def _removed(self) -> Iterator[Found]:
        """Named by the gaps in the numbers; without gaps, only their count is known."""
        yield from self._differing_by_number()
        numbers = [event.index for event in self.events]
        in_place = all(self.start.size <= number < self.end for number in numbers)
        prefix = numbers == list(range(self.start.size, self.start.size + len(numbers)))
        if not in_place or numbers != sorted(set(numbers)) or (prefix and numbers):
            count = self._due - len(numbers)
            yield Found(Proof.EVENTS_REMOVED_WITHIN, {**self._places(0, self._due - 1), "count": str(count)})
            return
        missing = sorted(set(range(self.start.size, self.end)) - set(numbers))
        for first, last in _runs(missing):
            yield Found(Proof.EVENT_REMOVED, {"first": str(first), "last": str(last)})

    def _added(self) -> Iterator[Found]:
        """A repeated number names it; else what matches without it."""
        yield from self._differing_by_number()
        repeated = [
            index for index, times in Counter(event.index for event in self.events).items() if times > 1
        ]
        if repeated:
            for index in repeated:
                yield Found(Proof.EVENT_REPEATED, {"index": str(index)})
            return
        leaves = [event.computed for event in self.events]
        for place in range(len(leaves) if len(leaves) <= _MAX_TRIED + 1 else 0):
            if self._leads(leaves[:place] + leaves[place + 1 :]):
                yield Found(Proof.EVENT_ADDED, {"index": str(self.start.size + place)})
                return
        yield Found(Proof.INTERVAL_CHANGED, self._places(0, self._due - 1))

    def _differing_by_number(self) -> Iterator[Found]:
        for event in self.events:
            if event.stated != event.computed:
                yield Found(Proof.EVENT_CHANGED, {"index": str(event.index)})

    def _places(self, first: int, last: int) -> dict[str, str]:
        return {"first": str(self.start.size + first), "last": str(self.start.size + last)}


def removed_before(interval: Interval, before: Sequence[EventLine]) -> int:
    """How many events are gone before an interval, if that alone explains it; else 0.

    Args:
        before: the events that the file puts just before the interval.
    """
    due = interval.end - interval.start.size
    for count in range(1, min(MAX_REMOVED, len(before)) + 1):
        shifted = [*before[-count:], *interval.events][:due]
        if len(shifted) != due:
            continue
        _, leaves = Interval(interval.start, interval.end, interval.root, shifted).explain()
        if leaves is not None:
            return count
    return 0


def _runs(numbers: Sequence[int]) -> Iterator[tuple[int, int]]:
    """First and last of each run of consecutive numbers."""
    first = 0
    for place in range(1, len(numbers) + 1):
        if place == len(numbers) or numbers[place] != numbers[place - 1] + 1:
            yield numbers[first], numbers[place - 1]
            first = place
