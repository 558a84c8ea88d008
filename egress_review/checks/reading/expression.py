"""Rewrites a scalar expression of a claim into SQL of our own making.

Guarantees: the text that comes out contains only node types, functions and types listed here, columns of
the scope, and literals quoted here; nothing of the claim's text is copied. Anything else stops the check.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from sqlglot import exp

from egress_review.checks.findings import FindingCode
from egress_review.checks.reading.scope import ColumnRef, Scope, fold, only
from egress_review.checks.refusal import CheckStopped
from onggi.table_form import quote_text

_BINARY: Mapping[type[exp.Expr], str] = {
    exp.Add: "+",
    exp.And: "AND",
    exp.DPipe: "||",
    exp.Div: "/",
    exp.EQ: "=",
    exp.GT: ">",
    exp.GTE: ">=",
    exp.IntDiv: "//",
    exp.LT: "<",
    exp.LTE: "<=",
    exp.Mod: "%",
    exp.Mul: "*",
    exp.NEQ: "<>",
    exp.NullSafeEQ: "IS NOT DISTINCT FROM",
    exp.NullSafeNEQ: "IS DISTINCT FROM",
    exp.Or: "OR",
    exp.Sub: "-",
    exp.Like: "LIKE",
    exp.ILike: "ILIKE",
}
_FUNCTIONS: Mapping[type[exp.Expr], tuple[str, tuple[str, ...]]] = {
    exp.Abs: ("abs", ("this",)),
    exp.Ceil: ("ceil", ("this",)),
    exp.Coalesce: ("coalesce", ("this", "expressions")),
    exp.Day: ("day", ("this",)),
    exp.Floor: ("floor", ("this",)),
    exp.Greatest: ("greatest", ("this", "expressions")),
    exp.Least: ("least", ("this", "expressions")),
    exp.Length: ("length", ("this",)),
    exp.Lower: ("lower", ("this",)),
    exp.Month: ("month", ("this",)),
    exp.Nullif: ("nullif", ("this", "expression")),
    exp.Quarter: ("quarter", ("this",)),
    exp.Round: ("round", ("this", "decimals")),
    exp.Substring: ("substring", ("this", "start", "length")),
    exp.Trim: ("trim", ("this",)),
    exp.Upper: ("upper", ("this",)),
    exp.Year: ("year", ("this",)),
}
_NOTES = frozenset({"typed", "safe", "ignore_nulls", "big_int", "_type", "is_null"})
_TYPES = frozenset({
    "BIGINT", "BOOLEAN", "DATE", "DOUBLE", "FLOAT", "INT",
    "SMALLINT", "TEXT", "TIMESTAMP", "TINYINT", "VARCHAR",
})  # fmt: skip
_HARMLESS_DIGITS = 3
_HARMLESS_DIGITS_TOGETHER = 6
_PARTS = frozenset({"YEAR", "QUARTER", "MONTH", "DAY"})
_NUMBER = re.compile(r"\d{1,40}(\.\d{1,40})?([eE][+-]?\d{1,3})?|\.\d{1,40}([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(slots=True)
class Written:
    """A rewritten expression and what it uses.

    Attributes:
        columns: all columns in it.
        identifiers: identifier columns used for more than joining or asking whether there is one.
        literals: whether a literal that can say something stands where it could become part of the result:
            any text, a number of more than three digits, numbers of more than six digits together, or any
            constant chosen by a CASE.
        digits: of all numbers that stand there.
    """

    sql: str = ""
    columns: set[ColumnRef] = field(default_factory=set)
    identifiers: set[ColumnRef] = field(default_factory=set)
    literals: bool = False
    digits: int = 0


def write(node: exp.Expr, scope: Scope) -> Written:
    """Rewrite `node`.

    Raises:
        CheckStopped: it holds something that is not on the lists above.
    """
    written = Written()
    written.sql = _Writer(scope, written).write(node)
    return written


class _Writer:
    def __init__(self, scope: Scope, notes: Written) -> None:
        self._scope = scope
        self._notes = notes
        self._asking = 0

    def write(self, node: exp.Expr) -> str:
        kind = type(node)
        if kind in _BINARY:
            return self._binary(node, _BINARY[kind])
        if kind in _FUNCTIONS:
            return self._function(node, *_FUNCTIONS[kind])
        if kind in _SPECIAL:
            return _SPECIAL[kind](self, node)
        if isinstance(node, exp.AggFunc):
            raise CheckStopped(FindingCode.AGGREGATE_NOT_PROVABLE, function=function_name(node))
        if isinstance(node, exp.Func):
            raise CheckStopped(FindingCode.FUNCTION_NOT_ALLOWED, function=function_name(node))
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.key)

    def _binary(self, node: exp.Expr, operator: str) -> str:
        only(node, "this", "expression", *_NOTES)
        if isinstance(node, exp.EQ) and self._joins(node):
            return f"({self._plain(node.this)} = {self._plain(node.expression)})"
        with self._question(asked=isinstance(node, exp.Predicate)):
            return f"({self.write(node.this)} {operator} {self.write(node.expression)})"

    @contextlib.contextmanager
    def _question(self, *, asked: bool = True) -> Iterator[None]:
        """Within a question only its yes or no can become part of the result, no literal."""
        self._asking += asked
        yield
        self._asking -= asked

    def _joins(self, node: exp.Expr) -> bool:
        sides = (node.this, node.expression)
        return all(isinstance(one, exp.Column) and self._scope.resolve(one).is_identifier for one in sides)

    def _plain(self, node: exp.Column) -> str:
        """A column whose value is only compared with another identifier or with NULL."""
        found = self._scope.resolve(node)
        self._notes.columns.add(found)
        return found.sql()

    def _function(self, node: exp.Expr, name: str, known: tuple[str, ...]) -> str:
        only(node, *known, *_NOTES)
        arguments: list[str] = []
        for part in known:
            value = node.args.get(part)
            values = value if isinstance(value, list) else [value]
            arguments.extend(self.write(one) for one in values if one is not None)
        return f"{name}({', '.join(arguments)})"

    def column(self, node: exp.Column) -> str:
        found = self._scope.resolve(node)
        self._notes.columns.add(found)
        if found.is_identifier:
            self._notes.identifiers.add(found)
        return found.sql()

    def literal(self, node: exp.Literal) -> str:
        digits = len(node.this.replace(".", ""))
        self._notes.digits += digits if not self._asking else 0
        telling = node.is_string or digits > _HARMLESS_DIGITS
        telling |= self._notes.digits > _HARMLESS_DIGITS_TOGETHER
        self._notes.literals |= telling and not self._asking
        if node.is_string:
            return quote_text(_sound(node.this))
        if not _NUMBER.fullmatch(node.this):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.this)
        return str(node.this)

    def boolean(self, node: exp.Boolean) -> str:
        return "TRUE" if node.this else "FALSE"

    def null(self, _node: exp.Null) -> str:
        return "NULL"

    def paren(self, node: exp.Paren) -> str:
        only(node, "this")
        return f"({self.write(node.this)})"

    def negative(self, node: exp.Neg) -> str:
        only(node, "this")
        return f"(-{self.write(node.this)})"

    def negation(self, node: exp.Not) -> str:
        only(node, "this")
        return f"(NOT {self.write(node.this)})"

    def is_(self, node: exp.Is) -> str:
        only(node, "this", "expression")
        if not isinstance(node.expression, exp.Null | exp.Boolean):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="IS")
        subject = node.this
        asked = self._plain(subject) if isinstance(subject, exp.Column) else self.write(subject)
        return f"({asked} IS {self.write(node.expression)})"

    def in_(self, node: exp.In) -> str:
        only(node, "this", "expressions")
        if not node.expressions:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="IN")
        with self._question():
            return f"({self.write(node.this)} IN ({', '.join(self.write(one) for one in node.expressions)}))"

    def between(self, node: exp.Between) -> str:
        only(node, "this", "low", "high")
        with self._question():
            low, high = self.write(node.args["low"]), self.write(node.args["high"])
            return f"({self.write(node.this)} BETWEEN {low} AND {high})"

    def case(self, node: exp.Case) -> str:
        only(node, "this", "ifs", "default")
        subject = f" {self.write(node.this)}" if node.this is not None else ""
        parts = [self._branch(one) for one in node.args["ifs"]]
        default = node.args.get("default")
        other = "" if default is None else f" ELSE {self._result(default)}"
        return f"(CASE{subject} {' '.join(parts)}{other} END)"

    def if_(self, node: exp.If) -> str:
        only(node, "this", "true", "false")
        other = node.args.get("false")
        default = "" if other is None else f" ELSE {self._result(other)}"
        return f"(CASE {self._branch(node)}{default} END)"

    def _branch(self, node: exp.If) -> str:
        return f"WHEN {self.write(node.this)} THEN {self._result(node.args['true'])}"

    def _result(self, node: exp.Expr) -> str:
        bare = node.unnest()
        constant = isinstance(bare.this if isinstance(bare, exp.Neg) else bare, exp.Literal)
        self._notes.literals |= constant and not self._asking
        return self.write(node)

    def cast(self, node: exp.Cast) -> str:
        only(node, "this", "to", *_NOTES)
        to = node.args["to"]
        only(to, "this", "nested")
        name = to.this.value if hasattr(to.this, "value") else str(to.this)
        if name not in _TYPES:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"CAST {name}")
        verb = "TRY_CAST" if isinstance(node, exp.TryCast) else "CAST"
        return f"{verb}({self.write(node.this)} AS {name})"

    def extract(self, node: exp.Extract) -> str:
        only(node, "this", "expression")
        return f"{_part(node.this)}({self.write(node.expression)})"

    def truncate(self, node: exp.Expr) -> str:
        only(node, "this", "unit")
        return f"date_trunc('{_part(node.args['unit'])}', {self.write(node.this)})"


def whole_number(node: exp.Expr | None) -> int | None:
    """The value of a literal whole number of at most nine digits, else None."""
    if not isinstance(node, exp.Literal) or node.is_string or not re.fullmatch(r"[0-9]{1,9}", node.this):
        return None
    return int(node.this)


def _part(node: exp.Expr) -> str:
    name = node.name.upper()
    if name not in _PARTS:
        raise CheckStopped(FindingCode.FUNCTION_NOT_ALLOWED, function=name)
    return fold(name)


def _sound(text: str) -> str:
    if "\x00" in text:
        raise CheckStopped(FindingCode.SQL_UNREADABLE)
    return text


def function_name(node: exp.Expr) -> str:
    """What a person calls this function."""
    if isinstance(node, exp.Anonymous | exp.AnonymousAggFunc):
        return str(node.this)
    return node.sql_name() if isinstance(node, exp.Func) else node.key


_SPECIAL: Mapping[type[exp.Expr], Callable[[_Writer, Any], str]] = {
    exp.Between: _Writer.between,
    exp.Boolean: _Writer.boolean,
    exp.Case: _Writer.case,
    exp.Cast: _Writer.cast,
    exp.Column: _Writer.column,
    exp.Extract: _Writer.extract,
    exp.If: _Writer.if_,
    exp.In: _Writer.in_,
    exp.Is: _Writer.is_,
    exp.Literal: _Writer.literal,
    exp.Neg: _Writer.negative,
    exp.Not: _Writer.negation,
    exp.Null: _Writer.null,
    exp.Paren: _Writer.paren,
    exp.TimestampTrunc: _Writer.truncate,
    exp.DateTrunc: _Writer.truncate,
    exp.TryCast: _Writer.cast,
}
