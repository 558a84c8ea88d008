"""The FROM clause of a claim: joins of granted tables and of what was read before it.

Every join must hold at least one `column = column` between the new source and the earlier ones. Joins on the
person keep the bucket; any other join brings persons together, who then count in classes of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.expression import Written, write
from egress_review.checks.reading.scope import ColumnRef, Relation, Scope, Source, fold, only
from egress_review.checks.reading.units import UnitClass, UnitClasses
from egress_review.checks.refusal import CheckStopped

MAX_SOURCES = 8
OURS = "_onggi_"
"""How the names begin that we give; a claim may not give such a name."""
_SIDES = {"", "LEFT", "RIGHT", "FULL"}
Read = Callable[[exp.Expr], Relation]
"""Reads what stands in FROM, a table or a subquery with or without alias."""


class FromClause:
    """The relations of a query, rewritten.

    Attributes:
        scope: what its columns mean.
        sql: the text after FROM.
        conditions: the rewritten ON conditions.
        narrowed: whether a join asks for more than that columns of two sources be equal, or a relation left
            persons out before.
    """

    def __init__(self, select: exp.Select, read: Read) -> None:
        self.scope = Scope()
        self.conditions: list[Written] = []
        self._read = read
        start = select.args.get("from_")
        if start is None:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="FROM")
        joins = [*(start.this.args.get("joins") or []), *(select.args.get("joins") or [])]
        if len(joins) >= MAX_SOURCES:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"JOIN × {len(joins)}")
        start.this.set("joins", None)
        first = self._source(start.this)
        self.scope.add(first)
        self._classes = UnitClasses(first)
        self.narrowed = first.relation.narrowed
        self.sql = first.sql() + "".join(self._join(one) for one in joins)

    @property
    def classes(self) -> list[UnitClass]:
        """The unit classes, the earliest first."""
        return self._classes.classes

    @property
    def units(self) -> tuple[str, ...]:
        """For each unit class, the person of a row."""
        return tuple(one.sql for one in self.classes)

    @property
    def bucket_local(self) -> bool:
        """Whether every row is about one person of one data set, and so about one bucket."""
        return len(self.classes) == 1 and all(one.relation.bucket_local for one in self.scope.sources)

    @property
    def second_unit(self) -> str:
        """The institution column of the first relation that has one, or ""."""
        for one in self.scope.sources:
            if one.relation.institution:
                return one.column_sql(one.relation.institution)
        return ""

    def _source(self, node: exp.Expr) -> Source:
        relation = self._read(node)
        alias = fold(node.alias_or_name)
        if not alias or alias.startswith(OURS):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="FROM (SELECT …) AS ?")
        described = node.args.get("alias")
        if described is not None:
            only(described, "this")
        return Source(alias, relation)

    def _join(self, join: exp.Join) -> str:
        only(join, "this", "side", "kind", "on", "using")
        side, kind = (join.args.get("side") or "").upper(), (join.args.get("kind") or "").upper()
        if side not in _SIDES or kind not in {"", "INNER", "OUTER"}:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"{side} {kind} JOIN".strip())
        added = self._source(join.this)
        before = Scope(list(self.scope.sources), dict(self.scope.merged))
        self.scope.add(added)
        self.narrowed |= added.relation.narrowed
        if join.args.get("using"):
            pairs, on = self._using(join.args["using"], before, added, side)
        else:
            pairs, on = self._on(join, added, side)
        self._classes.join(added, pairs, side)
        return f" {side or 'INNER'} JOIN {added.sql()} ON {on}"

    def _using(
        self, names: list[exp.Expr], before: Scope, added: Source, side: str
    ) -> tuple[list[tuple[ColumnRef, ColumnRef]], str]:
        pairs: list[tuple[ColumnRef, ColumnRef]] = []
        for one in names:
            name = fold(one.name)
            left = before.resolve(exp.column(exp.to_identifier(name)))
            if not added.has(name):
                raise CheckStopped(FindingCode.COLUMN_UNKNOWN, column=name)
            right = added.column(name)
            both = ColumnRef(f"coalesce({left.sql()}, {right.sql()})", left.column, left.source)
            self.scope.merged[name] = {"FULL": both, "RIGHT": right}.get(side, left)
            pairs.append((left, right))
        return pairs, f"({' AND '.join(f'{left.sql()} = {right.sql()}' for left, right in pairs)})"

    def _on(self, join: exp.Join, added: Source, side: str) -> tuple[list[tuple[ColumnRef, ColumnRef]], str]:
        condition = join.args.get("on")
        if condition is None:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="CROSS JOIN")
        pairs = list(self._equalities(condition))
        if not any((left.source == added) != (right.source == added) for left, right in pairs):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="JOIN ON")
        across = sum(left.source != right.source for left, right in pairs)
        self.narrowed |= side in {"", "RIGHT"} and across < _terms(condition)
        written = write(condition, self.scope)
        self.conditions.append(written)
        return pairs, written.sql

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


def _terms(node: exp.Expr) -> int:
    """How many conditions must all hold."""
    bare = node.unnest()
    return _terms(bare.this) + _terms(bare.expression) if isinstance(bare, exp.And) else 1
