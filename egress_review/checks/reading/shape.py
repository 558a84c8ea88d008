"""How far an expression inside a measure may treat single persons in their own way.

`SUM(CASE WHEN age = 97 THEN cost ELSE 1 END)` prints one person's cost while everybody "contributes". What
chooses by the data between values that are more than 0 and 1 is therefore not provable inside a measure;
arithmetic is provable, and is for people to read: also that of one column, since `SUM(cost * 3)` is not
compared with the `SUM(cost)` of another release.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from sqlglot import exp

from egress_review.checks.reading.functions import QUESTIONS
from egress_review.checks.reading.scope import Scope, Shape

_THROUGH = (exp.Paren, exp.Cast, exp.TryCast, exp.Filter)
_SMOOTH = (
    exp.Abs, exp.Ceil, exp.DateDiff, exp.DateFromParts, exp.DateTrunc, exp.Day, exp.DayOfWeek, exp.DayOfYear,
    exp.Exp, exp.Extract, exp.Floor, exp.Hour, exp.Length, exp.Ln, exp.Log, exp.Month, exp.Pow, exp.Quarter,
    exp.Round, exp.Sqrt, exp.TimestampTrunc, exp.Trunc, exp.Week, exp.WeekOfYear, exp.Year,
)  # fmt: skip
_CONSTANT = (exp.Literal, exp.Null, exp.Boolean, exp.Interval)
_QUESTION: tuple[type[Any], ...] = (exp.Predicate, exp.Connector, exp.Not, *QUESTIONS)
_INDICATORS = {"0", "1"}


def shape_of(node: exp.Expr, scope: Scope) -> Shape:
    """The shape of an expression that was written before, and so holds only known nodes."""
    if isinstance(node, exp.Column):
        return scope.resolve(node).column.shape
    if isinstance(node, _CONSTANT):
        return Shape.CONSTANT
    for kinds, shape in _SHAPES:
        if isinstance(node, kinds):
            return shape(node, scope)
    return Shape.PIECEWISE


def _inside(node: exp.Expr, scope: Scope) -> Shape:
    return shape_of(node.this, scope)


def _question(_node: exp.Expr, _scope: Scope) -> Shape:
    return Shape.INDICATOR


def _added(node: exp.Expr, scope: Scope) -> Shape:
    return _sum(shape_of(node.this, scope), shape_of(node.expression, scope))


def _multiplied(node: exp.Expr, scope: Scope) -> Shape:
    return _product(shape_of(node.this, scope), shape_of(node.expression, scope), type(node))


def _filled(node: exp.Expr, scope: Scope) -> Shape:
    """`coalesce(x, 0)`: whom it adds contributes nothing."""
    rest = [one.unnest() for one in node.expressions]
    zero = len(rest) == 1 and isinstance(rest[0], exp.Literal) and rest[0].this == "0"
    return max(shape_of(node.this, scope), Shape.FILLED) if zero else Shape.PIECEWISE


def _arithmetic(node: exp.Expr, scope: Scope) -> Shape:
    return _smooth(shape_of(one, scope) for one in _arguments(node))


def _arguments(node: exp.Expr) -> list[exp.Expr]:
    return [one for one in node.iter_expressions() if not isinstance(one, exp.Var)]


def _aggregated(node: exp.AggFunc, scope: Scope) -> Shape:
    """A person's rows summed up: as the rows, but what was 0 or 1 may be any number."""
    if isinstance(node, exp.Count | exp.CountIf):
        return Shape.PLAIN
    inside = shape_of(node.this, scope)
    return Shape.PLAIN if inside is Shape.INDICATOR else inside


def _negated(node: exp.Expr, scope: Scope) -> Shape:
    return _sum(Shape.CONSTANT, shape_of(node.this, scope))


def _sum(left: Shape, right: Shape) -> Shape:
    return Shape.CONSTANT if left is right is Shape.CONSTANT else max(left, right, Shape.SMOOTH)


def _product(left: Shape, right: Shape, kind: type[exp.Expr]) -> Shape:
    if right is Shape.CONSTANT or (left is Shape.CONSTANT and kind is exp.Mul):
        return _sum(left, right)
    if left is right is Shape.INDICATOR and kind is exp.Mul:
        return Shape.INDICATOR
    if Shape.INDICATOR in {left, right}:
        return Shape.PIECEWISE
    return max(left, right, Shape.SMOOTH)


def _smooth(shapes: Iterable[Shape]) -> Shape:
    worst = max(shapes, default=Shape.CONSTANT)
    if worst is Shape.INDICATOR:
        return Shape.PIECEWISE
    return worst if worst is Shape.CONSTANT else max(worst, Shape.SMOOTH)


def _choice(node: exp.Expr, scope: Scope) -> Shape:
    """`CASE`: an indicator if it gives 0 and 1, its one value if it gives nothing or 0 else."""
    branches = node.args["ifs"] if isinstance(node, exp.Case) else [node]
    other = node.args.get("default" if isinstance(node, exp.Case) else "false")
    results = [one.args["true"].unnest() for one in branches]
    if other is not None and not isinstance(other.unnest(), exp.Null):
        results.append(other.unnest())
    if all(isinstance(one, exp.Literal) and one.this in _INDICATORS for one in results):
        return Shape.INDICATOR
    values = [one for one in results if not isinstance(one, exp.Null)]
    zero = [one for one in values if isinstance(one, exp.Literal) and one.this == "0"]
    others = [one for one in values if not any(one is found for found in zero)]
    if len(others) == 1 and not isinstance(others[0], exp.Literal):
        found = shape_of(others[0], scope)
        return max(found, Shape.FILLED) if zero else found
    return Shape.PIECEWISE


_SHAPES: tuple[tuple[tuple[type[Any], ...], Callable[[Any, Scope], Shape]], ...] = (
    (_QUESTION, _question),
    ((exp.Count, exp.CountIf, exp.AggFunc), _aggregated),
    (_THROUGH, _inside),
    ((exp.Neg,), _negated),
    ((exp.Add, exp.Sub), _added),
    ((exp.Mul, exp.Div), _multiplied),
    ((exp.Case, exp.If), _choice),
    ((exp.Coalesce,), _filled),
    (_SMOOTH, _arithmetic),
)
"""The first kind that fits decides."""
