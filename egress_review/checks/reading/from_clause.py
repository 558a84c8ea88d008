"""The FROM clause of a claim: inner and left joins of granted tables, and which of them mean the same person.

Two sources belong to one *unit class* if the query joins them on the person of the same data set; within a
class the earliest source names the person. Cells are counted once for each class, and the smallest count
decides.
"""

from __future__ import annotations

from collections.abc import Iterator

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.expression import Written, write
from egress_review.checks.reading.scope import Catalogue, ColumnRef, Scope, Source, fold, only
from egress_review.checks.refusal import CheckStopped

MAX_SOURCES = 8


class FromClause:
    """The tables of a query, rewritten.

    Attributes:
        scope: what its columns mean.
        sql: the text after FROM.
        conditions: the rewritten ON conditions.
        narrowed: whether an inner join asks for more than that columns of two sources be equal.
    """

    def __init__(self, select: exp.Select, catalogue: Catalogue) -> None:
        self.scope = Scope()
        self.conditions: list[Written] = []
        self.narrowed = False
        self._roots: dict[str, Source] = {}
        start = select.args.get("from_")
        if start is None or not isinstance(start.this, exp.Table):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="FROM")
        joins = [*(start.this.args.get("joins") or []), *(select.args.get("joins") or [])]
        if len(joins) >= MAX_SOURCES:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"JOIN × {len(joins)}")
        start.this.set("joins", None)
        first = catalogue.source(start.this)
        self.scope.add(first)
        self._roots[first.alias] = first
        self.sql = first.sql() + "".join(self._join(one, catalogue) for one in joins)

    def units(self) -> tuple[ColumnRef, ...]:
        """One column for each unit class."""
        roots = {root.alias: root for root in self._roots.values()}
        return tuple(root.unit for root in roots.values())

    @property
    def bucket_local(self) -> bool:
        """Whether every row is about one person of one data set, and so about one bucket."""
        return len(self.units()) == 1

    @property
    def second_unit(self) -> str:
        """The institution column of the first table that has one, or ""."""
        for one in self.scope.sources:
            name = one.manifest.institution_column
            if name is not None and one.has(name):
                return one.column(name).sql()
        return ""

    def _join(self, join: exp.Join, catalogue: Catalogue) -> str:
        only(join, "this", "side", "kind", "on", "using")
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        if (
            side not in {"", "LEFT"}
            or kind not in {"", "INNER", "OUTER"}
            or not isinstance(join.this, exp.Table)
        ):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"{side} {kind} JOIN".strip())
        added = catalogue.source(join.this)
        before = Scope(list(self.scope.sources), dict(self.scope.merged))
        self.scope.add(added)
        self._roots[added.alias] = added
        on = (
            self._using(join.args["using"], before, added)
            if join.args.get("using")
            else self._on(join, added)
        )
        return f" {'LEFT' if side else 'INNER'} JOIN {added.sql()} ON {on}"

    def _using(self, names: list[exp.Expr], before: Scope, added: Source) -> str:
        parts: list[str] = []
        for one in names:
            name = fold(one.name)
            left = before.resolve(exp.column(exp.to_identifier(name)))
            if not added.has(name):
                raise CheckStopped(FindingCode.COLUMN_UNKNOWN, column=name)
            self.scope.merged[name] = left
            self._same_person(left, added.column(name), added)
            parts.append(f"{left.sql()} = {added.column(name).sql()}")
        return f"({' AND '.join(parts)})"

    def _on(self, join: exp.Join, added: Source) -> str:
        condition = join.args.get("on")
        if condition is None:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="CROSS JOIN")
        pairs = list(self._equalities(condition))
        if not any((left.source == added) != (right.source == added) for left, right in pairs):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="JOIN ON")
        newcomer = added if join.args.get("side") else None
        across = sum(left.source != right.source for left, right in pairs)
        self.narrowed |= newcomer is None and across < _terms(condition)
        for left, right in pairs:
            self._same_person(left, right, newcomer)
        written = write(condition, self.scope)
        self.conditions.append(written)
        return written.sql

    def _equalities(self, node: exp.Expr) -> Iterator[tuple[ColumnRef, ColumnRef]]:
        """The `column = column` terms that must all hold."""
        bare = node.unnest()
        if isinstance(bare, exp.And):
            yield from self._equalities(bare.this)
            yield from self._equalities(bare.expression)
        elif (
            isinstance(bare, exp.EQ)
            and isinstance(bare.this, exp.Column)
            and isinstance(bare.expression, exp.Column)
        ):
            yield self.scope.resolve(bare.this), self.scope.resolve(bare.expression)

    def _same_person(self, left: ColumnRef, right: ColumnRef, newcomer: Source | None) -> None:
        """Make one class of two, if the columns name the same person.

        Args:
            left: a column that equals `right` in every row, or in every matched row of a left join.
            right: the other.
            newcomer: in a left join the source that it adds. Its condition says nothing about rows without a
                match, so it may only put the newcomer into a class, never make one person of two others.
        """
        if not (left.is_unit and right.is_unit and left.source.manifest == right.source.manifest):
            return
        if newcomer is not None:
            alone = self._roots[newcomer.alias] == newcomer
            if not alone or newcomer not in {left.source, right.source}:
                return
        order = [one.alias for one in self.scope.sources]
        first, second = sorted(
            (self._roots[left.source.alias], self._roots[right.source.alias]),
            key=lambda root: order.index(root.alias),
        )
        for alias, root in self._roots.items():
            if root == second:
                self._roots[alias] = first


def _terms(node: exp.Expr) -> int:
    """How many conditions must all hold."""
    bare = node.unnest()
    return _terms(bare.this) + _terms(bare.expression) if isinstance(bare, exp.And) else 1
