"""Reads the SQL of a claim and turns it into a query that the gate can prove.

Guarantees: what `read_query` returns is one aggregate query over granted tables, built from a list of forms
that are understood, and its text is written here; the claim's text is never executed. Every relation on the
way carries the persons of its rows. Everything else stops with a finding: *not proven*, or *block* where the
query asks for single persons' rows or for data that are not granted.

ORDER BY has no effect on a table's canonical form and is not read.
"""

from __future__ import annotations

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.aggregate import is_aggregate
from egress_review.checks.reading.expression import whole_number, write
from egress_review.checks.reading.from_clause import FromClause
from egress_review.checks.reading.grouping import read_grouping
from egress_review.checks.reading.having import read_having
from egress_review.checks.reading.membership import read_where
from egress_review.checks.reading.query import Key, Measure, Query
from egress_review.checks.reading.ratio import read_measure
from egress_review.checks.reading.relations import Relations, refuse_clauses
from egress_review.checks.reading.scope import Catalogue, Scope, Shape, fold, only
from egress_review.checks.reading.select_list import identifiers_refused, speaks
from egress_review.checks.reading.tree import read_tree
from egress_review.checks.refusal import CheckStopped, finding
from egress_review.checks.report import Finding
from onggi.claim import DROPPED, Claim

MAX_ITEMS = 64
_KNOWN = ("expressions", "from_", "joins", "where", "group", "having", "order", "with_")


def read_query(claim: Claim, catalogue: Catalogue) -> Query:
    """The provable query behind a claim.

    Raises:
        CheckStopped: with the finding that says what cannot be proven.
    """
    select = read_tree(claim.sql, claim.parameters)
    refuse_clauses(select)
    if select.args.get("distinct"):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="DISTINCT")
    only(select, *_KNOWN)
    relations = Relations(catalogue).take_with(select)
    clause = FromClause(select, relations.source)
    notes: list[Finding] = []
    items = _items(select, clause.scope, claim.columns, notes)
    for one in clause.conditions:
        identifiers_refused(one, FindingCode.IDENTIFIER_IN_FILTER)
    where = read_where(select.args.get("where"), clause, relations)
    if claim.nulls == DROPPED:
        there = [f"({item.sql} IS NOT NULL)" for item in items if isinstance(item, Key)]
        where = " AND ".join([f"({where})"] * bool(where) + there)
    sets = read_grouping(
        select.args.get("group"), items, lambda node: _group_term(node, select, items, clause.scope)
    )
    having, least = read_having(select.args.get("having"), clause, items)
    if len(clause.classes) > 1:
        notes.append(finding(FindingCode.JOIN_ACROSS_PERSONS))
    return Query(
        items=tuple(items),
        from_sql=clause.sql,
        where_sql=where,
        having_sql=having,
        least_counts=least,
        units=clause.units,
        narrowed=clause.narrowed,
        with_sql=relations.with_sql,
        second_unit=clause.second_unit,
        grouping_sets=sets,
        bucket_local=clause.bucket_local,
        notes=tuple(notes),
    )


def _items(
    select: exp.Select, scope: Scope, columns: tuple[str, ...], notes: list[Finding]
) -> list[Key | Measure]:
    nodes = select.expressions
    if len(nodes) > MAX_ITEMS:
        raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="columns", limit=MAX_ITEMS)
    if not any(is_aggregate(one) for one in nodes):
        for one in nodes:
            if not one.is_star:
                write(one.unalias(), scope)
        raise CheckStopped(FindingCode.NO_AGGREGATE)
    if not columns:
        # A claim of another system: the names are those of the query.
        columns = tuple(_name(one) for one in nodes)
    if len(nodes) != len(columns):
        raise CheckStopped(FindingCode.HEADER_DIFFERS, expected=len(nodes), found=len(columns))
    return [_item(node, name, scope, notes) for node, name in zip(nodes, columns, strict=True)]


def _name(node: exp.Expr) -> str:
    if not node.alias_or_name:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"{node.sql('duckdb')} AS ?")
    return str(node.alias_or_name)


def _item(node: exp.Expr, column: str, scope: Scope, notes: list[Finding]) -> Key | Measure:
    bare = node.unalias()
    if isinstance(node, exp.Alias):
        only(node, "this", "alias")
    shown = (
        node.alias if isinstance(node, exp.Alias) else bare.name if isinstance(bare, exp.Column) else column
    )
    if fold(shown) != fold(column):
        raise CheckStopped(FindingCode.HEADER_DIFFERS, expected=shown, found=column)
    if is_aggregate(bare):
        shapes: list[Shape] = []
        measure = read_measure(bare, column, scope, shapes)
        if Shape.SMOOTH in shapes:
            notes.append(finding(FindingCode.EXPRESSION_IN_MEASURE, column=column))
        return measure
    written = write(bare, scope)
    identifiers_refused(written, FindingCode.IDENTIFIER_IN_OUTPUT, everywhere=True)
    if not written.columns:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=bare.sql("duckdb"))
    return Key(column, written.sql, written.literals or speaks(written))


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
