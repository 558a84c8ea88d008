"""What the gate will certainly not prove about a query, said while it is still being written.

Only what can be seen from the query's outermost part, and only what is sure: that nothing is said here
promises nothing.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from typing import Any

from onggi.notebook.speech import say

__all__ = ["OnggiWarning", "foreseen", "warn_of"]

_NO_AGGREGATE = frozenset({"STAR", "COLUMN_REF", "CONSTANT"})
_LIMITS = frozenset({"LIMIT_MODIFIER", "LIMIT_PERCENT_MODIFIER"})


class OnggiWarning(UserWarning):
    """A table that reviewers will see as not proven."""


def foreseen(sql: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """The codes, and values, of the findings that one SELECT of DuckDB's will get from the checks."""
    import duckdb

    with duckdb.connect() as database:
        tree = database.execute("SELECT json_serialize_sql(?::VARCHAR)", [sql]).fetchall()[0][0]
    statements: list[dict[str, Any]] = json.loads(tree).get("statements", [])
    for statement in statements:
        node = statement["node"]
        if any(one["type"] in _LIMITS for one in node["modifiers"]):
            yield "sql_not_supported", {"construct": "LIMIT"}
        selected = [one["class"] for one in node.get("select_list", ())]
        plain = bool(selected) and _NO_AGGREGATE.issuperset(selected)
        if plain and not node["group_expressions"] and _of_tables(node):
            yield "no_aggregate", {}


def warn_of(sql: str) -> None:
    """Say each as a warning, in the session's language, with how to write it."""
    for code, params in foreseen(sql):
        key = f"findings.{code}"
        found = " ".join((say(key, **params), say(f"{key}_todo", **params)))
        warnings.warn(say("notebook.will_not_prove", finding=found), OnggiWarning, stacklevel=4)


def _of_tables(node: Mapping[str, Any]) -> bool:
    """Whether a SELECT reads tables alone: a star over a query that aggregates is one of aggregates."""
    source, named = node["from_table"], node.get("cte_map", {}).get("map", ())
    return source["type"] == "BASE_TABLE" and not named
