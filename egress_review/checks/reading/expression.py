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
from egress_review.checks.reading.functions import (
    CHANGING_NODES,
    NUMERIC,
    PARTS,
    QUESTIONS,
    SCALAR,
    TEXTUAL,
    refusal,
)
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
_NOTES = frozenset({"coalesce", "typed", "safe", "ignore_nulls", "big_int", "_type", "is_null"})
_TYPES = frozenset({
    "BIGINT", "BOOLEAN", "DATE", "DOUBLE", "FLOAT", "INT",
    "SMALLINT", "TEXT", "TIMESTAMP", "TINYINT", "VARCHAR",
})  # fmt: skip
_DECIMAL_SIZES = 2
_HARMLESS_DIGITS = 3
_HARMLESS_DIGITS_TOGETHER = 6
_MAX_INTERVAL_DIGITS = 5
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
        nodes: how large the expression is, with the expressions behind the columns of earlier SELECTs.
        speaks: whether its form could spell a message, by joining texts or writing out truth values.
        text: whether it may yield a text.
    """

    sql: str = ""
    columns: set[ColumnRef] = field(default_factory=set)
    identifiers: set[ColumnRef] = field(default_factory=set)
    literals: bool = False
    digits: int = 0
    nodes: int = 0
    speaks: bool = False
    text: bool = False


def write(node: exp.Expr, scope: Scope) -> Written:
    """Rewrite `node`.

    Raises:
        CheckStopped: it holds something that is not on the lists above.
    """
    written = Written()
    written.sql = Writer(scope, written).write(node)
    return written


class Writer:
    """Writes one expression over the columns of a scope and takes notes of what it uses."""

    def __init__(self, scope: Scope, notes: Written) -> None:
        self._scope = scope
        self._notes = notes
        self._asking = 0

    def write(self, node: exp.Expr) -> str:
        """The SQL of `node`."""
        kind = type(node)
        self._notes.nodes += 1
        self._notes.speaks |= isinstance(node, exp.DPipe | exp.Boolean | exp.Concat)
        self._notes.text |= isinstance(node, TEXTUAL) and not self._asking
        if kind in _BINARY:
            return self._binary(node, _BINARY[kind])
        if kind in QUESTIONS:
            with self._question():
                return self._function(node, *QUESTIONS[kind])
        if kind in SCALAR:
            with self._measured(measured=isinstance(node, NUMERIC)):
                return self._function(node, *SCALAR[kind])
        if kind in _SPECIAL:
            return _SPECIAL[kind](self, node)
        return self.other(node)

    def other(self, node: exp.Expr) -> str:
        """What is on no list.

        Raises:
            CheckStopped: with the code that says why.
        """
        if isinstance(node, exp.Query | exp.Subquery | exp.Exists):
            raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)
        if isinstance(node, exp.Window):
            raise CheckStopped(FindingCode.WINDOW_FUNCTION)
        if isinstance(node, CHANGING_NODES):
            raise CheckStopped(FindingCode.NOT_DETERMINISTIC, function=function_name(node))
        if isinstance(node, exp.AggFunc):
            raise CheckStopped(FindingCode.AGGREGATE_NOT_PROVABLE, function=function_name(node))
        if isinstance(node, exp.Func):
            raise CheckStopped(refusal(function_name(node)), function=function_name(node))
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

    @contextlib.contextmanager
    def _measured(self, *, measured: bool) -> Iterator[None]:
        """Of a text only a number is taken."""
        before = self._notes.text
        yield
        self._notes.text = before if measured else self._notes.text

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
        """A column, an identifier noted."""
        found = self._scope.resolve(node)
        self._notes.columns.add(found)
        if found.is_identifier:
            self._notes.identifiers.add(found)
        # What an earlier SELECT made of the column counts as if it stood here.
        self._notes.nodes += found.column.nodes - 1
        self._notes.digits += found.column.digits if not self._asking else 0
        self._notes.literals |= self._notes.digits > _HARMLESS_DIGITS_TOGETHER
        self._notes.speaks |= found.column.speaks
        self._notes.literals |= found.column.literals and not self._asking
        self._notes.text |= found.column.text and not self._asking
        return found.sql()

    def literal(self, node: exp.Literal) -> str:
        """A literal, quoted here; one that can say something is noted."""
        digits = len(node.this.replace(".", ""))
        self._notes.digits += digits if not self._asking else 0
        telling = node.is_string or digits > _HARMLESS_DIGITS
        telling |= self._notes.digits > _HARMLESS_DIGITS_TOGETHER
        self._notes.literals |= telling and not self._asking
        self._notes.text |= node.is_string and not self._asking
        if node.is_string:
            return quote_text(_sound(node.this))
        if not _NUMBER.fullmatch(node.this):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=node.this)
        return str(node.this)

    def boolean(self, node: exp.Boolean) -> str:
        """TRUE or FALSE."""
        return "TRUE" if node.this else "FALSE"

    def null(self, _node: exp.Null) -> str:
        """NULL."""
        return "NULL"

    def paren(self, node: exp.Paren) -> str:
        """Brackets."""
        only(node, "this")
        return f"({self.write(node.this)})"

    def negative(self, node: exp.Neg) -> str:
        """The number with the other sign."""
        only(node, "this")
        return f"(-{self.write(node.this)})"

    def negation(self, node: exp.Not) -> str:
        """NOT."""
        only(node, "this")
        return f"(NOT {self.write(node.this)})"

    def is_(self, node: exp.Is) -> str:
        """IS NULL, IS TRUE."""
        only(node, "this", "expression")
        if not isinstance(node.expression, exp.Null | exp.Boolean):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="IS")
        subject = node.this
        asked = self._plain(subject) if isinstance(subject, exp.Column) else self.write(subject)
        return f"({asked} IS {self.write(node.expression)})"

    def in_(self, node: exp.In) -> str:
        """IN over a list of values."""
        if node.args.get("query") is not None:
            raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)
        only(node, "this", "expressions")
        if not node.expressions:
            raise CheckStopped(FindingCode.SUBQUERY_HIDDEN)
        with self._question():
            return f"({self.write(node.this)} IN ({', '.join(self.write(one) for one in node.expressions)}))"

    def between(self, node: exp.Between) -> str:
        """BETWEEN."""
        only(node, "this", "low", "high")
        with self._question():
            low, high = self.write(node.args["low"]), self.write(node.args["high"])
            return f"({self.write(node.this)} BETWEEN {low} AND {high})"

    def case(self, node: exp.Case) -> str:
        """CASE; constants it chooses are noted."""
        only(node, "this", "ifs", "default")
        subject = f" {self.write(node.this)}" if node.this is not None else ""
        parts = [self._branch(one) for one in node.args["ifs"]]
        default = node.args.get("default")
        other = "" if default is None else f" ELSE {self._result(default)}"
        return f"(CASE{subject} {' '.join(parts)}{other} END)"

    def if_(self, node: exp.If) -> str:
        """IF as CASE."""
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
        """CAST to a type that has a text form."""
        only(node, "this", "to", *_NOTES)
        name = type_name(node.args["to"])
        verb = "TRY_CAST" if isinstance(node, exp.TryCast) else "CAST"
        with self._measured(measured=name not in {"TEXT", "VARCHAR"}):
            sql = f"{verb}({self.write(node.this)} AS {name})"
        self._notes.text |= name in {"TEXT", "VARCHAR"} and not self._asking
        return sql

    def extract(self, node: exp.Extract) -> str:
        """A part of a date."""
        only(node, "this", "expression")
        return f"{_part(node.this)}({self.write(node.expression)})"

    def difference(self, node: exp.DateDiff) -> str:
        """Whole parts between two dates."""
        only(node, "this", "expression", "unit", "date_part_boundary")
        start, end = self.write(node.expression), self.write(node.this)
        return f"date_diff('{_part(node.args['unit'])}', {start}, {end})"

    def interval(self, node: exp.Interval) -> str:
        """A length of time."""
        only(node, "this", "unit")
        amount = node.this.this if isinstance(node.this, exp.Literal) else ""
        if not re.fullmatch(rf"[0-9]{{1,{_MAX_INTERVAL_DIGITS}}}", str(amount)):
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct="INTERVAL")
        self._notes.digits += len(amount) if not self._asking else 0
        self._notes.literals |= len(amount) > _HARMLESS_DIGITS and not self._asking
        return f"to_{_part(node.args['unit'])}s({amount})"

    def logarithm(self, node: exp.Log) -> str:
        """A logarithm to base 10 or 2."""
        only(node, "this", "expression")
        if node.expression is None:
            return f"log10({self.write(node.this)})"
        if whole_number(node.this) not in {2, 10}:
            raise CheckStopped(FindingCode.FUNCTION_NOT_ALLOWED, function="log")
        return f"log{node.this.this}({self.write(node.expression)})"

    def truncate(self, node: exp.Expr) -> str:
        """A date cut to a part."""
        only(node, "this", "unit")
        return f"date_trunc('{_part(node.args['unit'])}', {self.write(node.this)})"


def whole_number(node: exp.Expr | None) -> int | None:
    """The value of a literal whole number of at most nine digits, else None."""
    if not isinstance(node, exp.Literal) or node.is_string or not re.fullmatch(r"[0-9]{1,9}", node.this):
        return None
    return int(node.this)


def type_name(to: exp.Expr) -> str:
    """The type of a CAST as we write it.

    Raises:
        CheckStopped: it is none of those that have a text form.
    """
    only(to, "this", "nested", "expressions")
    name = to.this.value if hasattr(to.this, "value") else str(to.this)
    sizes = [whole_number(one.this) if isinstance(one, exp.DataTypeParam) else None for one in to.expressions]
    if name == "DECIMAL" and len(sizes) == _DECIMAL_SIZES and all(one is not None for one in sizes):
        return f"DECIMAL({sizes[0]}, {sizes[1]})"
    if name not in _TYPES or sizes:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"CAST {name}")
    return str(name)


def _part(node: exp.Expr) -> str:
    name = node.name.upper()
    if name not in PARTS:
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


_SPECIAL: Mapping[type[exp.Expr], Callable[[Writer, Any], str]] = {
    exp.Between: Writer.between,
    exp.Boolean: Writer.boolean,
    exp.Case: Writer.case,
    exp.Cast: Writer.cast,
    exp.Column: Writer.column,
    exp.DateDiff: Writer.difference,
    exp.Extract: Writer.extract,
    exp.If: Writer.if_,
    exp.In: Writer.in_,
    exp.Interval: Writer.interval,
    exp.Is: Writer.is_,
    exp.Literal: Writer.literal,
    exp.Log: Writer.logarithm,
    exp.Neg: Writer.negative,
    exp.Not: Writer.negation,
    exp.Null: Writer.null,
    exp.Paren: Writer.paren,
    exp.TimestampTrunc: Writer.truncate,
    exp.DateTrunc: Writer.truncate,
    exp.TryCast: Writer.cast,
}
