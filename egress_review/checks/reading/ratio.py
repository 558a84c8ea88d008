"""A published number: an aggregate, a ratio of two, a power of ten times that, or ROUND of one of these.

A factor other than a power of ten is not read: `COUNT(*) * 910212 / COUNT(*)` prints a number of the query.
"""

from __future__ import annotations

import re
from dataclasses import replace

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.aggregate import decimals, is_provable, read_aggregate, with_round
from egress_review.checks.reading.expression import function_name, type_name
from egress_review.checks.reading.query import Kind, Measure
from egress_review.checks.reading.scope import Scope, Shape, only
from egress_review.checks.refusal import CheckStopped

_SCALE = re.compile(r"10{0,6}(\.0{1,3})?")
_WIDENING = {"DOUBLE", "FLOAT", "BIGINT"}


def read_measure(node: exp.Expr, name: str, scope: Scope, shapes: list[Shape] | None = None) -> Measure:
    """The measure that a select item is.

    Args:
        shapes: takes the shapes of what is aggregated.

    Raises:
        CheckStopped: it is something else.
    """
    for inside in node.find_all(exp.AggFunc, exp.AnonymousAggFunc):
        if not is_provable(inside):
            raise CheckStopped(FindingCode.AGGREGATE_NOT_PROVABLE, function=function_name(inside))
    if node.find(exp.Window) is not None:
        raise CheckStopped(FindingCode.WINDOW_FUNCTION)
    if node.find(exp.Query) is not None:
        raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)
    return _read(node, name, scope, [] if shapes is None else shapes)


def _read(node: exp.Expr, name: str, scope: Scope, shapes: list[Shape]) -> Measure:
    bare = node.unnest()
    if isinstance(bare, exp.Round):
        return with_round(_read(bare.this, name, scope, shapes), decimals(bare))
    if isinstance(bare, exp.Cast):
        return _cast(bare, name, scope, shapes)
    if isinstance(bare, exp.Mul | exp.Div):
        scale, measure = _scaled(bare, name, scope, shapes)
        if scale and measure.kind is not Kind.RATIO:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
        return replace(measure, scale=scale) if scale else measure
    return read_aggregate(bare, name, scope, shapes)


def _cast(node: exp.Cast, name: str, scope: Scope, shapes: list[Shape]) -> Measure:
    """`count(*)::DOUBLE`, as people write it before they divide."""
    only(node, "this", "to", "_type", "safe")
    to = type_name(node.args["to"])
    inner = _read(node.this, name, scope, shapes)
    if isinstance(node, exp.TryCast) or to not in _WIDENING:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    return replace(inner, sql=f"CAST({inner.sql} AS {to})")


def _scaled(node: exp.Expr, name: str, scope: Scope, shapes: list[Shape]) -> tuple[str, Measure]:
    """The factor and the ratio in `100.0 * a / b`, `100 * (a / b)`, `a * 100.0 / b`, `a / b * 100`."""
    only(node, "this", "expression", "typed", "safe")
    left, right = node.this.unnest(), node.expression.unnest()
    if isinstance(node, exp.Mul):
        factor, other = (left, right) if isinstance(left, exp.Literal) else (right, left)
        scale = _scale(factor)
        measure = _read(other, name, scope, shapes)
        if measure.scale:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
        return scale, replace(measure, sql=f"({scale} * {measure.sql})")
    scale = ""
    if isinstance(left, exp.Mul):
        one, two = left.this.unnest(), left.expression.unnest()
        factor, left = (one, two) if isinstance(one, exp.Literal) else (two, one)
        scale = _scale(factor)
    return scale, _ratio(left, right, scale, name, scope, shapes)


def _ratio(
    left: exp.Expr, right: exp.Expr, scale: str, name: str, scope: Scope, shapes: list[Shape]
) -> Measure:
    guarded = isinstance(right, exp.Nullif)
    if isinstance(right, exp.Nullif):
        only(right, "this", "expression")
        if right.expression.sql() != "0":
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=right.sql("duckdb"))
        right = right.this
    above, below = _read(left, name, scope, shapes), _read(right, name, scope, shapes)
    if Kind.RATIO in {above.kind, below.kind}:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="a / b / c")
    divisor = f"nullif({below.sql}, 0)" if guarded else below.sql
    top = f"({scale} * {above.sql})" if scale else above.sql
    return Measure(name, f"({top} / {divisor})", Kind.RATIO, above.contributes, parts=(above, below))


def _scale(node: exp.Expr) -> str:
    text = node.this if isinstance(node, exp.Literal) and not node.is_string else ""
    if not _SCALE.fullmatch(text):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    return str(text)
