"""Which of many releases can say something of what others hide: seen before any of them is computed.

A project that releases a table a day cuts one population in hundreds of ways. Two tables tell of each other
only by the margins that they have in common. If a third shows such a margin exactly, nothing is learned from
one of the two about the other that the third does not say. So tables are linked only by margins that no
release shows, and of the tables that show a margin one is enough. Tables that cross each other, so that they
tell more together than two by two (`crossing`), stay together as they are.

Guarantees: what equalities tell in all tables together they tell in those that are kept, for numbers that add
up; of others (distinct persons with several rows) only the same margin stands for another.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from itertools import combinations

from egress_review.checks.attack.crossing import crossings
from egress_review.checks.attack.frame import Frame, Partition, Shape
from egress_review.checks.attack.model import Key, PublishedTable, Slice, make_table
from egress_review.checks.attack.system import TooComplex, closure
from egress_review.checks.findings import FindingCode

Depths = tuple[int, ...]
Shapes = frozenset[Shape]
Cut = frozenset[tuple[str, frozenset[str]]]
"""What a filter leaves: the same for tables over the same part of the population."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What is known of a table without its numbers.

    Attributes:
        sets: its grouping sets, as depths by key.
        veiled: those of which some number is not published as it is.
    """

    keys: tuple[Key, ...]
    slices: Mapping[str, Slice]
    sets: frozenset[Depths]
    veiled: frozenset[Depths]

    @property
    def cut(self) -> Cut:
        """Its part of the population."""
        return frozenset((dimension, one.parts) for dimension, one in self.slices.items())

    def of(self, sets: frozenset[Depths]) -> PublishedTable:
        """A table of some of its grouping sets, without rows."""
        return make_table(self.keys, (), (), complete=sets, slices=self.slices)


def relevant(
    outlines: Sequence[Outline], new: Collection[int], *, additive: bool, until: float = math.inf
) -> dict[int, frozenset[Depths]]:
    """The tables that have to be attacked together; none if the new ones tell nothing of anything hidden.

    Args:
        new: which of them are of the request.
        additive: whether the parts of a margin add up to it, whatever the dimension.
        until: of `time.monotonic`.

    Returns:
        By table the grouping sets that are needed of it: of a release that hides nothing often less than it
        shows.

    Raises:
        ValueError: the hierarchies of the tables contradict each other.
        TooComplex: the tables share more margins than the attack follows, or time is up.
    """
    linked = _Links(outlines, new, until, additive=additive)
    found = linked.component()
    if not any(outlines[at].veiled for at in found):
        return {}
    kept = sorted({*found, *linked.telling(found), *new})
    needed = linked.needed(kept, found) if additive else {}
    sets = {at: needed.get(at, outlines[at].sets) for at in kept}
    chosen = {at: one for at, one in sets.items() if one or at in new}
    said = [outlines[at].of(one) for at, one in chosen.items()]
    frame = Frame(said)
    closure({shape for one in said for shape in frame.shapes(one)}, frame, until)
    return chosen


@dataclass(frozen=True, slots=True)
class _Crossing:
    """Tables that cut a dimension so that they tell more together than two by two, and their refinement."""

    dimension: str
    partition: Partition
    tables: frozenset[int]


class _Links:
    def __init__(
        self, outlines: Sequence[Outline], new: Collection[int], until: float, *, additive: bool
    ) -> None:
        self._until = until
        shown = [one.of(one.sets - one.veiled) for one in outlines]
        veiled = [one.of(one.veiled) for one in outlines]
        self._frame = Frame([*shown, *veiled])
        self._meet = cache(self._frame.meet)
        self._outlines = outlines
        self._additive = additive
        self._new = new
        self._old = [at for at in range(len(outlines)) if at not in new]
        self._cuts = [one.cut for one in outlines]
        self._shown = [frozenset(self._frame.shapes(one)) for one in shown]
        self._veiled = [frozenset(self._frame.shapes(one)) for one in veiled]
        self._told = cache(self._told_within)
        self._apart = cache(self._apart_in)

    def component(self) -> set[int]:
        """All that is linked with the new tables by margins that no release shows, or crosses them."""
        ahead = [at for at in self._new if self._veiled[at] or self._cuts[at]]
        # New numbers may tell more of what is hidden than releases do.
        ahead += [at for at in self._old if any(self._touches(one, at) for one in self._new)]
        found, groups = set(ahead), list(self._groups)
        while ahead or groups:
            self._follow(ahead, found)
            near = [group for group in groups if group.tables & (found | set(self._new))]
            if not near:
                break
            groups = [group for group in groups if group not in near]
            ahead = sorted(frozenset[int]().union(*(group.tables for group in near)) - found)
            found.update(ahead)
        return found

    @cached_property
    def _groups(self) -> tuple[_Crossing, ...]:
        """Tables that tell more together than two by two, where some of them hides something."""
        tables: dict[Shape, set[int]] = {}
        for at in range(len(self._cuts)):
            for shape in self._shown[at] | self._veiled[at]:
                tables.setdefault(shape, set()).add(at)
        veiled = frozenset[Shape]().union(*self._veiled)
        return tuple(
            _Crossing(dimension, partition, frozenset(at for shape in together for at in tables[shape]))
            for dimension, together, partition in crossings(tables, self._frame)
            if together & veiled
        )

    def _seen_by(self, at: int, other: Shape) -> Iterator[Shape]:
        """A shape, and as fine as a table that crosses it can tell of it."""
        yield other
        for group in self._groups:
            if at in group.tables and group.dimension in dict(other):
                yield self._frame.recut(other, group.dimension, group.partition)

    def _follow(self, ahead: list[int], found: set[int]) -> None:
        """Add to what was found whatever it is linked with."""
        while ahead:
            at = ahead.pop()
            self._in_time()
            for other in range(len(self._cuts)):
                if other not in found and self._linked(at, other):
                    found.add(other)
                    ahead.append(other)

    def telling(self, linked: Iterable[int]) -> set[int]:
        """Of the releases that show something of linked tables, enough to know all that they show."""
        chosen: set[int] = set()
        everyone: Cut = frozenset()
        # What is shown of a part of the population says nothing of the rest, which a filter leaves unknown.
        for cut, shape in {
            (cut, one) for at in linked for one in self._open(at) for cut in (everyone, self._cuts[at])
        }:
            told: dict[Shape, int] = {}
            self._in_time()
            for at in self._old:
                for one in self._shown[at] if self._cuts[at] == cut else ():
                    told.setdefault(self._meet(one, shape), at)
            chosen.update(at for margin, at in told.items() if not self._is_sum(margin, told))
        return chosen

    def needed(self, kept: Iterable[int], linked: Collection[int]) -> dict[int, frozenset[Depths]]:
        """Of releases that hide nothing, the margins that say all that they say of linked tables."""
        found: dict[int, frozenset[Depths]] = {}
        now = {at: self._open(at) for at in linked}
        for at in kept:
            if at in self._new or self._veiled[at]:
                continue
            self._in_time()
            margins = {
                self._meet(one, seen)
                for to in linked
                if to != at
                for other in (self._veiled[to] if self._cuts[to] == self._cuts[at] else now[to])
                for seen in self._seen_by(at, other)
                for one in self._shown[at]
            }
            finest = {one for one in margins if not self._is_sum(one, margins)}
            found[at] = frozenset(self._smallest(at, one) for one in finest)
            if at in now:
                now[at] = frozenset(self._shape(at, one) for one in found[at])
        return found

    def _in_time(self) -> None:
        if time.monotonic() > self._until:
            raise TooComplex(FindingCode.ATTACK_OVER_BUDGET)

    def _smallest(self, at: int, margin: Shape) -> Depths:
        """The fewest keys of a table that tell a margin."""
        whole = max(self._outlines[at].sets, key=sum)
        able = [
            tuple(int(key in left) for key in range(len(whole)))
            for one in self._outlines[at].sets
            for size in range(sum(one) + 1)
            for left in combinations([key for key, depth in enumerate(one) if depth], size)
        ]
        return min(
            (one for one in able if self._tells(self._shape(at, one), margin)),
            key=lambda one: (sum(one), one),
        )

    def _tells(self, shape: Shape, margin: Shape) -> bool:
        return shape == margin or self._frame.refines(shape, margin)

    def _shape(self, at: int, depths: Depths) -> Shape:
        (shape,) = self._frame.shapes(self._outlines[at].of(frozenset({depths})))
        return shape

    def _open(self, at: int) -> Shapes:
        """The shapes of which something is unknown; what a filter leaves out is."""
        return self._veiled[at] | (self._shown[at] if self._cuts[at] else frozenset())

    def _touches(self, new: int, at: int) -> bool:
        within = self._cuts[at]
        if self._cuts[new] not in (frozenset(), within):
            return False  # linked by what its filter leaves out, if at all
        return self._apart(self._shown[new], self._veiled[at], within)

    def _linked(self, at: int, other: int) -> bool:
        within = self._cuts[at]
        if within == self._cuts[other]:
            return self._apart(self._veiled[at], self._veiled[other], within)
        return self._apart(self._open(at), self._open(other), frozenset())

    def _apart_in(self, some: Shapes, others: Shapes, within: Cut) -> bool:
        """Whether two tables have a margin in common that no release shows."""
        told = self._told(within)
        return any(not told(self._meet(one, other)) for one in some for other in others)

    def _told_within(self, within: Cut) -> Callable[[Shape], bool]:
        """Whether releases show a margin of a part of the population."""
        known = {
            one for at in self._old if self._cuts[at] in (frozenset(), within) for one in self._shown[at]
        }
        return cache(lambda shape: shape in known or self._is_sum(shape, known))

    def _is_sum(self, margin: Shape, others: Iterable[Shape]) -> bool:
        return self._additive and any(self._frame.refines(one, margin) for one in others)
