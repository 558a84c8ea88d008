"""Reads the SQL of a claim and turns it into a query that the gate can prove.

Guarantees: what `read_query` returns is one aggregate query over granted tables, built from a list of forms
that are understood, and its text is written here; the claim's text is never executed. Everything else stops
with a finding: *not proven*, or *block* where the query asks for single persons' rows or for data that are
not granted.

The first form: SELECT of group keys and of COUNT, SUM and AVG; inner and left joins; WHERE; GROUP BY; a
HAVING that only asks for a least count. ORDER BY has no effect on a table's canonical form and is not read.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.aggregate import is_aggregate, read_measure
from egress_review.checks.reading.expression import Written, whole_number, write
from egress_review.checks.reading.from_clause import FromClause
from egress_review.checks.reading.having import read_having
from egress_review.checks.reading.query import Key, Measure, Query
from egress_review.checks.reading.scope import Catalogue, Scope, fold, only
from egress_review.checks.refusal import CheckStopped
from onggi.claim import Claim, Scalar

MAX_SQL = 32_768
MAX_ITEMS = 64
MAX_KEY_NODES = 24
"""Of a key's expression; a larger one is read by people."""
_KNOWN = ("expressions", "from_", "joins", "where", "group", "having", "order")
_CLAUSES = {
    "with_": "WITH",
    "distinct": "DISTINCT",
    "limit": "LIMIT",
    "offset": "OFFSET",
    "qualify": "QUALIFY",
    "windows": "WINDOW",
    "sample": "SAMPLE",
    "into": "INTO",
    "laterals": "LATERAL",
    "pivots": "PIVOT",
}


def read_query(claim: Claim, catalogue: Catalogue) -> Query:
    """The provable query behind a claim.

    Raises:
        CheckStopped: with the finding that says what cannot be proven.
    """
    select = _fill(_parse(claim.sql), claim.parameters)
    for name, keyword in _CLAUSES.items():
        if select.args.get(name):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=keyword)
    only(select, *_KNOWN)
    _refuse_nested(select)
    clause = FromClause(select, catalogue)
    items = _items(select, clause, claim.columns)
    where = select.args.get("where")
    filters = list(clause.conditions)
    if where is not None:
        only(where, "this")
        filters.append(write(where.this, clause.scope))
    for one in filters:
        _refuse_identifiers(one, FindingCode.IDENTIFIER_IN_FILTER)
    _grouping(select, items, clause.scope)
    return Query(
        items=tuple(items),
        from_sql=clause.sql,
        where_sql=filters[-1].sql if where is not None else "",
        having_sql=read_having(select.args.get("having"), clause, items),
        units=tuple(unit.sql() for unit in clause.units()),
        narrowed=clause.narrowed,
        grouping_sets=(tuple(range(sum(isinstance(one, Key) for one in items))),),
        bucket_local=clause.bucket_local,
        second_unit=clause.second_unit,
    )


def _parse(text: str) -> exp.Select:
    if len(text) > MAX_SQL or "\x00" in text:
        raise CheckStopped(FindingCode.SQL_UNREADABLE)
    try:
        found = sqlglot.parse(text, dialect="duckdb")
    except (SqlglotError, RecursionError, ValueError):
        raise CheckStopped(FindingCode.SQL_UNREADABLE) from None
    statements = [one for one in found if one is not None and not isinstance(one, exp.Semicolon)]
    if len(statements) != 1:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"; × {len(statements)}")
    if not isinstance(statements[0], exp.Select):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=statements[0].key.upper())
    return statements[0]


def _fill(select: exp.Select, parameters: Mapping[str, Scalar]) -> exp.Select:
    """Put the claim's parameters in as literals."""
    for slot in list(select.find_all(exp.Placeholder, exp.Parameter)):
        name = slot.name
        if isinstance(slot, exp.Parameter) or name not in parameters:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=slot.sql("duckdb"))
        slot.replace(_literal(parameters[name]))
    return select


def _literal(value: Scalar) -> exp.Expr:
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    number = exp.Literal.number(repr(abs(value)))
    return exp.Neg(this=number) if value < 0 else number


def _refuse_nested(select: exp.Select) -> None:
    if any(one is not select for one in select.find_all(exp.Query)):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="(SELECT …)")
    if select.find(exp.Window) is not None:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="OVER")


def _items(select: exp.Select, clause: FromClause, columns: tuple[str, ...]) -> list[Key | Measure]:
    nodes = select.expressions
    if not any(is_aggregate(one) for one in nodes):
        for one in nodes:
            if not one.is_star:
                write(one.unalias(), clause.scope)
        raise CheckStopped(FindingCode.NO_AGGREGATE)
    if len(nodes) != len(columns) or len(nodes) > MAX_ITEMS:
        raise CheckStopped(FindingCode.HEADER_DIFFERS, expected=len(nodes), found=len(columns))
    return [_item(node, name, clause) for node, name in zip(nodes, columns, strict=True)]


def _item(node: exp.Expr, column: str, clause: FromClause) -> Key | Measure:
    bare = node.unalias()
    if isinstance(node, exp.Alias):
        only(node, "this", "alias")
    shown = (
        node.alias if isinstance(node, exp.Alias) else bare.name if isinstance(bare, exp.Column) else column
    )
    if fold(shown) != fold(column):
        raise CheckStopped(FindingCode.HEADER_DIFFERS, expected=shown, found=column)
    if is_aggregate(bare):
        return read_measure(bare, column, clause)
    written = write(bare, clause.scope)
    _refuse_identifiers(written, FindingCode.IDENTIFIER_IN_OUTPUT, everywhere=True)
    if not written.columns:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=bare.sql("duckdb"))
    return Key(column, written.sql, written.literals or _speaks(bare))


def _speaks(node: exp.Expr) -> bool:
    """Whether a key's own form could spell a message: `lower(sex) || upper(sex) || sex || 1 || 0 …`."""
    nodes = list(islice(node.walk(), MAX_KEY_NODES + 1))
    return len(nodes) > MAX_KEY_NODES or any(isinstance(one, exp.DPipe | exp.Boolean) for one in nodes)


def _refuse_identifiers(written: Written, code: FindingCode, *, everywhere: bool = False) -> None:
    found = {one for one in written.columns if one.is_identifier} if everywhere else written.identifiers
    for one in sorted(found, key=lambda ref: ref.name):
        raise CheckStopped(code, column=one.name)


def _grouping(select: exp.Select, items: list[Key | Measure], scope: Scope) -> None:
    """Hold that the groups are exactly the keys that are shown."""
    shown = {item.sql for item in items if isinstance(item, Key)}
    grouped = _grouped(select, items, scope)
    for item in items:
        if isinstance(item, Key) and item.sql not in grouped:
            raise CheckStopped(FindingCode.COLUMN_NOT_GROUPED, column=item.name)
    if grouped - shown:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="GROUP BY ∉ SELECT")


def _grouped(select: exp.Select, items: list[Key | Measure], scope: Scope) -> set[str]:
    group = select.args.get("group")
    if group is None:
        return set()
    if group.args.get("all") is True:
        only(group, "all")
        return {item.sql for item in items if isinstance(item, Key)}
    only(group, "expressions")
    return {_group_term(one, select, items, scope) for one in group.expressions}


def _group_term(node: exp.Expr, select: exp.Select, items: list[Key | Measure], scope: Scope) -> str:
    bare = node.unnest()
    if isinstance(bare, exp.Literal):
        position = whole_number(bare) or 0
        if not 1 <= position <= len(items) or isinstance(items[position - 1], Measure):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"GROUP BY {bare.this}")
        return items[position - 1].sql
    if isinstance(bare, exp.Column) and not bare.table:
        named = [
            item for node, item in zip(select.expressions, items, strict=True)
            if isinstance(node, exp.Alias) and fold(node.alias) == fold(bare.name)
        ]  # fmt: skip
        if named and not scope.knows(bare.name):
            return named[0].sql
        if named and named[0].sql != write(bare, scope).sql:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"GROUP BY {bare.name}")
    return write(bare, scope).sql
