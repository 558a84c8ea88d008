"""The aggregates of a claim, what they are of, and who contributes to them.

Whoever contributes nothing but zero to a sum, an average or a deviation is not counted as a contributor:
`SUM(CASE WHEN … THEN cost ELSE 0 END)` is about those whose cost it adds. What stands inside an aggregate may
be a column, also converted, a value where a condition holds, 0 or 1, or arithmetic (read by people); see
`shape`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.expression import function_name, whole_number, write
from egress_review.checks.reading.query import Kind, Measure
from egress_review.checks.reading.scope import Scope, Shape, only
from egress_review.checks.reading.shape import shape_of
from egress_review.checks.refusal import CheckStopped

_STATISTICS: Mapping[type[exp.Expr], tuple[str, Kind]] = {
    exp.Avg: ("avg", Kind.AVERAGE),
    exp.Max: ("max", Kind.MAXIMUM),
    exp.Median: ("median", Kind.MEDIAN),
    exp.Min: ("min", Kind.MINIMUM),
    exp.Mode: ("mode", Kind.MODE),
    exp.Stddev: ("stddev_samp", Kind.STDDEV),
    exp.StddevPop: ("stddev_pop", Kind.STDDEV),
    exp.StddevSamp: ("stddev_samp", Kind.STDDEV),
    exp.Sum: ("sum", Kind.SUM),
    exp.Variance: ("var_samp", Kind.VARIANCE),
    exp.VariancePop: ("var_pop", Kind.VARIANCE),
}
_QUANTILES: Mapping[type[exp.Expr], tuple[str, str]] = {
    exp.PercentileCont: ("quantile_cont", "expression"),
    exp.PercentileDisc: ("quantile_disc", "expression"),
    exp.Quantile: ("quantile_disc", "quantile"),
}
_ONE_VALUE = {Kind.MINIMUM, Kind.MAXIMUM, Kind.MEDIAN, Kind.MODE, Kind.QUANTILE}
_MAX_DECIMALS = 15
_PROBABILITY_DIGITS = 6


def is_aggregate(node: exp.Expr) -> bool:
    """Whether an aggregate stands anywhere in `node`, a subquery's not counted."""
    return any(
        isinstance(one, exp.AggFunc | exp.AnonymousAggFunc)
        for one in node.walk(prune=lambda below: isinstance(below, exp.Query))
    )


def is_provable(node: exp.Expr) -> bool:
    """Whether this is one of the aggregates that can be recomputed for certain."""
    return type(node) in {exp.Count, exp.CountIf, *_STATISTICS, *_QUANTILES}


@dataclass(frozen=True, slots=True)
class _Argument:
    """What is aggregated: SQL, and whether it is the constant 1."""

    sql: str
    is_one: bool = False
    shape: Shape = Shape.PLAIN

    @property
    def present(self) -> str:
        return f"{self.sql} IS NOT NULL"


def read_aggregate(node: exp.Expr, name: str, scope: Scope, shapes: list[Shape]) -> Measure:
    """The measure that one aggregate is, with its FILTER.

    Args:
        shapes: takes the shape of what is aggregated.

    Raises:
        CheckStopped: it cannot be proven.
    """
    bare, condition = node.unnest(), ""
    if isinstance(bare, exp.Filter):
        only(bare, "this", "expression")
        only(bare.expression, "this")
        condition, bare = write_condition(bare.expression.this, scope), bare.this
    if isinstance(bare, exp.WithinGroup):
        bare = _within_group(bare)
    if isinstance(bare, exp.Count):
        return _count(bare, name, scope, condition)
    if isinstance(bare, exp.CountIf):
        only(bare, "this", "big_int")
        return _count_if(bare, name, scope, condition)
    if type(bare) in _QUANTILES:
        return _quantile(bare, name, scope, condition, shapes)
    if type(bare) not in _STATISTICS:
        if is_aggregate(bare) and isinstance(bare, exp.AggFunc | exp.AnonymousAggFunc):
            raise CheckStopped(FindingCode.AGGREGATE_NOT_PROVABLE, function=function_name(bare))
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    only(bare, "this")
    return _statistic(bare, name, scope, condition, shapes)


def decimals(node: exp.Round) -> int:
    """The places that a ROUND keeps.

    Raises:
        CheckStopped: they are not a small whole number.
    """
    only(node, "this", "decimals")
    if node.args.get("decimals") is None:
        return 0
    places = whole_number(node.args["decimals"])
    if places is None or places > _MAX_DECIMALS:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    return places


def write_condition(node: exp.Expr, scope: Scope) -> str:
    """A condition that picks nobody by an identifier.

    Raises:
        CheckStopped: it does, or cannot be proven.
    """
    written = write(node, scope)
    for one in sorted(written.identifiers, key=lambda ref: ref.name):
        raise CheckStopped(FindingCode.IDENTIFIER_IN_FILTER, column=one.name)
    return written.sql


def _within_group(node: exp.WithinGroup) -> exp.Expr:
    """`quantile(p) WITHIN GROUP (ORDER BY x)` as `quantile(x, p)`."""
    only(node, "this", "expression")
    inner, order = node.this, node.expression
    ordered = order.expressions if isinstance(order, exp.Order) else []
    if type(inner) not in _QUANTILES or len(ordered) != 1 or ordered[0].args.get("desc"):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="WITHIN GROUP")
    # Quantiles do not count NULL, so where it sorts does not matter.
    only(ordered[0], "this", "nulls_first", "desc")
    quantile: exp.Expr = type(inner)(this=ordered[0].this, expression=inner.this)
    return quantile


def _count(node: exp.Count, name: str, scope: Scope, condition: str) -> Measure:
    only(node, "this", "big_int")
    subject, distinct = node.this, ""
    if isinstance(subject, exp.Distinct):
        only(subject, "expressions")
        if len(subject.expressions) != 1:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
        subject, distinct = subject.expressions[0], "DISTINCT "
    if subject is None or (isinstance(subject, exp.Star) and not distinct):
        shown = f"CASE WHEN {condition} THEN 1 END" if condition else "*"
        if subject is not None:
            only(subject)
        return Measure(name, f"count({shown})", Kind.COUNT, condition)
    argument = _argument(subject, scope, condition, identifiers=True)
    kind = Kind.COUNT_DISTINCT if distinct else Kind.COUNT
    return Measure(name, f"count({distinct}{argument.sql})", kind, argument.present, argument.sql)


def _count_if(node: exp.CountIf, name: str, scope: Scope, condition: str) -> Measure:
    asked = write_condition(node.this, scope)
    both = f"({condition} AND {asked})" if condition else asked
    return Measure(name, f"count(CASE WHEN {both} THEN 1 END)", Kind.COUNT, both)


def _statistic(node: exp.Expr, name: str, scope: Scope, condition: str, shapes: list[Shape]) -> Measure:
    if node.this is None or isinstance(node.this, exp.Distinct):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    verb, kind = _STATISTICS[type(node)]
    if kind in _ONE_VALUE:
        _refuse_text(node, scope)
    argument = _argument(node.this, scope, condition, identifiers=False)
    shapes.append(_ranked(argument.shape) if kind is Kind.MEDIAN else argument.shape)
    contributes = argument.present
    if kind not in _ONE_VALUE:
        contributes = f"({argument.present} AND {argument.sql} <> 0)"
    kind = Kind.COUNT if argument.is_one and kind is Kind.SUM else kind
    population = verb.endswith("_pop")
    return Measure(name, f"{verb}({argument.sql})", kind, contributes, argument.sql, population=population)


def _quantile(node: exp.Expr, name: str, scope: Scope, condition: str, shapes: list[Shape]) -> Measure:
    verb, where = _QUANTILES[type(node)]
    only(node, "this", where)
    literal = node.args.get(where)
    text = literal.this if isinstance(literal, exp.Literal) and not literal.is_string else ""
    if not (text.replace(".", "", 1).isdecimal() and text.isascii()) or len(text) > _PROBABILITY_DIGITS:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    probability = float(text)
    if not 0 <= probability <= 1:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    _refuse_text(node, scope)
    argument = _argument(node.this, scope, condition, identifiers=False)
    shapes.append(_ranked(argument.shape))
    # The least and the greatest value under another name.
    kind = {0.0: Kind.MINIMUM, 1.0: Kind.MAXIMUM}.get(probability, Kind.QUANTILE)
    return Measure(
        name,
        f"{verb}({argument.sql}, {text})",
        kind,
        argument.present,
        argument.sql,
        parameters=(probability,),
        discrete=verb == "quantile_disc",
    )


def _ranked(shape: Shape) -> Shape:
    """The shape of what is put in order: above enough zeros the least of a few is a quantile of all."""
    return Shape.SMOOTH if shape is Shape.FILLED else shape


def _refuse_text(node: exp.Expr, scope: Scope) -> None:
    """A least, greatest, middle or most frequent text is one person's text."""
    if write(node.this, scope).text:
        raise CheckStopped(FindingCode.AGGREGATE_NOT_PROVABLE, function=function_name(node))


def _argument(node: exp.Expr, scope: Scope, condition: str, *, identifiers: bool) -> _Argument:
    bare = node.unnest()
    is_one = isinstance(bare, exp.Literal) and not bare.is_string and bare.this == "1"
    for choice in bare.find_all(exp.Case, exp.If):
        if choice.this is not None:
            write_condition(choice.this, scope)
    written = write(bare, scope)
    alone = isinstance(bare, exp.Column) or _filters(bare)
    for one in sorted(written.identifiers, key=lambda ref: ref.name):
        if not (identifiers and alone):
            raise CheckStopped(FindingCode.IDENTIFIER_IN_OUTPUT, column=one.name)
    if not written.columns and not is_one:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.sql("duckdb"))
    shape = Shape.PLAIN if is_one else shape_of(bare, scope)
    if shape is Shape.PIECEWISE and not identifiers:
        raise CheckStopped(FindingCode.MEASURE_NOT_PROVABLE, construct=node.sql("duckdb"))
    if shape in {Shape.PLAIN, Shape.FILLED} and written.literals:
        # `SUM(cost * 1000 + 910212)`: numbers of the query that say something are read by people.
        shape = Shape.SMOOTH
    sql = f"(CASE WHEN {condition} THEN {written.sql} END)" if condition else written.sql
    return _Argument(sql, is_one, shape)


def _filters(node: exp.Expr) -> bool:
    """`CASE WHEN condition THEN identifier END`: counts persons where a condition holds."""
    if not isinstance(node, exp.Case) or node.this is not None or node.args.get("default") is not None:
        return False
    branches = node.args["ifs"]
    return len(branches) == 1 and isinstance(branches[0].args["true"].unnest(), exp.Column)


def with_round(measure: Measure, places: int) -> Measure:
    """The measure rounded to decimal places."""
    return replace(measure, sql=f"round({measure.sql}, {places})", decimals=places)
