"""The aggregates of a claim that can be proven, and who contributes to them.

COUNT, SUM and AVG over a column, or over a column where a condition holds. A general expression inside SUM
or AVG is not provable in the first form: `SUM(CASE WHEN … THEN cost ELSE 1 END)` prints one person's cost
while everybody "contributes". Whoever contributes nothing but zero to a sum or an average is not counted as
a contributor, for the same reason.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.expression import function_name, whole_number, write
from egress_review.checks.reading.from_clause import FromClause
from egress_review.checks.reading.query import Kind, Measure
from egress_review.checks.reading.scope import Scope, only
from egress_review.checks.refusal import CheckStopped

_PROVABLE = (exp.Count, exp.Sum, exp.Avg)
_MAX_DECIMALS = 15


def is_aggregate(node: exp.Expr) -> bool:
    """Whether an aggregate stands anywhere in `node`."""
    return node.find(exp.AggFunc, exp.AnonymousAggFunc) is not None


@dataclass(frozen=True, slots=True)
class _Argument:
    """What is aggregated: SQL, the condition for it to count, and whether it is the constant 1."""

    sql: str
    contributes: str
    is_one: bool = False


def read_measure(node: exp.Expr, name: str, clause: FromClause) -> Measure:
    """The measure that a select item is: an aggregate, or ROUND of one.

    Raises:
        CheckStopped: it is something else.
    """
    for inside in node.find_all(exp.AggFunc, exp.AnonymousAggFunc):
        if not isinstance(inside, _PROVABLE):
            raise CheckStopped(FindingCode.AGGREGATE_NOT_PROVABLE, function=function_name(inside))
    bare = node.unnest()
    if isinstance(bare, exp.Round):
        only(bare, "this", "decimals")
        inner = read_measure(bare.this, name, clause)
        decimals = _decimals(bare)
        return replace(inner, sql=f"round({inner.sql}, {decimals})", decimals=decimals)
    condition = ""
    if isinstance(bare, exp.Filter):
        only(bare, "this", "expression")
        condition, bare = _condition(bare.expression.this, clause.scope), bare.this
    if not isinstance(bare, _PROVABLE):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    if isinstance(bare, exp.Count):
        return _count(bare, name, clause.scope, condition)
    return _total(bare, name, clause.scope, condition)


def _decimals(node: exp.Round) -> int:
    if node.args.get("decimals") is None:
        return 0
    decimals = whole_number(node.args["decimals"])
    if decimals is None or decimals > _MAX_DECIMALS:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    return decimals


def _count(node: exp.Count, name: str, scope: Scope, condition: str) -> Measure:
    only(node, "this", "big_int")
    subject, distinct = node.this, ""
    if isinstance(subject, exp.Distinct):
        only(subject, "expressions")
        if len(subject.expressions) != 1:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
        subject, distinct = subject.expressions[0], "DISTINCT "
    if isinstance(subject, exp.Star) and not distinct:
        only(subject)
        shown = f"CASE WHEN {condition} THEN 1 END" if condition else "*"
        return Measure(name, f"count({shown})", Kind.COUNT, condition)
    argument = _argument(subject, scope, condition, identifiers=True)
    kind = Kind.COUNT_DISTINCT if distinct else Kind.COUNT
    return Measure(name, f"count({distinct}{argument.sql})", kind, argument.contributes, argument.sql)


def _total(node: exp.Expr, name: str, scope: Scope, condition: str) -> Measure:
    only(node, "this")
    if isinstance(node.this, exp.Distinct):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    argument = _argument(node.this, scope, condition, identifiers=False)
    verb, kind = ("sum", Kind.SUM) if isinstance(node, exp.Sum) else ("avg", Kind.AVERAGE)
    contributes = f"({argument.contributes} AND {argument.sql} <> 0)"
    kind = Kind.COUNT if argument.is_one and kind is Kind.SUM else kind
    return Measure(name, f"{verb}({argument.sql})", kind, contributes, argument.sql)


def _argument(node: exp.Expr, scope: Scope, condition: str, *, identifiers: bool) -> _Argument:
    bare = node.unnest()
    if isinstance(bare, exp.Case | exp.If):
        sql, is_one = _conditional(bare, scope, identifiers=identifiers)
    else:
        sql, is_one = _plain(bare, scope, identifiers=identifiers)
    if condition:
        sql = f"(CASE WHEN {condition} THEN {sql} END)"
    return _Argument(sql, f"{sql} IS NOT NULL", is_one)


def _plain(node: exp.Expr, scope: Scope, *, identifiers: bool) -> tuple[str, bool]:
    """A column, a cast column, or the number 1."""
    if isinstance(node, exp.Literal) and not node.is_string and node.this == "1":
        return "1", True
    column = node.this if isinstance(node, exp.Cast) else node
    if not isinstance(column, exp.Column):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    found = scope.resolve(column)
    if found.is_identifier and not identifiers:
        raise CheckStopped(FindingCode.IDENTIFIER_IN_OUTPUT, column=found.name)
    return write(node, scope).sql, False


def _conditional(node: exp.Expr, scope: Scope, *, identifiers: bool) -> tuple[str, bool]:
    """`CASE WHEN condition THEN column-or-1 [ELSE NULL or 0] END`."""
    branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
    other = node.args.get("default" if isinstance(node, exp.Case) else "false")
    if isinstance(node, exp.Case):
        only(node, "ifs", "default")
    if len(branches) != 1:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="CASE WHEN … WHEN …")
    zero = isinstance(other, exp.Literal) and not other.is_string and other.this == "0" and not identifiers
    if not (other is None or isinstance(other, exp.Null) or zero):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    value, is_one = _plain(branches[0].args["true"].unnest(), scope, identifiers=identifiers)
    condition = _condition(branches[0].this, scope)
    return f"(CASE WHEN {condition} THEN {value}{' ELSE 0' if zero else ''} END)", is_one


def _condition(node: exp.Expr, scope: Scope) -> str:
    written = write(node, scope)
    for one in sorted(written.identifiers, key=lambda ref: ref.name):
        raise CheckStopped(FindingCode.IDENTIFIER_IN_FILTER, column=one.name)
    return written.sql
