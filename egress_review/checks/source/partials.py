"""The SQL of the evidence: per unit first, then per cell; and how partial results become one.

Columns of a partial, for each statistic: `c` units that contribute, `w` units present, `n` rows present,
`t` the absolute total, `top` the largest in it, `lo` and `hi` the range, `low` and `high` the units' values
at its ends.

A *partial* is the evidence of some buckets. Persons of two buckets are different persons, so units add up,
the largest of all are among the largest of each, and absolute sums of units add: partials merge exactly, in
any order, on one machine or from many.

Source: design, section 7; Hundepool et al., Statistical Disclosure Control (2012), 4.2, for what dominance
rules need of a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from egress_review.checks.reading.query import Kind, Measure, Query
from egress_review.checks.source.evidence import ENDS, TOP

_SUMMED = frozenset({Kind.SUM, Kind.AVERAGE, Kind.STDDEV, Kind.VARIANCE})
_ENDED = frozenset({Kind.MINIMUM, Kind.MAXIMUM})
_NO_LIST = "NULL::DOUBLE[]"


@dataclass(frozen=True, slots=True)
class Statistic:
    """What is asked of one argument; measures with the same argument share it.

    Attributes:
        argument: the row's value, or "" if rows are counted.
        contributes: condition on a row, or "".
        summed: whether values add up to something that a unit can dominate.
        ended: whether an end of the range is published.
    """

    argument: str
    contributes: str
    summed: bool
    ended: bool

    @property
    def counted(self) -> bool:
        """Whether it is rows that are counted, so that values have no size of their own."""
        return not self.argument

    def unit_columns(self, number: int) -> list[str]:
        """Columns of one unit in one group."""
        there = f" FILTER (WHERE {self.contributes})" if self.contributes else ""
        columns = [f"count(*){there} AS n{number}"]
        if self.counted:
            return columns
        columns.append(f"count({self.argument}) AS v{number}")
        columns.append(f"min({self.argument}) AS lo{number}, max({self.argument}) AS hi{number}")
        if self.summed:
            columns.append(f"sum(({self.argument})::DOUBLE) AS s{number}")
        return columns

    def cell_columns(self, number: int) -> list[str]:
        """Columns of one cell, from those of its units."""
        return self._columns(number, "v", f"abs(s{number})" if self.summed else f"n{number}")

    def _columns(self, number: int, present: str, size: str) -> list[str]:
        n = f"n{number}"
        value = n if self.counted else f"{present}{number}"
        known = "FILTER (WHERE u IS NOT NULL)"
        columns = [
            f"count(u) FILTER (WHERE {n} > 0) AS c{number}",
            f"count(u) FILTER (WHERE {value} > 0) AS w{number}",
            f"sum({value})::BIGINT AS n{number}",
            f"sum({size}) {known} AS t{number}",
            f"max({size}, {TOP}) {known} AS top{number}",
        ]
        return [*columns, *self._range(number)]

    def _range(self, number: int) -> list[str]:
        if self.counted:
            return [f"NULL AS lo{number}, NULL AS hi{number}", *_no_ends(number)]
        low, high = f"lo{number}", f"hi{number}"
        columns = [f"min({low}) AS {low}", f"max({high}) AS {high}"]
        if not self.ended:
            return [*columns, *_no_ends(number)]
        return [*columns, f"min({low}, {ENDS}) AS low{number}", f"max({high}, {ENDS}) AS high{number}"]

    def row_columns(self, number: int) -> list[str]:
        """Columns of one cell whose units are its rows."""
        argument = self.argument
        there = f" FILTER (WHERE {self.contributes})" if self.contributes else ""
        if self.counted:
            counted = [f"count(*){there} AS {name}{number}" for name in ("c", "w", "n", "t")]
            return [*counted, f"{_NO_LIST} AS top{number}", *self._range(number)]
        columns = [f"count(*){there} AS c{number}"]
        columns.extend(f"count({argument}) AS {name}{number}" for name in ("w", "n"))
        size = f"abs(({argument})::DOUBLE)"
        if self.summed:
            columns.extend([f"sum({size}) AS t{number}", f"max({size}, {TOP}) AS top{number}"])
        else:
            columns.extend([f"NULL AS t{number}", f"{_NO_LIST} AS top{number}"])
        columns.append(f"min({argument}) AS lo{number}, max({argument}) AS hi{number}")
        if not self.ended:
            return [*columns, *_no_ends(number)]
        return [
            *columns,
            f"min({argument}, {ENDS}) AS low{number}",
            f"max({argument}, {ENDS}) AS high{number}",
        ]


def statistic(measure: Measure) -> Statistic:
    """What the rules need of a measure that is no ratio."""
    argument = "" if measure.kind.counts else measure.argument
    return Statistic(argument, measure.contributes, measure.kind in _SUMMED, measure.kind in _ENDED)


def leaves(measure: Measure) -> tuple[Measure, ...]:
    """The aggregates that a measure is made of: itself, or the parts of a ratio."""
    return measure.parts or (measure,)


def statistics(query: Query) -> tuple[Statistic, ...]:
    """Those of all measures, each once."""
    found = (statistic(leaf) for measure in query.measures for leaf in leaves(measure))
    return tuple(dict.fromkeys(found))


def person_sql(query: Query, unit: str, wanted: Sequence[Statistic]) -> str:
    """The evidence of every group of a query, by the persons that `unit` names."""
    keys = [f"{key.sql} AS k{number}" for number, key in enumerate(query.keys)]
    inner = [*keys, f"{query.grouping_id()} AS g", f"{unit} AS u", "count(*) AS r"]
    outer = [*_key_names(query), "g", "sum(r)::BIGINT AS r", "count(u) AS p"]
    for number, one in enumerate(wanted):
        inner.extend(one.unit_columns(number))
        outer.extend(one.cell_columns(number))
    units = f"{query.select_sql(inner)}{_grouped_with(query, unit)}"
    grouped = ", ".join([*_key_names(query), "g"])
    return f"SELECT {', '.join(outer)} FROM ({units}) AS units GROUP BY {grouped}"  # noqa: S608 - our own texts


def row_columns(wanted: Sequence[Statistic]) -> list[str]:
    """The evidence of a group whose units are its rows, as columns of the query itself."""
    columns = ["count(*) AS r", "count(*) AS p"]
    for number, one in enumerate(wanted):
        columns.extend(one.row_columns(number))
    return columns


def institution_sql(query: Query, wanted: Sequence[Statistic]) -> str:
    """By group and statistic: how many institutions contribute, their absolute total, the largest."""
    keys = [f"{key.sql} AS k{number}" for number, key in enumerate(query.keys)]
    inner = [*keys, f"{query.grouping_id()} AS g", f"{query.second_unit} AS u"]
    outer = [*_key_names(query), "g"]
    for number, one in enumerate(wanted):
        inner.extend(one.unit_columns(number))
        outer.extend(column for column in one.cell_columns(number) if column.split(" AS ")[1][0] in "ct")
    units = f"{query.select_sql(inner)}{_grouped_with(query, query.second_unit)}"
    grouped = ", ".join([*_key_names(query), "g"])
    return f"SELECT {', '.join(outer)} FROM ({units}) AS units GROUP BY {grouped}"  # noqa: S608 - our own texts


def merge_sql(table: str, keys: int, wanted: Sequence[Statistic]) -> str:
    """The evidence in a table of partials, as one row for each group."""
    names = [*(f"k{number}" for number in range(keys)), "g"]
    columns = [*names, "sum(r)::BIGINT AS r", "sum(p)::BIGINT AS p"]
    for number in range(len(wanted)):
        columns.extend(f"sum({name}{number})::BIGINT AS {name}{number}" for name in ("c", "w", "n"))
        columns.append(f"sum(t{number}) AS t{number}")
        columns.append(_largest(f"top{number}", TOP, "DESC"))
        columns.append(f"min(lo{number}) AS lo{number}, max(hi{number}) AS hi{number}")
        columns.append(_largest(f"low{number}", ENDS, "ASC"))
        columns.append(_largest(f"high{number}", ENDS, "DESC"))
    return f"SELECT {', '.join(columns)} FROM {table} GROUP BY {', '.join(names)}"  # noqa: S608 - our own texts


def _largest(name: str, most: int, order: str) -> str:
    return f"list_slice(list_sort(flatten(list({name})), '{order}', 'NULLS LAST'), 1, {most}) AS {name}"


def _no_ends(number: int) -> list[str]:
    return [f"{_NO_LIST} AS low{number}", f"{_NO_LIST} AS high{number}"]


def _key_names(query: Query) -> list[str]:
    return [f"k{number}" for number in range(len(query.keys))]


def _grouped_with(query: Query, unit: str) -> str:
    """The GROUP BY of a query with one more expression in every grouping set."""
    keys = [key.sql for key in query.keys]
    sets = [", ".join([*(keys[at] for at in one), unit]) for one in query.grouping_sets]
    if not query.has_margins:
        return f" GROUP BY {', '.join([*keys, unit])}"
    return f" GROUP BY GROUPING SETS ({', '.join(f'({one})' for one in sets)})"
