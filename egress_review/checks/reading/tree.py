"""The syntax tree of a claim's SQL, within bounds.

Guarantees: a text that is too long, too deep or too large never reaches the parser, so that reading ends
soon; one SELECT (or UNION ALL of them) comes out, with the claim's parameters in it as literals.
"""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Mapping
from itertools import islice, pairwise

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from egress_review.checks.findings import FindingCode
from egress_review.checks.refusal import CheckStopped
from onggi.claim import Scalar

MAX_SQL = 32_768
MAX_TOKENS = 5_000
MAX_DEPTH = 48
"""Of brackets and CASE within each other. sqlglot's time may double with each level of some forms."""
MAX_NODES = 12_000
MAX_CHAIN = 200
"""Of nodes below each other; `a AND b AND …` is a chain of that length."""
_OPEN = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSE = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}


def read_tree(text: str, parameters: Mapping[str, Scalar]) -> exp.Select:
    """The one SELECT that `text` is.

    Raises:
        CheckStopped: `sql_too_large`, `sql_unreadable` or `sql_not_supported`.
    """
    if len(text) > MAX_SQL:
        raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="text", limit=MAX_SQL)
    if "\x00" in text:
        raise CheckStopped(FindingCode.SQL_UNREADABLE)
    try:
        _bounded(sqlglot.tokenize(text, dialect="duckdb"))
        found = sqlglot.parse(text, dialect="duckdb")
    except (SqlglotError, RecursionError, ValueError):
        raise CheckStopped(FindingCode.SQL_UNREADABLE) from None
    statements = [one for one in found if one is not None and not isinstance(one, exp.Semicolon)]
    if len(statements) != 1:
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=f"; × {len(statements)}")
    select = statements[0]
    if not isinstance(select, exp.Select):
        raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=select.key.upper())
    _measure(select)
    return _fill(select, parameters)


def _bounded(tokens: list[Token]) -> None:
    if len(tokens) > MAX_TOKENS:
        raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="words", limit=MAX_TOKENS)
    depth = 0
    for one in tokens:
        depth += (one.token_type in _OPEN) - (one.token_type in _CLOSE)
        if depth > MAX_DEPTH:
            raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="brackets", limit=MAX_DEPTH)
    # A slice of a slice of …: sqlglot's time grows with the square of their number.
    kinds = [one.token_type for one in tokens]
    if Counter(pairwise(kinds))[TokenType.R_BRACKET, TokenType.L_BRACKET] >= MAX_CHAIN:
        raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="chain", limit=MAX_CHAIN)


def _measure(tree: exp.Expr) -> None:
    if len(list(islice(tree.walk(), MAX_NODES + 1))) > MAX_NODES:
        raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="nodes", limit=MAX_NODES)
    level = [tree]
    for _ in range(MAX_CHAIN):
        level = [below for one in level for below in one.iter_expressions()]
        if not level:
            return
    raise CheckStopped(FindingCode.SQL_TOO_LARGE, part="chain", limit=MAX_CHAIN)


def _fill(select: exp.Select, parameters: Mapping[str, Scalar]) -> exp.Select:
    """Put the claim's parameters in as literals."""
    for slot in list(select.find_all(exp.Placeholder, exp.Parameter)):
        name = slot.name
        if isinstance(slot, exp.Parameter) or name not in parameters:
            raise CheckStopped(FindingCode.SQL_NOT_SUPPORTED, construct=slot.sql("duckdb"))
        slot.replace(_literal(parameters[name]))
    return select


def _literal(value: Scalar) -> exp.Expr:
    if value is None:
        return exp.Null()
    if isinstance(value, bool):
        return exp.Boolean(this=value)
    if isinstance(value, str):
        return exp.Literal.string(value)
    number = exp.Literal.number(repr(abs(value)))
    return exp.Neg(this=number) if value < 0 else number


def looks_alike(name: str) -> bool:
    """Whether a name mixes ASCII letters with letters or signs of another script that look like them.

    `dеmo` with a Cyrillic е, full-width letters, invisible joiners. A name in one script, Korean for one, is
    a name like any other.
    """
    if name.isascii():
        return False
    if unicodedata.normalize("NFKC", name) != name:
        return True
    kinds = {unicodedata.name(sign, "").split(" ")[0] for sign in name if sign.isalpha()}
    hidden = any(unicodedata.category(sign) in {"Cf", "Mn", "Me"} for sign in name)
    return hidden or ("LATIN" in kinds and bool(kinds & {"CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE"}))
