"""Whose rows the rows of a join are: classes of unit columns that name the same person.

Two columns belong to one *unit class* if the query joins them on the person of the same data set. A class
knows the expression that names the person in every row of the join, whichever sides an outer join left
empty; cells are counted once for each class, and the smallest count decides.
"""

from __future__ import annotations

from dataclasses import dataclass

from egress_review.checks.reading.scope import ColumnRef, Source


@dataclass(slots=True)
class UnitClass:
    """Columns that name the same person.

    Attributes:
        dataset: whose persons.
        sql: the person of a row.
        always: columns that are the person in every row, `sql` among them; grouping by one of these keeps
            the persons apart.
        members: all columns of the class.
    """

    dataset: str
    sql: str
    always: set[str]
    members: set[str]


class UnitClasses:
    """The unit classes of a FROM clause while its joins are read."""

    def __init__(self, first: Source) -> None:
        self.classes = _of_source(first)

    def join(self, added: Source, pairs: list[tuple[ColumnRef, ColumnRef]], side: str) -> None:
        """Take in a source.

        Args:
            pairs: columns that are equal in every matched row.
            side: "", "LEFT", "RIGHT" or "FULL".
        """
        old, new = self.classes, _of_source(added)
        self.classes = old + new
        for left, right in pairs:
            one, other = self._holder(left), self._holder(right)
            if one is None or other is None or one is other or one.dataset != other.dataset:
                continue
            if side == "":
                self._merge_inner(one, other)
            elif (one in old and other in new) or (one in new and other in old):
                kept, joined = (one, other) if one in old else (other, one)
                self._merge_outer(kept, joined, side)
                # A class takes part once: the second equality says nothing about rows without a match.
                new.remove(joined)
                old.remove(kept)

    def _holder(self, column: ColumnRef) -> UnitClass | None:
        return next((one for one in self.classes if column.text in one.members), None)

    def _merge_inner(self, one: UnitClass, other: UnitClass) -> None:
        first, second = sorted((one, other), key=self.classes.index)
        first.members |= second.members
        first.always |= second.always
        self.classes.remove(second)

    def _merge_outer(self, kept: UnitClass, joined: UnitClass, side: str) -> None:
        members = kept.members | joined.members
        if side == "LEFT":
            kept.members = members
        elif side == "RIGHT":
            kept.sql, kept.always, kept.members = joined.sql, joined.always, members
        else:
            both = f"coalesce({kept.sql}, {joined.sql})"
            kept.sql, kept.always, kept.members = both, {both}, members
        self.classes.remove(joined)


def _of_source(source: Source) -> list[UnitClass]:
    return [_class(source, name, dataset) for name, dataset in source.relation.units.items()]


def _class(source: Source, unit: str, dataset: str) -> UnitClass:
    named = [one for one in source.relation.columns.values() if one.unit == unit]
    hidden = source.column_sql(unit)
    always = {hidden, *(source.column_sql(one.name) for one in named if one.always)}
    return UnitClass(dataset, hidden, always, always | {source.column_sql(one.name) for one in named})
