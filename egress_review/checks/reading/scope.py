"""Which tables and columns a claim's names mean: only those of granted data sets, and only by exact name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped
from onggi.manifest import Manifest, Table
from onggi.table_form import quote_name, schema_name


def fold(name: str) -> str:
    """A name as DuckDB compares it: without ASCII case. Look-alikes of other scripts stay what they are."""
    return "".join(chr(ord(sign) + 32) if "A" <= sign <= "Z" else sign for sign in name)


@dataclass(frozen=True, slots=True)
class Source:
    """One table in the FROM clause. Aliases are unique in a query, so the alias is its identity."""

    alias: str
    manifest: Manifest = field(compare=False)
    table: Table = field(compare=False)

    def has(self, column: str) -> bool:
        """Whether the table has this column."""
        return any(one.name == column for one in self.table.columns)

    def column(self, name: str) -> ColumnRef:
        """A column of this table."""
        return ColumnRef(self, name)

    @property
    def unit(self) -> ColumnRef:
        """The column whose distinct values are the persons."""
        return ColumnRef(self, self.manifest.unit_column)

    def sql(self) -> str:
        """The table and its alias for a FROM clause."""
        schema = quote_name(schema_name(self.manifest.name))
        return f"{schema}.{quote_name(self.table.name)} AS {quote_name(self.alias)}"


@dataclass(frozen=True, slots=True)
class ColumnRef:
    """A column of one source."""

    source: Source
    name: str

    @property
    def is_identifier(self) -> bool:
        """Whether it names a person or a record and must never leave."""
        return self.name in self.source.manifest.identifier_columns

    @property
    def is_unit(self) -> bool:
        """Whether it is the column that names the person."""
        return self.name == self.source.manifest.unit_column

    def sql(self) -> str:
        """Always qualified, always quoted."""
        return f"{quote_name(self.source.alias)}.{quote_name(self.name)}"


class Catalogue:
    """The tables that a claim may name: of the data sets that it declares, all of them granted."""

    def __init__(self, manifests: Iterable[Manifest]) -> None:
        self.manifests: Mapping[str, Manifest] = {schema_name(one.name): one for one in manifests}

    def source(self, table: exp.Table) -> Source:
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
        alias = table.args.get("alias")
        if alias is not None:
            only(alias, "this")
        return Source(fold(table.alias_or_name), manifest, found[0])

    def _manifest(self, schema: str, table: str) -> Manifest:
        if schema and schema != "main":
            if schema not in self.manifests:
                raise CheckStopped(FindingCode.TABLE_NOT_GRANTED, table=f"{schema}.{table}")
            return self.manifests[schema]
        holders = [one for one in self.manifests.values() if any(table == known.name for known in one.tables)]
        if len(holders) != 1:
            raise CheckStopped(FindingCode.TABLE_NOT_GRANTED, table=table)
        return holders[0]


@dataclass(slots=True)
class Scope:
    """The sources of a query in their order, and the columns that USING made one."""

    sources: list[Source] = field(default_factory=list)
    merged: dict[str, ColumnRef] = field(default_factory=dict)

    def add(self, source: Source) -> None:
        """Take in one more table.

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
            raise CheckStopped(FindingCode.COLUMN_UNKNOWN, column=column.sql("duckdb"))
        return found[0].column(name)


def only(node: exp.Expr, *known: str) -> None:
    """Refuse a node that carries anything beyond the `known` arguments: what is not understood is not proven.

    Raises:
        CheckStopped: naming the node and the argument.
    """
    for name, value in node.args.items():
        if name not in known and value not in (None, False, [], ""):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"{node.key} {name}")
