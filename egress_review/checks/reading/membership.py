"""WHERE, with the one kind of subquery that it may hold: whether the same person is in another relation.

`person_id IN (SELECT person_id …)` and `EXISTS (SELECT … WHERE v.person_id = p.person_id …)`, and their NOT,
as conditions that must all hold. What links a person to other persons' rows, or hides a subquery in a CASE or
an OR, is refused.
"""

from __future__ import annotations

from typing import Protocol

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.expression import write
from egress_review.checks.reading.from_clause import FromClause
from egress_review.checks.reading.scope import ColumnRef, Scope, only
from egress_review.checks.reading.select_list import identifiers_refused
from egress_review.checks.refusal import CheckStopped

_PERSON = '"_onggi_person_1"'
_MEMBER = '"_onggi_member"'


class Inner(Protocol):
    """Reads what a subquery names, and keeps the queries made of it."""

    def inner(self, select: exp.Select) -> FromClause:
        """The FROM clause of a subquery."""
        ...

    def keep(self, sql: str) -> str:
        """Give a query of ours a name."""
        ...


def read_where(where: exp.Expr | None, clause: FromClause, relations: Inner) -> str:
    """The rewritten condition, or "".

    Raises:
        CheckStopped: it cannot be proven.
    """
    if where is None:
        return ""
    only(where, "this")
    return " AND ".join(_term(one, clause, relations) for one in _terms(where.this))


def _terms(node: exp.Expr) -> list[exp.Expr]:
    """The conditions that must all hold, first to last."""
    found: list[exp.Expr] = []
    waiting = [node]
    while waiting:
        bare = waiting.pop().unnest()
        if isinstance(bare, exp.And):
            waiting += [bare.expression, bare.this]
        else:
            found.append(bare)
    return found


def _term(node: exp.Expr, clause: FromClause, relations: Inner) -> str:
    inside = node.this.unnest() if isinstance(node, exp.Not) else node
    refused = "NOT " if isinstance(node, exp.Not) else ""
    if isinstance(inside, exp.Exists):
        return f"({refused}{_exists(inside, clause, relations)})"
    if isinstance(inside, exp.In) and inside.args.get("query") is not None:
        return f"({refused}{_in(inside, clause, relations)})"
    written = write(node, clause.scope)
    identifiers_refused(written, FindingCode.IDENTIFIER_IN_FILTER)
    return written.sql


def _in(node: exp.In, clause: FromClause, relations: Inner) -> str:
    only(node, "this", "query")
    select = node.args["query"].unnest()
    if not isinstance(select, exp.Select) or not isinstance(node.this, exp.Column):
        raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)
    inner = relations.inner(select)
    listed = [one.unalias() for one in select.expressions]
    if len(listed) != 1 or not isinstance(listed[0], exp.Column):
        raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)
    outside, person = clause.scope.resolve(node.this), inner.scope.resolve(listed[0])
    _hold_same_person(outside, clause, person, inner)
    kept = _kept(person, inner, _conditions(select, inner, relations), relations)
    return f"{outside.sql()} IN (SELECT {_PERSON} FROM {kept})"


def _exists(node: exp.Exists, clause: FromClause, relations: Inner) -> str:
    only(node, "this")
    select = node.this.unnest()
    if not isinstance(select, exp.Select):
        raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)
    inner = relations.inner(select)
    where = select.args.get("where")
    terms = _terms(where.this) if where is not None else []
    links = [(one, found) for one in terms if (found := _link(one, clause.scope, inner.scope)) is not None]
    if len(links) != 1:
        raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)
    (linking, (person, outside)) = links[0]
    _hold_same_person(outside, clause, person, inner)
    rest = [_term(one, inner, relations) for one in terms if one is not linking]
    kept = _kept(person, inner, " AND ".join(rest), relations)
    return f"EXISTS (SELECT 1 FROM {kept} AS {_MEMBER} WHERE {_MEMBER}.{_PERSON} = {outside.sql()})"


def _conditions(select: exp.Select, inner: FromClause, relations: Inner) -> str:
    for one in inner.conditions:
        identifiers_refused(one, FindingCode.IDENTIFIER_IN_FILTER)
    return read_where(select.args.get("where"), inner, relations)


def _link(node: exp.Expr, outer: Scope, inner: Scope) -> tuple[ColumnRef, ColumnRef] | None:
    """The inner and the outer column of `inner = outer`."""
    if not isinstance(node, exp.EQ):
        return None
    sides = (node.this.unnest(), node.expression.unnest())
    if not all(isinstance(one, exp.Column) for one in sides):
        return None
    first, second = (_known(one, inner) for one in sides)
    if (first is None) == (second is None):
        return None
    if first is not None:
        return first, outer.resolve(sides[1])
    return (second, outer.resolve(sides[0])) if second is not None else None


def _known(column: exp.Column, scope: Scope) -> ColumnRef | None:
    try:
        return scope.resolve(column)
    except CheckStopped:
        return None


def _hold_same_person(outside: ColumnRef, clause: FromClause, person: ColumnRef, inner: FromClause) -> None:
    """Go on if both columns name persons of one data set, and the subquery is about one person at a time."""
    out = [one.dataset for one in clause.classes if outside.text in one.members]
    within = [one.dataset for one in inner.classes if person.text in one.members]
    if not out or out != within or not inner.bucket_local:
        raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)


def _kept(person: ColumnRef, inner: FromClause, where: str, relations: Inner) -> str:
    tail = f" WHERE {where}" if where else ""
    return relations.keep(f"SELECT {person.sql()} AS {_PERSON} FROM {inner.sql}{tail}")
