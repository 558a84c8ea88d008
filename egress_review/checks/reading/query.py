"""The provable query: what the gate recomputes, in SQL of its own making.

A `Query` is written over the views `"dataset"."table"` of `onggi.table_form`, whatever files stand behind
them: all, or one bucket of each table. No text of a claim is in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cached_property

from egress_review.checks.report import Finding


class Kind(StrEnum):
    """What a measure is, for the rules."""

    COUNT = "count"
    COUNT_DISTINCT = "count_distinct"
    SUM = "sum"
    AVERAGE = "average"
    STDDEV = "stddev"
    VARIANCE = "variance"
    MINIMUM = "minimum"
    MAXIMUM = "maximum"
    MEDIAN = "median"
    MODE = "mode"
    QUANTILE = "quantile"
    RATIO = "ratio"

    @property
    def counts(self) -> bool:
        """Whether it is a whole number of rows, persons or values."""
        return self is Kind.COUNT or self is Kind.COUNT_DISTINCT


@dataclass(frozen=True, slots=True)
class Key:
    """A column that names groups.

    Attributes:
        name: as in the table's header.
        sql: its expression.
        from_query: whether its values are words of the query rather than of the data.
    """

    name: str
    sql: str
    from_query: bool = False


@dataclass(frozen=True, slots=True)
class Measure:
    """A published aggregate.

    Attributes:
        name: as in the table's header.
        sql: the published expression.
        kind: what it is, for the rules.
        contributes: condition on a row to contribute a value, or "" if every row does.
        argument: expression of the row's value, the measure's own FILTER or CASE included; "" for `count(*)`.
        parts: of a ratio: numerator and denominator.
        parameters: of a quantile: the probability.
        population: whether a deviation or variance divides by n and not by n - 1.
        discrete: whether a quantile is one of the values and not an interpolation.
        scale: constant factor on the whole, or "" (`100.0` of a percentage).
        decimals: that the published value is rounded to by the query itself, or None.
    """

    name: str
    sql: str
    kind: Kind
    contributes: str = ""
    argument: str = ""
    parts: tuple[Measure, ...] = ()
    parameters: tuple[float, ...] = ()
    population: bool = False
    discrete: bool = False
    scale: str = ""
    decimals: int | None = None


@dataclass(frozen=True)
class Query:
    """One aggregate query.

    Attributes:
        items: what is selected, in order.
        from_sql, where_sql, having_sql: the clauses without their keyword; empty if there is none.
        least_counts: counts that HAVING asks for, each with the least that it takes.
        units: for each unit class, the column that names the person.
        narrowed: whether a join asks for more than equal columns, and so leaves persons out like a filter.
        with_sql: the common table expressions without their keyword; each carries its unit column.
        second_unit: the institution that reported the row, or "" if the data say none.
        grouping_sets: indices of `keys`, one tuple for each grouping set; () is the grand total. A key that
            is not in the set of a group is NULL in it: `grouping_id` tells that NULL from a missing value.
        bucket_local: whether no row of the query brings together persons of two buckets, so that the query
            over one bucket after the other sees every row exactly once.
        notes: what people have to read in the query itself.
    """

    items: tuple[Key | Measure, ...]
    from_sql: str
    where_sql: str
    having_sql: str
    units: tuple[str, ...]
    narrowed: bool = False
    least_counts: tuple[tuple[str, int], ...] = ()
    with_sql: str = ""
    second_unit: str = ""
    grouping_sets: tuple[tuple[int, ...], ...] = ((),)
    bucket_local: bool = False
    notes: tuple[Finding, ...] = ()

    @cached_property
    def keys(self) -> tuple[Key, ...]:
        """The group keys, in order."""
        return tuple(item for item in self.items if isinstance(item, Key))

    @cached_property
    def measures(self) -> tuple[Measure, ...]:
        """The aggregates, in order."""
        return tuple(item for item in self.items if isinstance(item, Measure))

    @cached_property
    def key_places(self) -> tuple[int, ...]:
        """Where the group keys stand among the items."""
        return tuple(number for number, item in enumerate(self.items) if isinstance(item, Key))

    @cached_property
    def measure_places(self) -> tuple[int, ...]:
        """Where the aggregates stand among the items."""
        return tuple(number for number, item in enumerate(self.items) if isinstance(item, Measure))

    @cached_property
    def has_margins(self) -> bool:
        """Whether there is more than the one plain grouping by all keys."""
        return self.grouping_sets != (tuple(range(len(self.keys))),)

    def unfiltered(self) -> Query:
        """The same groups with the persons that the filter leaves out."""
        return replace(self, where_sql="", having_sql="")

    def select_sql(self, columns: Iterable[str], *, filtered: bool = True) -> str:
        """SQL that selects expressions over the query's rows; a GROUP BY of the caller's may follow.

        Args:
            columns: expressions with their aliases, made from the texts of this query.
            filtered: whether WHERE applies.
        """
        with_ = f"WITH {self.with_sql} " if self.with_sql else ""
        where = f" WHERE {self.where_sql}" if filtered and self.where_sql else ""
        # Every part was written by `reading`; no text of the claim is in it.
        return f"{with_}SELECT {', '.join(columns)} FROM {self.from_sql}{where}"

    def grouping_id(self) -> str:
        """An aggregate: bit n (from the right) is 1 where key n is a margin's; "0" without margins."""
        keys = [key.sql for key in reversed(self.keys)]
        return f"grouping({', '.join(keys)})" if keys and self.has_margins else "0"

    def group_sql(self) -> str:
        """The GROUP BY clause with its keyword, or "" for one total."""
        keys = self.keys
        if not self.has_margins:
            return f" GROUP BY {', '.join(key.sql for key in keys)}" if keys else ""
        sets = ", ".join(f"({', '.join(keys[at].sql for at in one)})" for one in self.grouping_sets)
        return f" GROUP BY GROUPING SETS ({sets})"

    def evidence_sql(self, most: int) -> str:
        """The query that yields published values and evidence: items, rows, persons, persons by measure.

        Args:
            most: rows of the answer; one more is asked for, to see that there are too many.
        """
        selected = [item.sql for item in self.items]
        selected.append("count(*)")
        selected.append(self._persons(""))
        selected.extend(self._persons(measure.contributes) for measure in self.measures)
        columns = [f"{sql} AS c{number}" for number, sql in enumerate(selected)]
        having = f" HAVING {self.having_sql}" if self.having_sql else ""
        return f"{self.select_sql(columns)}{self.group_sql()}{having} LIMIT {most + 1}"

    def _persons(self, condition: str) -> str:
        counts = [
            f"count(DISTINCT CASE WHEN {condition} THEN {unit} END)"
            if condition
            else f"count(DISTINCT {unit})"
            for unit in self.units
        ]
        return counts[0] if len(counts) == 1 else f"least({', '.join(counts)})"
