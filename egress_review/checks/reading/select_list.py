"""What a SELECT inside the query, or the last one, selects: stars expanded, names settled."""

from __future__ import annotations

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.expression import Written
from egress_review.checks.reading.scope import ColumnRef, Scope, fold, only
from egress_review.checks.refusal import CheckStopped

MAX_COLUMNS = 256
MAX_KEY_NODES = 24
"""Of a key's expression; a larger one is read by people."""


def expand(select: exp.Select, scope: Scope) -> list[tuple[str, exp.Expr]]:
    """Name and expression of every column of an inner SELECT.

    Raises:
        CheckStopped: a column has no name, two have one, or there are too many.
    """
    found: list[tuple[str, exp.Expr]] = []
    for node in select.expressions:
        if isinstance(node, exp.Star) or (isinstance(node, exp.Column) and isinstance(node.this, exp.Star)):
            found.extend(_star(node, scope))
            continue
        if isinstance(node, exp.Alias):
            only(node, "this", "alias")
        name = fold(node.alias_or_name)
        if not name:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"{node.sql('duckdb')} AS ?")
        found.append((name, node.unalias()))
    names = [name for name, _ in found]
    if len(names) > MAX_COLUMNS:
        raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="columns", limit=MAX_COLUMNS)
    if len(set(names)) != len(names):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="SELECT a, a")
    return found


def _star(node: exp.Expr, scope: Scope) -> list[tuple[str, exp.Expr]]:
    alias = ""
    if isinstance(node, exp.Column):
        only(node, "this", "table")
        alias, node = fold(node.table), node.this
    only(node)
    if alias:
        sources = [one for one in scope.sources if one.alias == alias]
        if not sources:
            raise CheckStopped(FindingCode.COLUMN_UNKNOWN, column=f"{alias}.*")
        return [(name, exp.column(name, alias)) for one in sources for name in one.relation.columns]
    # USING makes one column of two, and it stands where the first of them stood.
    merged = {name: ref.source for name, ref in scope.merged.items()}
    first: dict[str, str] = {}
    found: list[tuple[str, exp.Expr]] = []
    for one in scope.sources:
        for name in one.relation.columns:
            if name in merged and name in first:
                continue
            first[name] = one.alias
            found.append((name, exp.column(name, None if name in merged else one.alias)))
    return found


def identifiers_refused(written: Written, code: FindingCode, *, everywhere: bool = False) -> None:
    """Stop if the expression uses an identifier; `everywhere` even in a join or a question for NULL.

    Raises:
        CheckStopped: `code`, naming the column.
    """
    found: set[ColumnRef] = written.identifiers
    if everywhere:
        found = {one for one in written.columns if one.is_identifier}
    for one in sorted(found, key=lambda ref: ref.name):
        raise CheckStopped(code, column=one.name)


def speaks(written: Written) -> bool:
    """Whether an expression's own form could spell a message: `lower(sex) || upper(sex) || sex || 1 …`."""
    return written.speaks or written.nodes > MAX_KEY_NODES
