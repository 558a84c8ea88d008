"""Common table expressions and subqueries in FROM, each rewritten so that it carries the persons of its rows.

Guarantees: whatever comes out of here has, beside the columns that the claim may name, one hidden column for
each class of persons and one for the institution. What would lose them is refused as `unit_lost`: grouping or
DISTINCT without the person.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.aggregate import is_aggregate
from egress_review.checks.reading.expression import Written, write
from egress_review.checks.reading.from_clause import OURS, FromClause
from egress_review.checks.reading.membership import read_where
from egress_review.checks.reading.person_level import group_terms, keep_units, write_by_person
from egress_review.checks.reading.scope import Catalogue, Column, Relation, Shape, fold, only
from egress_review.checks.reading.select_list import expand, identifiers_refused, speaks
from egress_review.checks.reading.shape import shape_of
from egress_review.checks.refusal import CheckStopped
from onggi.table_form import quote_name

MAX_RELATIONS = 24
_INSTITUTION = "_onggi_institution"
_CLAUSES = {
    "limit": "LIMIT",
    "offset": "OFFSET",
    "qualify": "QUALIFY",
    "windows": "WINDOW",
    "sample": "SAMPLE",
    "into": "INTO",
    "laterals": "LATERAL",
    "pivots": "PIVOT",
}
_INNER = ("expressions", "from_", "joins", "where", "group", "having", "distinct", "with_", "order")


def refuse_clauses(select: exp.Expr) -> None:
    """Name the clause that cannot be proven by its keyword.

    Raises:
        CheckStopped: there is one.
    """
    for name, keyword in _CLAUSES.items():
        if select.args.get(name):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=keyword)


@dataclass(slots=True)
class Relations:
    """What FROM may name, and the rewritten common table expressions so far.

    Attributes:
        named: common table expressions by name; an inner WITH sees the outer ones.
        parts: the texts of WITH, in order.
    """

    catalogue: Catalogue
    named: dict[str, Relation] = field(default_factory=dict)
    parts: list[str] = field(default_factory=list)

    @property
    def with_sql(self) -> str:
        """The common table expressions without their keyword."""
        return ", ".join(self.parts)

    def take_with(self, query: exp.Expr) -> Relations:
        """These relations and those of the query's own WITH.

        Raises:
            CheckStopped: one of them cannot be proven.
        """
        clause = query.args.get("with_")
        if clause is None:
            return self
        if clause.args.get("recursive"):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="WITH RECURSIVE")
        only(clause, "expressions")
        inside = Relations(self.catalogue, dict(self.named), self.parts)
        for one in clause.expressions:
            only(one, "this", "alias")
            only(one.args["alias"], "this")
            inside.named[fold(one.alias)] = inside.read(one.this)
        return inside

    def source(self, node: exp.Expr) -> Relation:
        """What a FROM clause or a join names.

        Raises:
            CheckStopped: it cannot be proven.
        """
        if isinstance(node, exp.Subquery):
            only(node, "this", "alias")
            return self.read(node.this)
        if not isinstance(node, exp.Table):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.key)
        if isinstance(node.this, exp.Identifier) and not node.db and fold(node.name) in self.named:
            only(node, "this", "alias")
            return self.named[fold(node.name)]
        return self.catalogue.relation(node)

    def read(self, query: exp.Expr) -> Relation:
        """Rewrite a query that carries persons and give it a name of ours.

        Raises:
            CheckStopped: it cannot be proven.
        """
        if isinstance(query, exp.Subquery):
            only(query, "this")
            return self.read(query.this)
        refuse_clauses(query)
        if isinstance(query, exp.Union):
            relation, sql = self._union(query)
        elif isinstance(query, exp.Select):
            relation, sql = self._select(query)
        else:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=query.key.upper())
        return replace(relation, sql=self.keep(sql))

    def _select(self, select: exp.Select) -> tuple[Relation, str]:
        only(select, *_INNER)
        inside = self.take_with(select)
        clause = FromClause(select, inside.source)
        for one in clause.conditions:
            identifiers_refused(one, FindingCode.IDENTIFIER_IN_FILTER)
        where = read_where(select.args.get("where"), clause, inside)
        listed = expand(select, clause.scope)
        grouped = select.args.get("group") is not None
        if not grouped and any(is_aggregate(node) for _, node in listed):
            raise CheckStopped(FindingCode.UNIT_LOST, dataset=clause.classes[0].dataset)
        written = {name: _item(node, clause, grouped=grouped) for name, node in listed}
        columns = {name: _column(name, node, written[name], clause) for name, node in listed}
        carried = _carried(
            select, listed, written, clause, distinct=grouped or bool(select.args.get("distinct"))
        )
        tail = _tail(select, listed, written, clause, where)
        shown = [f"{written[name].sql} AS {quote_name(name)}" for name, _ in listed]
        shown += [f"{sql} AS {quote_name(name)}" for name, sql in carried.items()]
        distinct = "DISTINCT " if select.args.get("distinct") else ""
        relation = Relation(
            sql="",
            columns=columns,
            units={_person(place): one.dataset for place, one in enumerate(clause.classes)},
            institution=_INSTITUTION if _INSTITUTION in carried else "",
            narrowed=clause.narrowed or bool(where) or select.args.get("having") is not None,
            bucket_local=clause.bucket_local,
        )
        # Every part was written here; no text of the claim is in it.
        return relation, f"SELECT {distinct}{', '.join(shown)} FROM {clause.sql}{tail}"

    def _union(self, union: exp.Union) -> tuple[Relation, str]:
        """`UNION ALL` of queries that carry the same kind of person."""
        only(union, "this", "expression", "distinct", "order")
        if union.args.get("distinct"):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="UNION (DISTINCT)")
        left, right = self.read(union.this), self.read(union.expression)
        kinds = {tuple(one.units.values()) for one in (left, right)}
        if len(left.columns) != len(right.columns) or len(kinds) != 1 or len(left.units) != 1:
            raise CheckStopped(FindingCode.UNIT_LOST, dataset=next(iter(left.units.values())))
        columns = {
            one.name: _either(one, other)
            for one, other in zip(left.columns.values(), right.columns.values(), strict=True)
        }
        institution = _INSTITUTION if left.institution and right.institution else ""
        hidden = [_person(0), *([institution] if institution else [])]
        texts = [
            f"SELECT {', '.join(quote_name(name) for name in (*one.columns, *hidden))} FROM {one.sql}"
            for one in (left, right)
        ]
        local = left.bucket_local and right.bucket_local
        # A row may stand in both: whoever compares with the whole group compares with the wrong one.
        relation = Relation("", columns, dict(left.units), institution, narrowed=True, bucket_local=local)
        return relation, " UNION ALL ".join(texts)

    def inner(self, select: exp.Select) -> FromClause:
        """The FROM clause of a subquery in EXISTS or IN.

        Raises:
            CheckStopped: it cannot be proven.
        """
        refuse_clauses(select)
        only(select, "expressions", "from_", "joins", "where")
        return FromClause(select, self.source)

    def keep(self, sql: str) -> str:
        """Give a query of ours a name.

        Raises:
            CheckStopped: there are too many.
        """
        if len(self.parts) >= MAX_RELATIONS:
            raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="subqueries", limit=MAX_RELATIONS)
        name = quote_name(f"q{len(self.parts) + 1}")
        self.parts.append(f"{name} AS ({sql})")
        return name


def _person(place: int) -> str:
    return f"_onggi_person_{place + 1}"


def _item(node: exp.Expr, clause: FromClause, *, grouped: bool) -> Written:
    written = write_by_person(node, clause.scope) if grouped else write(node, clause.scope)
    if not isinstance(node, exp.Column):
        identifiers_refused(written, FindingCode.IDENTIFIER_IN_OUTPUT)
    return written


def _column(name: str, node: exp.Expr, written: Written, clause: FromClause) -> Column:
    if name.startswith(OURS):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=name)
    classes = [(place, one) for place, one in enumerate(clause.classes) if written.sql in one.members]
    shape = shape_of(node, clause.scope)
    return Column(
        name,
        identifier=isinstance(node, exp.Column) and clause.scope.resolve(node).is_identifier,
        unit=_person(classes[0][0]) if classes else "",
        always=bool(classes) and written.sql in classes[0][1].always,
        text=written.text,
        literals=written.literals,
        speaks=speaks(written),
        digits=written.digits,
        # A constant of one relation is missing in the rows that an outer join adds.
        shape=Shape.INDICATOR if shape is Shape.CONSTANT else shape,
        nodes=written.nodes,
    )


def _carried(
    select: exp.Select,
    listed: list[tuple[str, exp.Expr]],
    written: Mapping[str, Written],
    clause: FromClause,
    *,
    distinct: bool,
) -> dict[str, str]:
    """The hidden columns and their expressions.

    Raises:
        CheckStopped: `unit_lost`.
    """
    if not distinct:
        hidden = {_person(place): one.sql for place, one in enumerate(clause.classes)}
        return {**hidden, _INSTITUTION: clause.second_unit} if clause.second_unit else hidden
    terms = [one.sql for one in written.values()]
    if select.args.get("group") is not None:
        terms = group_terms(select, listed, written, clause.scope)
    keep_units(clause.classes, terms)
    return {
        _person(place): next(term for term in terms if term in one.always)
        for place, one in enumerate(clause.classes)
    }


def _tail(
    select: exp.Select,
    listed: list[tuple[str, exp.Expr]],
    written: Mapping[str, Written],
    clause: FromClause,
    where: str,
) -> str:
    """WHERE, GROUP BY and HAVING; a HAVING may ask anything of a person's own rows."""
    tail = f" WHERE {where}" if where else ""
    if select.args.get("group") is None:
        if select.args.get("having") is not None:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="HAVING")
        return tail
    tail += f" GROUP BY {', '.join(group_terms(select, listed, written, clause.scope))}"
    having = select.args.get("having")
    if having is None:
        return tail
    only(having, "this")
    asked = write_by_person(having.this, clause.scope)
    identifiers_refused(asked, FindingCode.IDENTIFIER_IN_FILTER)
    return f"{tail} HAVING {asked.sql}"


def _either(one: Column, other: Column) -> Column:
    """A column of a UNION: whatever may be true of one branch may be true of it."""
    plain = {one.shape, other.shape} <= {Shape.PLAIN, Shape.FILLED}
    return Column(
        one.name,
        identifier=one.identifier or other.identifier,
        unit=_person(0) if one.unit and other.unit else "",
        always=one.always and other.always,
        text=one.text or other.text,
        literals=one.literals or other.literals,
        speaks=one.speaks or other.speaks,
        digits=max(one.digits, other.digits),
        shape=Shape.SMOOTH if plain else Shape.PIECEWISE,
        nodes=one.nodes + other.nodes,
    )
