"""The provable query: what the gate recomputes, in SQL of its own making."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum


class Kind(StrEnum):
    """What a measure is, for the rules."""

    COUNT = "count"
    SUM = "sum"
    AVERAGE = "average"


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
    """

    name: str
    sql: str
    kind: Kind
    contributes: str = ""


@dataclass(frozen=True, slots=True)
class Query:
    """One aggregate query.

    Attributes:
        items: what is selected, in order.
        from_sql, where_sql, having_sql: the clauses; empty if there is none.
        units: for each unit class, the column that names the person.
        narrowed: whether a join asks for more than equal columns, and so leaves persons out like a filter.
    """

    items: tuple[Key | Measure, ...]
    from_sql: str
    where_sql: str
    having_sql: str
    units: tuple[str, ...]
    narrowed: bool = False

    @property
    def keys(self) -> tuple[Key, ...]:
        """The group keys, in order."""
        return tuple(item for item in self.items if isinstance(item, Key))

    @property
    def measures(self) -> tuple[Measure, ...]:
        """The aggregates, in order."""
        return tuple(item for item in self.items if isinstance(item, Measure))

    def unfiltered(self) -> Query:
        """The same groups with the persons that the filter leaves out."""
        return replace(self, where_sql="", having_sql="")

    def evidence_sql(self, most: int) -> str:
        """The query that yields published values and evidence: items, rows, persons, persons by measure.

        Args:
            most: rows of the answer; one more is asked for, to see that there are too many.
        """
        selected = [item.sql for item in self.items]
        selected.append("count(*)")
        selected.append(self._persons(""))
        selected.extend(self._persons(measure.contributes) for measure in self.measures)
        columns = ", ".join(f"{sql} AS c{number}" for number, sql in enumerate(selected))
        where = f" WHERE {self.where_sql}" if self.where_sql else ""
        group = ", ".join(key.sql for key in self.keys)
        grouped = f" GROUP BY {group}" if group else ""
        having = f" HAVING {self.having_sql}" if self.having_sql else ""
        # Every part was written by `sql` and its helpers; no text of the claim is in it.
        return f"SELECT {columns} FROM {self.from_sql}{where}{grouped}{having} LIMIT {most + 1}"  # noqa: S608

    def _persons(self, condition: str) -> str:
        counts = [
            f"count(DISTINCT CASE WHEN {condition} THEN {unit} END)"
            if condition
            else f"count(DISTINCT {unit})"
            for unit in self.units
        ]
        return counts[0] if len(counts) == 1 else f"least({', '.join(counts)})"
