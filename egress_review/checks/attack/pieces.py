"""Pieces of the SQL that `reading` wrote: conditions, columns, what a CASE picks. Read token by token, so
that no piece is ever written anew.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

import sqlglot
from sqlglot.tokenizer_core import Token, TokenType

_COLUMN = re.compile(r'"(?:[^"]|"")+"\."(?:[^"]|"")+"')
_OPENS = frozenset({TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE})
_CLOSES = frozenset({TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END})
_LOOSER = frozenset({TokenType.OR, TokenType.BETWEEN})
_ONE_CASE = [TokenType.CASE, TokenType.WHEN, TokenType.THEN, TokenType.END]
_CASE_ELSE = [TokenType.CASE, TokenType.WHEN, TokenType.THEN, TokenType.ELSE, TokenType.END]


def _tokens(sql: str) -> list[Token]:
    return sqlglot.tokenize(sql, dialect="duckdb")


def columns_in(sql: str) -> frozenset[str]:
    """The columns that a piece names, with their tables."""
    return frozenset(_COLUMN.findall(sql))


def bare(sql: str) -> str:
    """A piece without the brackets around all of it."""
    found = _tokens(sql)
    if len(found) < 3 or found[0].token_type is not TokenType.L_PAREN:  # noqa: PLR2004 - two brackets
        return sql.strip()
    depth = 0
    for number, one in enumerate(found):
        depth += (one.token_type in _OPENS) - (one.token_type in _CLOSES)
        if depth == 0:
            return sql.strip() if number < len(found) - 1 else bare(sql[found[0].end + 1 : one.start])
    return sql.strip()


def conjuncts(sql: str) -> tuple[str, ...]:
    """The conditions that all must hold where a condition does; none of none."""
    inner = bare(sql)
    if not inner:
        return ()
    depth, cuts = 0, [0]
    for one in _tokens(inner):
        depth += (one.token_type in _OPENS) - (one.token_type in _CLOSES)
        if depth == 0 and one.token_type in _LOOSER:
            return (inner,)
        if depth == 0 and one.token_type is TokenType.AND:
            cuts += [one.start, one.end + 1]
    cuts.append(len(inner))
    if len(cuts) == 2:  # noqa: PLR2004 - nothing was cut
        return (inner,)
    return tuple(each for at in range(0, len(cuts), 2) for each in conjuncts(inner[cuts[at] : cuts[at + 1]]))


def picked(sql: str, *, zero: bool) -> tuple[tuple[str, ...], str]:
    """Conditions and value of `CASE WHEN condition THEN value END`; of anything else, itself.

    Args:
        zero: whether `ELSE 0` is nothing, as in a sum.
    """
    inner = bare(sql)
    marks = [one for depth, one in _by_depth(inner) if depth == 1 and one.token_type in _CASE_ELSE]
    kinds = [one.token_type for one in marks]
    if not inner or kinds not in (_ONE_CASE, _CASE_ELSE) or marks[0].start or marks[-1].end + 1 != len(inner):
        return (), inner
    if kinds == _CASE_ELSE and not (zero and inner[marks[3].end + 1 : marks[4].start].strip() == "0"):
        return (), inner
    more, value = picked(inner[marks[2].end + 1 : marks[3].start], zero=zero)
    return (*conjuncts(inner[marks[1].end + 1 : marks[2].start]), *more), value


def _by_depth(sql: str) -> Sequence[tuple[int, Token]]:
    """Tokens with their depth; what opens and closes counts as inside."""
    depth, found = 0, []
    for one in _tokens(sql):
        depth += one.token_type in _OPENS
        found.append((depth, one))
        depth -= one.token_type in _CLOSES
    return found


def renamed(sql: str, names: dict[str, str]) -> str:
    """A piece with other names for its tables: `"p"."age"` as `"t0"."age"`."""
    found = _tokens(sql)
    parts, done = [], 0
    for one, after in pairwise(found):
        name = sql[one.start : one.end + 1]
        if after.token_type is TokenType.DOT and name in names:
            parts += [sql[done : one.start], names[name]]
            done = one.end + 1
    return "".join([*parts, sql[done:]])


def with_plain_names(from_sql: str) -> tuple[str, dict[str, str]]:
    """A FROM clause in which tables are called t0, t1 …, and how each was called."""
    found = _tokens(from_sql)
    names: dict[str, str] = {}
    parts, done = [], 0
    for one, after in pairwise(found):
        name = from_sql[after.start : after.end + 1]
        if one.token_type is TokenType.ALIAS and name.startswith('"'):
            names[name] = f'"t{len(names)}"'
            parts += [from_sql[done : after.start], names[name]]
            done = after.end + 1
    plain = "".join([*parts, from_sql[done:]])
    return renamed(plain, names), names
