"""Aggregates by person: the SELECT … GROUP BY person_id that is joined or grouped again later.

Any statistic of one person's own rows is that person's value, so more aggregates are allowed here than in the
last SELECT, as long as they come out the same every time. The person must be a group key: otherwise the unit
is lost.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.aggregate import is_aggregate
from egress_review.checks.reading.expression import Writer, Written, function_name, whole_number, write
from egress_review.checks.reading.scope import Scope, fold, only
from egress_review.checks.reading.units import UnitClass
from egress_review.checks.refusal import CheckStopped

_AGGREGATES: Mapping[type[exp.Expr], tuple[str, str]] = {
    exp.Avg: ("avg", ""),
    exp.LogicalAnd: ("bool_and", ""),
    exp.LogicalOr: ("bool_or", ""),
    exp.Max: ("max", ""),
    exp.Median: ("median", ""),
    exp.Min: ("min", ""),
    exp.PercentileCont: ("quantile_cont", "expression"),
    exp.PercentileDisc: ("quantile_disc", "expression"),
    exp.Quantile: ("quantile_disc", "quantile"),
    exp.Stddev: ("stddev_samp", ""),
    exp.StddevPop: ("stddev_pop", ""),
    exp.StddevSamp: ("stddev_samp", ""),
    exp.Sum: ("sum", ""),
    exp.Variance: ("var_samp", ""),
    exp.VariancePop: ("var_pop", ""),
}


class PersonWriter(Writer):
    """Writes expressions that may hold aggregates of the rows of one person."""

    def other(self, node: exp.Expr) -> str:
        """Aggregates, and else what a plain expression says."""
        if isinstance(node, exp.Filter):
            only(node, "this", "expression")
            only(node.expression, "this")
            with self._question():
                condition = self.write(node.expression.this)
            return f"{self.write(node.this)} FILTER (WHERE {condition})"
        if isinstance(node, exp.Count):
            return self._count(node)
        if isinstance(node, exp.CountIf):
            only(node, "this", "big_int")
            with self._question():
                return f"count(CASE WHEN {self.write(node.this)} THEN 1 END)"
        if type(node) in _AGGREGATES:
            return self._statistic(node, *_AGGREGATES[type(node)])
        return super().other(node)

    def _count(self, node: exp.Count) -> str:
        only(node, "this", "big_int")
        subject, distinct = node.this, ""
        if isinstance(subject, exp.Distinct) and len(subject.expressions) == 1:
            only(subject, "expressions")
            subject, distinct = subject.expressions[0], "DISTINCT "
        if subject is None or isinstance(subject, exp.Star):
            return "count(*)"
        # How many there are says nothing of the identifiers and texts that are counted.
        before = (set(self._notes.identifiers), self._notes.text)
        with self._question():
            counted = self._plain(subject) if isinstance(subject, exp.Column) else self.write(subject)
        if isinstance(subject, exp.Column):
            self._notes.identifiers, self._notes.text = before
        return f"count({distinct}{counted})"

    def _statistic(self, node: exp.Expr, verb: str, parameter: str) -> str:
        only(node, "this", *([parameter] if parameter else []))
        argument = self.write(node.this)
        if not parameter:
            return f"{verb}({argument})"
        probability = node.args.get(parameter)
        if not isinstance(probability, exp.Literal) or probability.is_string:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=function_name(node))
        return f"{verb}({argument}, {self.write(probability)})"


def write_by_person(node: exp.Expr, scope: Scope) -> Written:
    """Rewrite an expression that may hold aggregates.

    Raises:
        CheckStopped: it holds something that is on no list.
    """
    written = Written()
    written.sql = PersonWriter(scope, written).write(node)
    return written


def group_terms(
    select: exp.Select, listed: Sequence[tuple[str, exp.Expr]], written: Mapping[str, Written], scope: Scope
) -> list[str]:
    """The rewritten GROUP BY of an inner SELECT: columns, positions, aliases or ALL.

    Args:
        listed: name and expression of what is selected.
        written: the same rewritten, by name.

    Raises:
        CheckStopped: it uses grouping sets, or positions that are not there.
    """
    group = select.args["group"]
    plain = [name for name, node in listed if not is_aggregate(node)]
    if group.args.get("all") is True:
        only(group, "all")
        return [written[name].sql for name in plain]
    only(group, "expressions")
    terms: list[str] = []
    for node in group.expressions:
        bare = node.unnest()
        place = whole_number(bare)
        if place is not None:
            if not 1 <= place <= len(listed) or listed[place - 1][0] not in plain:
                raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"GROUP BY {place}")
            terms.append(written[listed[place - 1][0]].sql)
        elif isinstance(bare, exp.Column) and not bare.table and not scope.knows(bare.name):
            if fold(bare.name) not in plain:
                raise CheckStopped(FindingCode.COLUMN_UNKNOWN, column=bare.sql("duckdb"))
            terms.append(written[fold(bare.name)].sql)
        else:
            terms.append(write(bare, scope).sql)
    return terms


def keep_units(classes: Sequence[UnitClass], terms: Sequence[str]) -> None:
    """Go on if the groups keep the persons of every class apart.

    Raises:
        CheckStopped: `unit_lost`.
    """
    for one in classes:
        if not one.always & set(terms):
            raise CheckStopped(FindingCode.UNIT_LOST, dataset=one.dataset)
