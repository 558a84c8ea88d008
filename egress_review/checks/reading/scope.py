"""Which tables and columns a claim's names mean: only those of granted data sets, and only by exact name.

A `Relation` is what stands in a FROM clause: a granted table, or a common table expression that was read
before. Whatever it is, it carries the persons of its rows with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.tree import looks_alike
from egress_review.checks.refusal import CheckStopped
from onggi.manifest import Manifest
from onggi.manifest import Table as ManifestTable
from onggi.table_form import quote_name, schema_name


def fold(name: str) -> str:
    """A name as DuckDB compares it: without ASCII case. Look-alikes of other scripts stay what they are."""
    return "".join(chr(ord(sign) + 32) if "A" <= sign <= "Z" else sign for sign in name)


class Shape(IntEnum):
    """How far an expression may treat single persons in their own way, from nothing to anything.

    `constant` is of the query alone; `plain` a column of the data, at most converted; an `indicator` is 0, 1
    or missing; `filled` a column with 0 where it has nothing, which adds nothing to a sum, but moves a
    quantile; `smooth` is arithmetic; `piecewise` chooses by the data between values that are more than 0 and
    1, so that one person's value can stand in a sum where everybody else adds a known number.
    """

    CONSTANT = 0
    PLAIN = 1
    INDICATOR = 2
    FILLED = 3
    SMOOTH = 4
    PIECEWISE = 5


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a relation and what is known of its values.

    Attributes:
        identifier: it names a person or a record and must never leave.
        unit: the column in `Relation.units` whose persons it names, or "".
        always: whether it names that person in every row, and is not left empty by an outer join.
        text: its values may be text.
        literals: words or numbers of the query are among its values.
        speaks: its form could spell a message.
        digits: of the numbers of the query that stand in its expression.
        shape: how far its expression may treat single persons in their own way.
        nodes: how large its expression is.
    """

    name: str
    identifier: bool = False
    unit: str = ""
    always: bool = True
    text: bool = False
    literals: bool = False
    speaks: bool = False
    digits: int = 0
    shape: Shape = Shape.PLAIN
    nodes: int = 1


@dataclass(frozen=True, slots=True)
class Relation:
    """What a FROM clause may name.

    Attributes:
        sql: its name, quoted.
        columns: by name; only those that the claim may name.
        units: hidden or visible column → data set, for each class of persons in a row.
        institution: the column of the institution, or "".
        narrowed: whether persons were left out of it by a condition.
        bucket_local: whether each row is about one person and was made of that person's bucket.
    """

    sql: str
    columns: Mapping[str, Column]
    units: Mapping[str, str]
    institution: str = ""
    narrowed: bool = False
    bucket_local: bool = True


@dataclass(frozen=True, slots=True)
class Source:
    """One relation in the FROM clause. Aliases are unique in a query, so the alias is its identity."""

    alias: str
    relation: Relation = field(compare=False)

    def has(self, column: str) -> bool:
        """Whether the relation has this column."""
        return column in self.relation.columns

    def column(self, name: str) -> ColumnRef:
        """A column of this relation."""
        return ColumnRef(self.column_sql(name), self.relation.columns[name], self)

    def column_sql(self, name: str) -> str:
        """Always qualified, always quoted."""
        return f"{quote_name(self.alias)}.{quote_name(name)}"

    def sql(self) -> str:
        """The relation and its alias for a FROM clause."""
        return f"{self.relation.sql} AS {quote_name(self.alias)}"


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column of a source, or several that USING made one."""

    text: str
    column: Column = field(compare=False)
    source: Source = field(compare=False)

    @property
    def name(self) -> str:
        """As the data or the query call it."""
        return self.column.name

    @property
    def is_identifier(self) -> bool:
        """Whether it names a person or a record and must never leave."""
        return self.column.identifier

    def sql(self) -> str:
        """Always qualified, always quoted."""
        return self.text


class Catalogue:
    """The tables that a claim may name: of the data sets that it declares, all of them granted."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self.manifests: Mapping[str, Manifest] = {schema_name(one.name): one for one in manifests}

    def relation(self, table: exp.Table) -> Relation:
        """The table that a FROM clause names.

        Raises:
            CheckStopped: it is a function, not granted, or unknown.
        """
        if not isinstance(table.this, exp.Identifier):
            raise CheckStopped(FindingCode.TABLE_NOT_GRANTED, table=table.sql("duckdb"))
        only(table, "this", "db", "alias")
        name, schema = fold(table.name), fold(table.db)
        manifest = self._manifest(schema, name)
        found = [one for one in manifest.tables if one.name == name]
        if not found:
            raise CheckStopped(FindingCode.TABLE_UNKNOWN, table=table.name, dataset=manifest.name)
        return _granted(manifest, found[0])

    def _manifest(self, schema: str, table: str) -> Manifest:
        if schema and schema != "main":
            if schema not in self.manifests:
                raise CheckStopped(_unknown(schema), table=f"{schema}.{table}")
            return self.manifests[schema]
        holders = [one for one in self.manifests.values() if any(table == known.name for known in one.tables)]
        if len(holders) != 1:
            raise CheckStopped(_unknown(table), table=table)
        return holders[0]


def _unknown(name: str) -> FindingCode:
    return FindingCode.NAME_LOOKS_ALIKE if looks_alike(name) else FindingCode.TABLE_NOT_GRANTED


def _granted(manifest: Manifest, table: ManifestTable) -> Relation:
    columns = {
        one.name: Column(
            one.name,
            identifier=one.name in manifest.identifier_columns or one.name == manifest.unit_column,
            unit=one.name if one.name == manifest.unit_column else "",
            text=one.type == "string",
        )
        for one in table.columns
    }
    institution = manifest.institution_column or ""
    return Relation(
        sql=f"{quote_name(schema_name(manifest.name))}.{quote_name(table.name)}",
        columns=columns,
        units={manifest.unit_column: manifest.name},
        institution=institution if institution in columns else "",
    )


@dataclass(slots=True)
class Scope:
    """The sources of a query in their order, and the columns that USING made one."""

    sources: list[Source] = field(default_factory=list)
    merged: dict[str, ColumnRef] = field(default_factory=dict)

    def add(self, source: Source) -> None:
        """Take in one more relation.

        Raises:
            CheckStopped: two sources have one alias.
        """
        if any(one.alias == source.alias for one in self.sources):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"{source.alias} × 2")
        self.sources.append(source)

    def knows(self, name: str) -> bool:
        """Whether any source has a column of this name."""
        return any(one.has(fold(name)) for one in self.sources)

    def resolve(self, column: exp.Column) -> ColumnRef:
        """The one column that is meant.

        Raises:
            CheckStopped: none or several are.
        """
        only(column, "this", "table")
        name, alias = fold(column.name), fold(column.table)
        if not isinstance(column.this, exp.Identifier):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=column.sql("duckdb"))
        if not alias and name in self.merged:
            return self.merged[name]
        found = [one for one in self.sources if one.has(name) and alias in {"", one.alias}]
        if len(found) != 1:
            alike = not found and looks_alike(name + alias)
            code = FindingCode.NAME_LOOKS_ALIKE if alike else FindingCode.COLUMN_UNKNOWN
            raise CheckStopped(code, column=column.sql("duckdb"), table=column.sql("duckdb"))
        return found[0].column(name)


def only(node: exp.Expr, *known: str) -> None:
    """Refuse a node that carries anything beyond the `known` arguments: what is not understood is not proven.

    Raises:
        CheckStopped: naming the node and the argument.
    """
    for name, value in node.args.items():
        if name not in known and value not in (None, False, [], ""):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"{node.key} {name}")
