"""SQL that is made to keep a parser busy: it is read or refused within moments, whatever it is."""

from __future__ import annotations

import time

import pytest

from egress_review.checks.reading.tree import MAX_DEPTH, MAX_SQL, read_tree
from egress_review.checks.refusal import CheckStopped

DEEP = MAX_DEPTH - 4
WHERE = "SELECT count(*) AS n FROM t WHERE "
FORMS = {
    "brackets": WHERE + "(" * DEEP + "1 = 1" + ")" * DEEP,
    "casts": WHERE + "CAST(" * DEEP + "1" + " AS INT)" * DEEP,
    "cases": WHERE + "CASE WHEN " * DEEP + "1 = 1" + " THEN 1 END" * DEEP,
    "functions": WHERE + "coalesce((" * (DEEP // 2) + "a" + "), 1)" * (DEEP // 2),
    "lists": WHERE + "[" * DEEP + "1" + "]" * DEEP,
    "structs": WHERE + "{'a': " * DEEP + "1" + "}" * DEEP,
    "lambdas": WHERE + "f(x -> " * DEEP + "1" + ")" * DEEP,
    "subqueries": "SELECT 1 FROM " + "(SELECT 1 FROM " * DEEP + "t" + ")" * DEEP,
    "joins": "SELECT 1 FROM " + "(" * DEEP + "t" + " JOIN t)" * DEEP,
    "exists": WHERE + "EXISTS (SELECT 1 FROM t WHERE " * DEEP + "1 = 1" + ")" * DEEP,
    "with": "WITH a AS (" * DEEP + "SELECT 1" + ") SELECT 1" * DEEP,
    "windows": "SELECT " + "sum(" * DEEP + "1" + ") OVER (PARTITION BY 1)" * DEEP + " FROM t",
    "slices": WHERE + "a" + "[1:2]" * 900,
    "minus": WHERE + "- " * 7000 + "1",
    "not": WHERE + "NOT " * 7000 + "1",
    "and": WHERE + "1 = 1 AND " * 1900 + "1 = 1",
    "betweens": WHERE + "a BETWEEN 1 AND " * 1900 + "1",
    "union": "SELECT 1 AS n" + " UNION ALL SELECT 1" * 1500,
    "parts": "WITH " + ", ".join(f"a{n} AS (SELECT 1)" for n in range(900)) + " SELECT 1",
    "types": WHERE + "1::INT" + "[]" * 3000,
    "dots": WHERE + "a" + ".a" * 3900,
    "comments": WHERE + "/*" * 7000 + "*/" * 7000 + "1 = 1",
    "words": WHERE + "a " * 16_000,
    "text": WHERE + "'" + "x" * MAX_SQL + "' = a",
}


@pytest.mark.parametrize("form", FORMS)
def test_reading_ends_soon(form: str) -> None:
    started = time.process_time()
    try:
        read_tree(FORMS[form], {})
    except CheckStopped as stopped:
        assert stopped.finding.code.value in {"sql_too_large", "sql_unreadable", "sql_not_supported"}  # noqa: PT017
    assert time.process_time() - started < 10
