"""The HAVING of a claim: only a least count of rows, of persons, or of a count that is published anyway.

Any other condition on aggregates would tell something about groups without passing the rules: `HAVING
MAX(x) > 5`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.aggregate import read_aggregate
from egress_review.checks.reading.expression import whole_number
from egress_review.checks.reading.from_clause import FromClause
from egress_review.checks.reading.query import Key, Measure
from egress_review.checks.reading.scope import fold, only
from egress_review.checks.refusal import CheckStopped

LeastCounts = tuple[tuple[str, int], ...]


def read_having(
    having: exp.Expr | None, clause: FromClause, items: Sequence[Key | Measure]
) -> tuple[str, LeastCounts]:
    """The rewritten condition, or "", and the counts that it is made of, each with the least that it takes.

    Raises:
        CheckStopped: it asks for more than least counts.
    """
    if having is None:
        return "", ()
    only(having, "this")
    least = tuple(_conditions(having.this, clause, items))
    return " AND ".join(f"({count} >= {limit})" for count, limit in least), least


def _conditions(
    node: exp.Expr, clause: FromClause, items: Sequence[Key | Measure]
) -> Iterator[tuple[str, int]]:
    bare = node.unnest()
    if isinstance(bare, exp.And):
        yield from _conditions(bare.this, clause, items)
        yield from _conditions(bare.expression, clause, items)
        return
    if isinstance(bare, exp.GT | exp.GTE):
        limit = whole_number(bare.expression)
        if limit is not None:
            yield _counted(bare.this.unnest(), clause, items), limit + isinstance(bare, exp.GT)
            return
    raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"HAVING {bare.sql('duckdb')}")


def _counted(node: exp.Expr, clause: FromClause, items: Sequence[Key | Measure]) -> str:
    published = [item for item in items if isinstance(item, Measure) and item.kind.counts]
    if isinstance(node, exp.Column) and not node.table and not clause.scope.knows(node.name):
        for item in published:
            if fold(item.name) == fold(node.name):
                return item.sql
    if isinstance(node, exp.Count):
        sql = read_aggregate(node, "", clause.scope, []).sql
        persons = {f"count(DISTINCT {column})" for one in clause.classes for column in one.always}
        if sql == "count(*)" or sql in persons | {item.sql for item in published}:
            return sql
    raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"HAVING {node.sql('duckdb')}")
