"""The SQL of the evidence: per unit first, then per cell; and how partial results become one.

Columns of a group, for each statistic. By its rows: `n` values present, `lo` and `hi` their range. By its
units: `c` that contribute, `w` that have a value, `t` their absolute total, `top` the largest in it, `low`
and `high` their values at the ends of the range.

A *partial* is the evidence of some buckets. Persons of two buckets are different persons, so units add up,
the largest of all are among the largest of each, and absolute sums of units add: partials merge exactly, in
any order, on one machine or from many.

Source: design, section 7; Hundepool et al., Statistical Disclosure Control (2012), 4.2, for what dominance
rules need of a cell.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from egress_review.checks.reading.query import Key, Kind, Measure, Query
from egress_review.checks.source.evidence import ENDS, TIED, TOP

_SUMMED = frozenset({Kind.SUM, Kind.AVERAGE, Kind.STDDEV, Kind.VARIANCE})
_ENDED = frozenset({Kind.MINIMUM, Kind.MAXIMUM})
_NO_LIST = "NULL::DOUBLE[]"
REPEATED = 'temp.main."repeated prints of this check"'
"""The table of the prints `h` that more than one row has; others may stand there too."""


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

    def group_columns(self, number: int, *, units: bool) -> list[str]:
        """Columns of a group by its rows alone.

        Args:
            units: whether rows are the units too.
        """
        contributors = _rows(self.contributes)
        if self.counted:
            columns = [f"{contributors} AS n{number}", f"NULL AS lo{number}", f"NULL AS hi{number}"]
            return [*columns, *(self._of_rows(number, contributors) if units else [])]
        value = self.argument
        columns = [
            f"count({value}) AS n{number}",
            f"min({value}) AS lo{number}",
            f"max({value}) AS hi{number}",
        ]
        return [*columns, *(self._of_rows(number, contributors) if units else [])]

    def _of_rows(self, number: int, contributors: str) -> list[str]:
        value = self.argument
        present = f"count({value})" if value else contributors
        size = f"abs(({value})::DOUBLE)"
        total, top = (f"sum({size})", f"max({size}, {TOP})") if self.summed else ("NULL", _NO_LIST)
        low, high = (f"min({value}, {ENDS})", f"max({value}, {ENDS})") if self.ended else (_NO_LIST, _NO_LIST)
        named = {"c": contributors, "w": present, "t": total, "top": top, "low": low, "high": high}
        return [f"{sql} AS {name}{number}" for name, sql in named.items()]

    def row_columns(self, number: int) -> list[str]:
        """Columns of one source row: its value, and whether it contributes."""
        there = [f"({self.contributes}) AS f{number}"] if self.contributes else []
        kind = "::DOUBLE" if self.summed else ""
        return there if self.counted else [*there, f"({self.argument}){kind} AS x{number}"]

    def unit_columns(self, number: int) -> list[str]:
        """Columns of one unit in one group, from those of its rows."""
        if self.summed:  # whether any of its rows contributes is known sooner than how many do
            columns = [f"sum(x{number}) AS s{number}"]
            columns += [f"bool_or(f{number}) AS b{number}"] if self.contributes else []
        else:
            columns = [f"{_rows(f'f{number}' if self.contributes else '')} AS n{number}"]
            columns += [] if self.counted else [f"count(x{number}) AS v{number}"]
        if self.ended:
            columns.append(f"min(x{number}) AS lo{number}, max(x{number}) AS hi{number}")
        return columns

    def alone_columns(self, number: int) -> list[str]:
        """Columns of a unit that has one row in its group, as `unit_columns` gives them, from that row."""
        if self.summed:
            columns = [f"x{number} AS s{number}", *([f"f{number} AS b{number}"] if self.contributes else [])]
        else:
            there = f"f{number}" if self.contributes else "true"
            columns = [f"CASE WHEN {there} THEN 1 ELSE 0 END AS n{number}"]
            columns += [] if self.counted else [f"CASE WHEN x{number} IS NULL THEN 0 ELSE 1 END AS v{number}"]
        if self.ended:
            columns.append(f"x{number} AS lo{number}, x{number} AS hi{number}")
        return columns

    def cell_columns(self, number: int) -> list[str]:
        """Columns of one cell, from those of its units; rows of nobody count for no unit."""
        if self.summed:
            contributing = _known("u", f"b{number}") if self.contributes else "u"
            size = present = _known(f"abs(s{number})")
        else:
            contributing, size = _known("u", f"n{number} > 0"), _known(f"n{number}")
            present = contributing if self.counted else _known("u", f"v{number} > 0")
        low, high = (f"min({_known(f'lo{number}')}, {ENDS})", f"max({_known(f'hi{number}')}, {ENDS})")
        if not self.ended:
            low = high = _NO_LIST
        return [
            f"count({contributing}) AS c{number}",
            f"count({present}) AS w{number}",
            f"sum({size}) AS t{number}",
            f"max({size}, {TOP}) AS top{number}",
            f"{low} AS low{number}",
            f"{high} AS high{number}",
        ]


def _rows(condition: str) -> str:
    """How many rows fulfil a condition, all if it is ""; a fifth sooner than with a FILTER."""
    return f"count(CASE WHEN {condition} THEN 1 END)" if condition else "count(*)"


def _known(value: str, condition: str = "u IS NOT NULL") -> str:
    """A unit's value, or NULL: quicker than a FILTER on each aggregate."""
    return f"CASE WHEN {condition} THEN {value} END"


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


def numbered(query: Query) -> Query:
    """The same groups, each named by DuckDB's 64-bit hash of its keys, which takes a third of the time.

    Where a group's keys are not all published, whether two have one number could not be seen: those of
    margins and of HAVING keep their keys. Who uses the numbers must see that no two groups share one.
    """
    if not query.keys[1:] or query.has_margins or query.having_sql:
        return query
    name = Key("", f"hash({', '.join(key.sql for key in query.keys)})")
    return replace(query, items=(name, *query.measures), grouping_sets=((0,),))


def person_sql(query: Query, unit: str, wanted: Sequence[Statistic]) -> str:
    """The evidence of every group of a query, by the persons that `unit` names."""
    outer = [*_names(query), "count(u) AS p"]
    for number, one in enumerate(wanted):
        outer.extend(one.cell_columns(number))
    return _by_unit(query, unit, wanted, outer)


def print_sql(query: Query, unit: str) -> str:
    """32 bits of every row's group and person: rows of one person in one group have the same."""
    return query.select_sql([f"{_print(query, unit)} AS h"])


def _print(query: Query, unit: str) -> str:
    return f"(hash({', '.join([*(key.sql for key in query.keys), unit])}) >> 32)::UINTEGER"


def sieved_sql(query: Query, unit: str, wanted: Sequence[Statistic]) -> str:
    """As `person_sql`, without margins, of rows most of which are alone of their person in their group.

    Such a row is its person's whole in the group already: only those whose print stands twice are put
    together by persons, since others may have it by chance. Gives a group in one row or two, partials both.
    """
    keys = [f"k{number}" for number in range(len(query.keys))]
    rows = [*(f"{key.sql} AS {name}" for key, name in zip(query.keys, keys, strict=True)), f"{unit} AS u"]
    rows.append(f"CASE WHEN {_print(query, unit)} IN (SELECT h FROM {REPEATED}) THEN {unit} END AS v")
    alone, units, cells = ["*"], list[str](), ["count(u) AS p"]
    for number, one in enumerate(wanted):
        rows.extend(one.row_columns(number))
        alone.extend(one.alone_columns(number))
        units.extend(one.unit_columns(number))
        cells.extend(one.cell_columns(number))
    names = [one.rsplit(" ", 1)[1] for one in cells]
    source = f"SELECT {', '.join(alone)} FROM ({query.select_sql(rows)}) AS source_rows"
    # A group of its own for everybody who may be there twice, and one for all the others.
    inner = [*keys, "v", *units, *(f"{one}_of_rows" for one in cells)]
    others = [*keys, "0 AS g", *(f"{name}_of_rows AS {name}" for name in names)]
    by = f" GROUP BY {', '.join(keys)}" if keys else ""
    return (
        f"WITH found AS MATERIALIZED ("
        f"SELECT {', '.join(inner)} FROM ({source}) AS alone GROUP BY {', '.join([*keys, 'v'])})"
        f" SELECT {', '.join(others)} FROM found WHERE v IS NULL UNION ALL"
        f" SELECT {', '.join([*keys, '0 AS g', *cells])}"
        f" FROM (SELECT *, v AS u FROM found WHERE v IS NOT NULL) AS units{by}"
    )


def mode_arguments(query: Query) -> tuple[str, ...]:
    """What the most frequent value is asked of, each once."""
    found = (leaf for measure in query.measures for leaf in leaves(measure))
    return tuple(dict.fromkeys(one.argument for one in found if one.kind is Kind.MODE))


def mode_sql(query: Query, unit: str, argument: str) -> str:
    """By group: the least of the values that are the most frequent, and the fewest units that hold one.

    Args:
        unit: the person of a row, or "" if rows are the units.
    """
    keys = [f"k{number}" for number in range(len(query.keys))]
    rows = [f"{key.sql} AS {name}" for key, name in zip(query.keys, keys, strict=True)]
    source = query.select_sql([*rows, f"{argument} AS x", *([f"{unit} AS u"] if unit else [])])
    names = ", ".join(_names(query))
    held = "count(DISTINCT u)" if unit else "count(*)"
    # Every part was written here or by `reading`.
    counted = (
        f"SELECT {', '.join([*keys, f'{_grouping(query, keys)} AS g'])}, x, count(*) AS r, {held} AS h"
        f" FROM ({source}) AS source_rows WHERE x IS NOT NULL{_grouped(query, keys, 'x')}"
    )
    best = f"SELECT *, max(r) OVER (PARTITION BY {names}) AS most FROM ({counted}) AS counted"
    return (
        f"SELECT {names}, min(x, {TIED}) AS tied, min(h) AS holders"
        f" FROM ({best}) AS best WHERE r = most GROUP BY {names}"
    )


def institution_sql(query: Query, wanted: Sequence[Statistic]) -> str:
    """By group and statistic: how many institutions contribute, their absolute total, the largest."""
    outer = _names(query)
    for number, one in enumerate(wanted):
        shown = {f"c{number}", f"t{number}", f"top{number}"}
        outer.extend(column for column in one.cell_columns(number) if column.rsplit(" ", 1)[1] in shown)
    return _by_unit(query, query.second_unit, wanted, outer)


def group_columns(wanted: Sequence[Statistic], *, units: bool) -> list[str]:
    """The evidence that a group's rows alone give, as columns of the query itself.

    Args:
        units: whether rows are the units too.
    """
    columns = ["count(*) AS r", *(["count(*) AS p"] if units else [])]
    for number, one in enumerate(wanted):
        columns.extend(one.group_columns(number, units=units))
    return columns


def merge_sql(table: str, query: Query, wanted: Sequence[Statistic]) -> str:
    """The evidence in a table of partials, as one row for each group."""
    columns = [*_names(query), "sum(p)::BIGINT AS p"]
    for number in range(len(wanted)):
        columns.extend(f"sum({name}{number})::BIGINT AS {name}{number}" for name in ("c", "w"))
        columns.append(f"sum(t{number}) AS t{number}")
        columns.append(_largest(f"top{number}", TOP, "DESC"))
        columns.append(_largest(f"low{number}", ENDS, "ASC"))
        columns.append(_largest(f"high{number}", ENDS, "DESC"))
    return f"SELECT {', '.join(columns)} FROM {table} GROUP BY {', '.join(_names(query))}"


def _by_unit(query: Query, unit: str, wanted: Sequence[Statistic], outer: Sequence[str]) -> str:
    """Rows, then units of each group, then groups."""
    keys = [f"k{number}" for number in range(len(query.keys))]
    rows = [*(f"{key.sql} AS {name}" for key, name in zip(query.keys, keys, strict=True)), f"{unit} AS u"]
    units = [*keys, f"{_grouping(query, keys)} AS g", "u"]
    for number, one in enumerate(wanted):
        rows.extend(one.row_columns(number))
        units.extend(one.unit_columns(number))
    source, grouped = query.select_sql(rows), _grouped(query, keys, "u")
    inner = f"SELECT {', '.join(units)} FROM ({source}) AS source_rows{grouped}"
    return f"SELECT {', '.join(outer)} FROM ({inner}) AS units GROUP BY {', '.join(_names(query))}"


def _grouping(query: Query, keys: Sequence[str]) -> str:
    """As `Query.grouping_id`, over the keys by their short names."""
    return f"grouping({', '.join(reversed(keys))})" if keys and query.has_margins else "0"


def _grouped(query: Query, keys: Sequence[str], always: str) -> str:
    """GROUP BY a column and, in turn, the keys of every grouping set."""
    if not query.has_margins:
        return f" GROUP BY {', '.join([*keys, always])}"
    sets = (", ".join([*(keys[at] for at in one), always]) for one in query.grouping_sets)
    return f" GROUP BY GROUPING SETS ({', '.join(f'({one})' for one in sets)})"


def _names(query: Query) -> list[str]:
    return [*(f"k{number}" for number in range(len(query.keys))), "g"]


def _largest(name: str, most: int, order: str) -> str:
    return f"list_slice(list_sort(flatten(list({name})), '{order}', 'NULLS LAST'), 1, {most}) AS {name}"
